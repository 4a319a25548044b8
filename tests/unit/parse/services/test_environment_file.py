"""endwell.parse.services.environment_file: what Docker's client takes and refuses, as seen with it."""

from __future__ import annotations

import pytest

from endwell.parse.problems import Report
from endwell.parse.services.environment_file import environment_of


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (" A=1", {"A": "1"}),
        ("A=1 # c", {"A": "1 # c"}),
        ("A= 'x' ", {"A": " 'x' "}),
        ("A=$B ${C}", {"A": "$B ${C}"}),
        ("A==", {"A": "="}),
        ("\u00e9=1", {"\u00e9": "1"}),
        ("SET", {"SET": "here"}),
        ("UNSET", {}),
        ("#x", {}),
        ("  # x", {}),
        ("", {}),
    ],
)
def test_takes(line: str, found: dict[str, str]) -> None:
    report = Report()
    assert environment_of(f"\ufeff{line}\r\n", "e", {"SET": "here"}, report) == found
    assert report.errors == []


@pytest.mark.parametrize("line", ["A B=1", "A =1", "=1", "A B", "A ", "A\t=1"])
def test_refuses(line: str) -> None:
    report = Report()
    assert environment_of(f"X=1\n{line}\n", "e", {"A": "1"}, report) == {"X": "1"}
    (error,) = report.errors
    assert str(error) == (
        f"e:2: {line.partition('=')[0]!r} is not the name of a variable: write NAME=value without spaces "
        "before the sign"
    )
