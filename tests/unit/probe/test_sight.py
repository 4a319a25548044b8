"""What /proc tells of a process, when it changes while it is read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from endwell.engine import stance
from endwell.probe import sight
from endwell.probe.attempt import Attempt

if TYPE_CHECKING:
    import pytest

_FIELDS = b"(x) S 0 0 0 0 0 %d 0 0"
_HERE, _LEAVING = _FIELDS % 0, _FIELDS % 4


def look(monkeypatch: pytest.MonkeyPatch, *looks: dict[int, bytes | None] | None) -> bool:
    """Ask while the threads are these, look by look: each with its stat, None for one that has gone."""
    left = list(looks)

    def threads(_: int) -> list[int]:
        now = left[0]
        if now is None:
            raise ProcessLookupError
        return list(now)

    def read(thread: int, _: str) -> bytes:
        now = left[0]
        assert now is not None
        if (text := now[thread]) is None:
            left.pop(0)
            raise ProcessLookupError
        return text

    monkeypatch.setattr(stance, "threads", threads)
    monkeypatch.setattr(stance, "read", read)
    return stance.is_ending(os.getpid())


def test_a_process_ends_when_all_of_its_threads_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(monkeypatch, {1: _LEAVING, 2: _LEAVING})
    assert not look(monkeypatch, {1: _LEAVING, 2: _HERE})
    assert look(monkeypatch, None)


def test_a_thread_that_executes_takes_the_place_of_the_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not look(monkeypatch, {1: _LEAVING, 2: None}, {1: _HERE})
    assert look(monkeypatch, {1: _LEAVING, 2: None}, {1: _LEAVING})
    assert look(monkeypatch, {1: _LEAVING, 2: None}, None)


def test_a_process_whose_threads_never_stand_still_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[dict[int, bytes | None]] = [{1: None}] * 100
    assert not look(monkeypatch, *looks)


def test_another_users_exec_has_not_succeeded_while_there_is_no_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = {"stat": b"(x) S" + b" 1" * 60, "cmdline": b"python3\0-c\0pass\0"}
    monkeypatch.setattr(sight, "read", lambda _, name: lines[name])
    attempt = Attempt(0.0, 7, "", (), sight.image(7))
    assert attempt.succeeded(7) is None
    lines["cmdline"] = b""  # the kernel has put the new image in its place, and not its words yet
    assert attempt.succeeded(7) is None
    lines["cmdline"] = b"sleep\x00100\0"
    assert attempt.succeeded(7) == ("sleep", "100")
