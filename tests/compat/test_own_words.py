"""Where ours speaks for itself under another's name: licences, and catatonit's page of help."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.compat.case import Case
from tests.compat.harness import observe
from tests.compat.personas import PERSONAS

if TYPE_CHECKING:
    from tests.compat.conftest import Both, Inits

LICENCE = Path(__file__).parents[2] / "LICENSE"


@pytest.mark.parametrize(("name", "option"), [("tini", "-l"), ("tini-static", "-sl"), ("catatonit", "-L")])
def test_the_licence_is_our_own(both: Both, name: str, option: str) -> None:
    real, ours = both(name, Case(name="licence", options=(option,)))
    assert real["status"] == ours["status"] == 0
    assert real.keys() == ours.keys()  # the same stream
    text = ours["stdout of the command"]
    assert isinstance(text, list)
    assert text[0].startswith("endwell-init ")
    assert text[1] in LICENCE.read_text().splitlines()
    assert text[2].startswith("MIT License")


@pytest.mark.parametrize("options", [("-h",), ("-gh",), ("-h", "-x"), ("true", "-h")])
def test_catatonits_help_names_the_same_options(both: Both, options: tuple[str, ...]) -> None:
    real, ours = both("catatonit", Case(name="help", options=options))
    assert real["status"] == ours["status"] == 0
    assert real.keys() == ours.keys()

    def named(text: object) -> set[str]:
        assert isinstance(text, list)
        return set(
            re.findall(r"(?<!\S)--?[\w-]+", "\n".join(line for line in text if line.startswith("  -")))
        )

    theirs_text, our_text = real["stderr of the command"], ours["stderr of the command"]
    assert named(theirs_text) == named(our_text)
    assert isinstance(theirs_text, list)
    assert isinstance(our_text, list)
    assert theirs_text[0] == our_text[0]


@pytest.mark.parametrize("name", PERSONAS)
def test_a_copy_is_as_good_as_a_link(inits: Inits, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "bin" / name
    copy.parent.mkdir()
    shutil.copy(inits.ours / name, copy)
    case = Case(name="copy", options=("-x",))
    linked = observe(case, inits.ours / name, tmp_path, PERSONAS[name].mask)
    assert observe(case, copy, tmp_path, PERSONAS[name].mask) == linked
