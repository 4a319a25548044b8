"""Where the inits under test are: the real ones and ours, side by side under the same names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import pytest

from tests.compat.harness import observe
from tests.compat.personas import PERSONAS, our_init, real_init
from tests.support.session import docker

__all__ = ["docker"]

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.compat.case import Case, Observation

    Both = Callable[[str, Case], tuple[Observation, Observation]]


class Inits(NamedTuple):
    """Two folders with the same names in them."""

    theirs: Path
    ours: Path


def missing(what: str) -> NoReturn:
    """Skips where a person works, fails where nobody would see the skip."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def inits(tmp_path_factory: pytest.TempPathFactory) -> Inits:
    folder = tmp_path_factory.mktemp("inits")
    both = Inits(folder / "real", folder / "ours")
    both.theirs.mkdir()
    both.ours.mkdir()
    ours = our_init()
    if ours is None:
        missing("endwell-init is not built: `make setup`, or name it in ENDWELL_INIT")
    for persona in PERSONAS.values():
        real = real_init(persona)
        if real is None:
            missing(f"{persona.real} is not installed: `apt-get install tini dumb-init catatonit`")
        (both.theirs / persona.name).symlink_to(real)
        (both.ours / persona.name).symlink_to(ours)
    return both


@pytest.fixture
def both(inits: Inits, tmp_path: Path) -> Both:
    """Runs a case with the real init of a name, and with ours."""

    def run(name: str, case: Case) -> tuple[Observation, Observation]:
        mask = PERSONAS[name].mask
        real = observe(case, inits.theirs / name, tmp_path, mask)
        return real, observe(case, inits.ours / name, tmp_path, mask)

    return run
