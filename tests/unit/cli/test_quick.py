"""endwell.cli.quick: what is read quickly is what argparse would have read."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from endwell.cli import up
from endwell.cli.commands import BY_NAME
from endwell.cli.main import command_parser
from endwell.cli.quick import read_quickly

if TYPE_CHECKING:
    import argparse

WORDS = (
    *(
        "-c",
        "--file",
        "--grace",
        "--check",
        "--report",
        "--exit-code-from",
        "--socket",
        "--init",
        "--no-init",
    ),
    *("--file=a=b", "--grace=", "--check=1", "--socket=none", "-cfile", "--fil", "--help", "-x"),
    *("--", "-", "", "10s", "a b", "-1", "endwell.toml"),
)


def slowly(words: list[str]) -> dict[str, object] | None:
    """Read the words with argparse; None for a mistake, or for help."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            return vars(command_parser(BY_NAME["up"]).parse_args(words))
        except SystemExit:
            return None


@given(st.lists(st.sampled_from(WORDS), max_size=6))
def test_as_argparse(words: list[str]) -> None:
    quick = read_quickly(up.configure, words)
    if quick is not None:
        assert vars(quick) == slowly(words)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["supervisord.conf"],
        ["-c", "supervisord.conf"],
        ["--check", "/etc/endwell.toml", "--grace", "3s"],
        ["--file=x", "--grace", "3s", "--check", "--report", "/dev/stderr"],
        ["--exit-code-from", "web", "--socket", "none", "--no-init"],
    ],
)
def test_what_people_write_is_read_quickly(words: list[str]) -> None:
    quick = read_quickly(up.configure, words)
    assert quick is not None
    assert vars(quick) == slowly(words)


def test_what_is_not_known_is_left_to_argparse() -> None:
    def choices(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--color", choices=("never", "always"))

    def positional(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file")

    def two(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("one", nargs="?")
        parser.add_argument("two", nargs="?")

    def group(parser: argparse.ArgumentParser) -> None:
        parser.add_argument_group("more")

    assert [read_quickly(one, []) for one in (choices, positional, two, group)] == [None] * 4
