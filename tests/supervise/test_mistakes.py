"""Mistakes of our own: those who run are supervised and ended all the same."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from endwell.supervise.mistakes import Mistakes, where
from tests.supervise.upping import STOP, Up, program

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = """
import sys
from endwell.supervise.news import News
from endwell.cli.main import main

def broken(self, act):
    raise ZeroDivisionError("on purpose")

News.__call__ = broken
sys.exit(main(sys.argv[1:]))
"""


def test_a_listener_that_raises_stops_nobody_from_ending_well(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    text = program("one", STOP, "autorestart=true") + program("two", STOP)
    with Up(tmp_path, text, endwell=(sys.executable, str(tmp_path / "broken.py"))) as up:
        up.wait_for("up one", "up two")
        assert up.stop() == 0
        assert up.out.count("bye") == 2
        assert any("a mistake of endwell's own" in line and "broken.py:7" in line for line in up.err)


def test_mistakes_are_told_until_there_are_too_many() -> None:
    said: list[str] = []
    mistakes = Mistakes(said.append)
    given_up = [mistakes.note(ValueError("x")) for _ in range(1001)]
    assert given_up == [False] * 1000 + [True]
    assert len(said) == 20


def test_a_mistake_has_a_place() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 // 0
    assert "test_mistakes.py:" in where(caught.value)
