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


CARELESS = """
import sys
from endwell.supervise.logs.outlets import PipeOutlets
from endwell.cli.main import main

def broken(self):
    raise ZeroDivisionError("on purpose")

PipeOutlets.ended = broken
sys.exit(main(sys.argv[1:]))
"""


def test_a_mistake_about_one_that_has_ended_lets_all_who_have_ended_be_told_of(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(CARELESS)
    # Stopped together they end together, and are collected at once.
    text = "".join(program(f"number{one}", STOP) for one in range(8))
    with Up(tmp_path, text, endwell=(sys.executable, str(tmp_path / "broken.py"))) as up:
        up.wait_for(*(f"up number{one}" for one in range(8)))
        up.stop()
        assert any("a mistake of endwell's own" in line and "broken.py:7" in line for line in up.err)
        assert any("8 of 8 services ended by themselves" in line for line in up.err)


LAST = """
import sys
from endwell.supervise.logs.capture import Capture
from endwell.cli.main import main

finish = Capture.finish

def finished(self):
    finish(self)
    self._watcher._loop.at(0.0, lambda: 1 / 0)
    Capture.empty = property(lambda self: Capture.asked or setattr(Capture, "asked", True))

Capture.asked = False
Capture.finish = finished
sys.exit(main(sys.argv[1:]))
"""


def test_a_mistake_at_the_very_end_leaves_the_account(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(LAST)
    with Up(tmp_path, program("one", STOP), endwell=(sys.executable, str(tmp_path / "broken.py"))) as up:
        up.wait_for("up one")
        assert up.stop() == 0
        assert any("a mistake of endwell's own" in line for line in up.err)
        assert up.service("one")["ended"] is not None


def test_mistakes_are_told_until_there_are_too_many() -> None:
    said: list[str] = []
    mistakes = Mistakes(said.append, lambda: 0.0)
    given_up = [mistakes.note(ValueError("x")) for _ in range(1001)]
    assert given_up == [False] * 1000 + [True]
    assert len(said) == 20


def test_one_mistake_an_hour_is_no_reason_to_give_up() -> None:
    hours, said = iter(range(0, 10**9, 3600)), list[str]()
    mistakes = Mistakes(said.append, lambda: float(next(hours)))
    assert not any(mistakes.note(ValueError("x")) for _ in range(2000))
    assert len(said) == 2000


def test_a_mistake_has_a_place() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 // 0
    assert "test_mistakes.py:" in where(caught.value)
