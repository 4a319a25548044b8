"""`--since`, as docker's commands take it."""

from __future__ import annotations

import re
import time

import pytest

from endwell.cli.instants import parse_instant

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("10m", NOW - 600),
        ("1h30m", NOW - 5400),
        ("1799999999.5", 1_799_999_999.5),
        ("0", 0.0),
        ("2027-01-15T08:00:00Z", NOW),
        ("2027-01-15T08:00:00.25+00:00", NOW + 0.25),
        ("2027-01-15T09:00:00+01:00", NOW),
    ],
)
def test_an_instant(text: str, instant: float) -> None:
    assert parse_instant(text, NOW) == instant


def test_a_date_is_of_this_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-3")
    time.tzset()
    try:
        assert parse_instant("2027-01-15", NOW) == NOW - 11 * 3600
        assert parse_instant("2027-01-15T11:00:00", NOW) == NOW
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "yesterday", "nan", "inf", "-5m", "2027-13-01", "10 m"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{text!r} is not an instant: use for example 10m")):
        parse_instant(text, NOW)
