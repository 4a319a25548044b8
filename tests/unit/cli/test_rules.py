"""endwell rule, endwell rules: what a person and a program read of the rules."""

from __future__ import annotations

import io
import json
import sys

import pytest

from endwell.cli.main import main
from endwell.rules import RULES


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize("word", ["EW101", "ew101", "shell-at-pid1", "Shell-At-PID1"])
def test_prints_a_page(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", word]) == 0
    assert capsys.readouterr() == (RULES[0].page, "")


def test_prints_several_pages_each_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "EW102", "EW101", "wrapper-at-pid1"]) == 0
    assert capsys.readouterr().out == f"{RULES[1].page}\n{RULES[0].page}"


def test_prints_all_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "--all"]) == 0
    out = capsys.readouterr().out
    assert all(rule.page in out for rule in RULES)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("EW100", "see `endwell rules` for all of them"),
        ("ew999", "see `endwell rules` for all of them"),
        ("EW1O1", "did you mean EW101?"),
        ("EW-1o1", "did you mean EW101?"),
        ("ew 402", "did you mean EW402?"),
        ("E101", "did you mean EW101?"),
        ("405", "did you mean EW405?"),
        ("shell-at-pid", "did you mean EW101?"),
        ("never-tol", "did you mean EW402"),
        ("xyz", "see `endwell rules` for all of them"),
        ("", "see `endwell rules` for all of them"),
    ],
)
def test_unknown_rule(word: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "EW101", word]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"endwell rule: {word!r} is not a rule: ")
    assert said in err
    assert err.count("\n") == 1


def test_no_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule"]) == 2
    said = "endwell rule: name a rule, such as EW101; see `endwell rules` for all of them\n"
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(("no_color", "bold"), [("", True), ("1", False)])
def test_headings_are_bold_on_a_terminal(
    no_color: str,
    bold: bool,  # noqa: FBT001  a column of the table
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["rule", "EW101"]) == 0
    text = terminal.getvalue()
    assert ("\033[1m# EW101 shell-at-pid1\033[0m\n" in text) == bold
    assert ("\033[1m## Mend it\033[0m\n" in text) == bold
    assert text.replace("\033[1m", "").replace("\033[0m", "") == RULES[0].page


def test_lists_every_rule_within_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) < 80
    words = " ".join(out.split())
    assert all(f" {rule.code} {rule.name} {rule.summary}" in words for rule in RULES)


@pytest.mark.parametrize(
    ("words", "rules"),
    [
        (["rules", "--json"], RULES),
        (["rule", "EW101", "--json"], RULES[:1]),
        (["rule", "--all", "--json"], RULES),
    ],
)
def test_json(words: list[str], rules: tuple[object, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == "endwell.rules/1"
    assert len(said["rules"]) == len(rules)
    first = RULES[0]
    assert said["rules"][0] == {
        "code": first.code,
        "name": first.name,
        "summary": first.summary,
        "page": first.page,
    }
