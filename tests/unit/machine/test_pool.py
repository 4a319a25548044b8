"""endwell.machine.pool: who is given which event, and what is dropped."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from endwell.machine.listener import Handled, Rejected
from endwell.machine.notice import Notice, Origin, logged
from endwell.machine.pool import Entry, Pool

ONE, TWO = ("mail", 0), ("mail", 1)


def pool(*keys: tuple[str, int], size: int = 10) -> Pool:
    made = Pool("mail", ["TICK"], size, "supervisor")
    made.expect(keys or [ONE])
    for one in made.members.values():
        one.able = True
    return made


def ready(made: Pool, key: tuple[str, int] = ONE) -> None:
    assert made.members[key].hear(b"READY\n") == []


def add(made: Pool, *numbers: int) -> list[str]:
    """Add events, and return the heads of those that were dropped."""
    dropped = [made.add(Notice("TICK_5", f"{number}"), number + 100) for number in numbers]
    return [entry.notice.head for entry in dropped if entry is not None]


def dealt(made: Pool, now: float = 0.0) -> list[tuple[tuple[str, int], str]]:
    return [(key, entry.notice.head) for key, entry in made.deal(now)]


def is_quiet(made: Pool) -> bool:
    return made.quiet


def is_paused(made: Pool) -> bool:
    return made.paused


def answer(made: Pool, words: bytes, now: float = 0.0, key: tuple[str, int] = ONE) -> None:
    for verdict in made.members[key].hear(words):
        if isinstance(verdict, Handled):
            made.done()
        elif isinstance(verdict, Rejected):
            made.reject(verdict.entry, now)


def test_events_wait_for_the_first_who_is_free() -> None:
    made = pool(ONE, TWO)
    add(made, 1, 2, 3)
    assert dealt(made) == []
    ready(made, TWO)
    assert dealt(made) == [(TWO, "1")]
    assert dealt(made) == []
    ready(made)
    assert dealt(made) == [(ONE, "2")]
    answer(made, b"RESULT 2\nOKREADY\n", key=TWO)
    assert dealt(made) == [(TWO, "3")]


def test_it_is_quiet_when_all_is_done() -> None:
    made = pool()
    assert is_quiet(made)
    add(made, 1)
    assert not is_quiet(made)
    ready(made)
    assert dealt(made) == [(ONE, "1")]
    assert not is_quiet(made)
    answer(made, b"RESULT 2\nOK")
    assert is_quiet(made)


def test_the_oldest_is_dropped_when_there_are_too_many() -> None:
    made = pool(size=2)
    assert add(made, 1, 2) == []
    assert add(made, 3, 4) == ["1", "2"]
    assert made.dropped == 2
    ready(made)
    assert dealt(made) == [(ONE, "3")]


def test_what_was_rejected_is_told_again_before_the_others() -> None:
    made = pool(ONE, TWO)
    ready(made)
    add(made, 1, 2)
    assert dealt(made) == [(ONE, "1")]
    answer(made, b"RESULT 4\nFAIL")
    ready(made, TWO)
    assert dealt(made) == [(TWO, "1")]


def test_what_comes_back_to_a_full_pool_is_kept_and_the_next_one_is_dropped() -> None:
    made = pool(size=2)
    ready(made)
    add(made, 1)
    assert dealt(made) == [(ONE, "1")]
    add(made, 2, 3)
    entry = made.members[ONE].entry
    assert entry is not None
    dropped = made.reject(entry, 0.0)
    assert dropped is not None
    assert dropped.notice.head == "2"


def test_who_rejects_again_and_again_is_asked_ever_more_rarely() -> None:
    made = pool()
    ready(made)
    add(made, 1)
    now, waits = 0.0, []
    for _ in range(12):
        assert dealt(made, now) == [(ONE, "1")]
        answer(made, b"RESULT 2\nNO", now)
        ready(made)
        if made.paused:
            waits.append(made.wake - now)
            assert dealt(made, now) == []
            assert dealt(made, math.nextafter(made.wake, 0)) == []
            now = made.wake
    assert waits == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0, 5.0])
    assert dealt(made, now) == [(ONE, "1")]
    answer(made, b"RESULT 2\nOK")
    ready(made)
    add(made, 2)
    assert dealt(made, now) == [(ONE, "2")]


def test_the_clock_is_needed_only_while_somebody_could_be_told() -> None:
    made = pool()
    ready(made)
    add(made, 1)
    for _ in range(2):
        dealt(made)
        answer(made, b"RESULT 2\nNO")
        assert not is_paused(made)
        ready(made)
    assert is_paused(made)
    made.members[ONE].end()
    assert not is_paused(made)


def test_what_a_listener_reads() -> None:
    made = pool()
    made.add(Notice("TICK_60", "x"), 4)
    entry = Entry(logged(Origin("cat", "g", 5), "stdout", "né".encode()), 7, 1)
    # The length is in characters: a listener in Python reads text, and would wait for more.
    assert (
        made.envelope(entry)
        == (
            "ver:3.0 server:supervisor serial:7 pool:mail poolserial:1 eventname:PROCESS_LOG_STDOUT len:51\n"
            "processname:cat groupname:g pid:5 channel:stdout\nné"
        ).encode()
    )


def test_what_cannot_be_written_is_replaced() -> None:
    entry = Entry(Notice("REMOTE_COMMUNICATION", "type:\udc80\n"), 0, 0)
    assert pool().envelope(entry).endswith(b"len:7\ntype:?\n")


def test_those_who_stay_in_a_pool_keep_what_they_were_told() -> None:
    made = pool(ONE, TWO)
    ready(made)
    add(made, 1)
    assert dealt(made) == [(ONE, "1")]
    made.expect([("mail", 2), ONE])
    assert list(made.members) == [("mail", 2), ONE]
    assert made.members[ONE].entry is not None


@given(st.lists(st.sampled_from(["add", "ready", "ok", "fail", "die"]), max_size=60), st.integers(1, 4))
def test_nothing_is_lost_but_what_is_dropped(steps: list[str], size: int) -> None:
    made = pool(size=size)
    member = made.members[ONE]
    added = dropped = done = 0
    told: list[int] = []
    now = 0.0
    for step in steps:
        now += 10  # longer than any pause
        if step == "add":
            dropped += len(add(made, added))
            added += 1
        elif step == "ready" and member.state == 30:
            member.hear(b"READY\n")
        elif member.entry is not None and step in {"ok", "fail", "die"}:
            verdicts = (
                member.end()
                if step == "die"
                else member.hear(b"RESULT 2\nOK" if step == "ok" else b"RESULT 2\nNO")
            )
            member.able = True
            for verdict in verdicts:
                if isinstance(verdict, Handled):
                    made.done()
                    done += 1
                    told.append(verdict.entry.pool_serial)
                elif isinstance(verdict, Rejected):
                    dropped += made.reject(verdict.entry, now) is not None
        made.deal(now)
    waiting = len(made._waiting)
    assert waiting <= size
    assert added == done + dropped + waiting + (member.entry is not None)
    assert told == sorted(told)
    assert made.dropped == dropped


@pytest.mark.parametrize("size", [1, 3])
def test_there_are_never_more_than_may_wait(size: int) -> None:
    made = pool(size=size)
    add(made, *range(10))
    assert made.dropped == 10 - size
