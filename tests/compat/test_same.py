"""What the real inits do, ours does under their names: every case is run by both and the two are compared."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING

import pytest

from tests.compat import cases_catatonit, cases_dumb_init, cases_tini
from tests.compat.harness import observe
from tests.compat.personas import PERSONAS, Persona

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compat.case import Case, Observation
    from tests.compat.conftest import Inits

# Where a real init and its command race, as when both write lines in pieces, one of so many runs is ours.
RUNS = 10

TABLE = {
    "tini": cases_tini.CASES,
    "dumb-init": cases_dumb_init.CASES,
    "catatonit": cases_catatonit.CASES,
    "tini-static": [*cases_tini.command_line(), *cases_tini.signals()],
    "docker-init": [*cases_tini.command_line(), *cases_tini.signals()],
    "podman-init": [*cases_catatonit.command_line(), *cases_catatonit.pauses()],
}


def parameters() -> list[object]:
    return [
        pytest.param(PERSONAS[name], case, id=f"{name}: {case.name}")
        for name, cases in TABLE.items()
        for case in cases
    ]


def lines_of(observation: Observation) -> list[str]:
    lines = []
    for name, value in sorted(observation.items()):
        lines += [f"{name}:", *(f"    {line}" for line in (value if isinstance(value, list) else [value]))]
    return lines


@pytest.mark.parametrize(("persona", "case"), parameters())
def test_does_the_same(persona: Persona, case: Case, inits: Inits, tmp_path: Path) -> None:
    ours: list[Observation] = []
    theirs: list[Observation] = []
    for _ in range(RUNS):
        ours.append(observe(case, inits.ours / persona.name, tmp_path, persona.mask))
        theirs.append(observe(case, inits.theirs / persona.name, tmp_path, persona.mask))
        if ours[-1] in theirs or theirs[-1] in ours:
            return
    difference = unified_diff(lines_of(theirs[-1]), lines_of(ours[-1]), persona.real, "ours", lineterm="")
    pytest.fail("\n".join(difference), pytrace=False)
