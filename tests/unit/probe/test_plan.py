"""The command line as a value: what runs inside, and when."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from endwell.probe.plan import Execution


@pytest.mark.parametrize(
    ("text", "command", "at"),
    [
        ("kill -9 1", "kill -9 1", None),
        ("200ms:kill -9 7", "kill -9 7", 0.2),
        ("+1s:date", "date", 1.0),
        ("-1m30s:redis-cli set key value", "redis-cli set key value", -90.0),
        ("0:true", "true", 0.0),
        ("2:echo a:b", "echo a:b", 2.0),
        ("echo a:b", "echo a:b", None),
        ("sh -c a:b", "sh -c a:b", None),
        (" x:foo", " x:foo", None),
        ("./x:foo", "./x:foo", None),
        (": >/run/file", ": >/run/file", None),
        ("PATH=/a:/b date", "PATH=/a:/b date", None),
    ],
)
def test_a_time_in_front_is_relative_to_the_stop(text: str, command: str, at: float | None) -> None:
    assert Execution.parse(text) == Execution(("/bin/sh", "-c", command), at)


@pytest.mark.parametrize("text", ["", "  ", "1s:", "-1s: "])
def test_without_a_command_there_is_nothing_to_run(text: str) -> None:
    with pytest.raises(ValueError, match="names no command"):
        Execution.parse(text)


@pytest.mark.parametrize(
    "text", ["x:foo", "1x:foo", "soon:foo", "-:foo", "+-1s:foo", "10.0.0.1:foo", "1..s:x"]
)
def test_a_plain_word_before_a_colon_that_is_no_time_is_said(text: str) -> None:
    word = text.partition(":")[0]
    with pytest.raises(
        ValueError, match=f"the word before the colon is a time, and '{re.escape(word)}' is none"
    ):
        Execution.parse(text)


@given(st.text())
def test_any_text_is_a_command_or_an_error(text: str) -> None:
    try:
        read = Execution.parse(text)
    except ValueError:
        return
    assert read.command[2]
    assert text.endswith(read.command[2])
