"""The reference of the commands is what they say of themselves."""

from __future__ import annotations

import sys

import pytest

from endwell.cli.commands import BY_NAME
from endwell.cli.main import command_parser
from tests.unit.cli.__main__ import PAGE
from tests.unit.cli.commands_page import NAMES, commands_page


@pytest.mark.may_skip
@pytest.mark.skipif(sys.version_info >= (3, 13), reason="argparse writes options and indents otherwise")
def test_the_page_is_the_help() -> None:
    assert PAGE.read_text(encoding="utf-8") == commands_page(), "write it: python -m tests.unit.cli"


@pytest.mark.parametrize("name", NAMES)
def test_help_fits_a_terminal_and_teaches(name: str) -> None:
    text = command_parser(BY_NAME[name]).format_help()
    assert max(map(len, text.splitlines())) <= 80
    assert f"examples:\n  endwell {name}" in text
    assert "exit status: 0" in text or "exit status: the" in text or "exit status: that" in text
