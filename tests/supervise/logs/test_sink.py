"""endwell.supervise.logs.sink: whatever the place does, lines are whole and every lost one is counted."""

from __future__ import annotations

import errno
import math
import os
import re
from typing import TYPE_CHECKING

from hypothesis import given, strategies as st

from endwell.machine.marks import Marks
from endwell.machine.outbox import Share, Writer
from endwell.model.service import Prefix
from endwell.supervise.logs.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Place:
    """An output that takes what `answers` says: so many bytes, or a negative error number."""

    writing = True
    descriptor = 99

    def __init__(self, answers: Iterator[int]) -> None:
        self.answers = answers
        self.taken = b""

    def write(self, data: bytes, begin: int) -> int:
        answer = next(self.answers, len(data))
        if answer < 0:
            raise OSError(-answer, os.strerror(-answer))
        end = min(begin + answer, len(data))
        self.taken += data[begin:end]
        return end

    def pending(self) -> int:
        return 0

    def close(self) -> None:
        pass


class World:
    """A sink, the clock and the loop it has."""

    def __init__(self, *answers: int) -> None:
        self.time = 0.0
        self.watched: Callable[[], None] | None = None
        self.said: list[str] = []
        self.place = Place(iter(answers))
        self.sink = Sink("a.log", self.place, self, lambda: self.time, self.said.append)
        self.writer = Writer(Marks(Prefix.NONE, "web", "stdout", lambda _: b""), Share())

    def watch(self, descriptor: int, call: Callable[[], None], *, writing: bool = False) -> None:
        assert (descriptor, writing, self.watched) == (99, True, None)
        self.watched = call

    def forget(self, descriptor: int) -> None:
        assert descriptor == 99
        assert self.watched is not None
        self.watched = None

    def wake_at(self, at: float | None) -> None:
        raise AssertionError(f"that is the capture's: {at}")

    def add(self, data: bytes) -> None:
        self.sink.add(self.writer, data, self.time)


def test_it_is_watched_only_while_it_takes_nothing() -> None:
    world = World(2, 0, 1, 0)
    world.add(b"abcd\n")
    assert world.place.taken == b"ab"
    assert world.watched is not None
    world.add(b"ef\n")
    assert world.place.taken == b"ab"
    world.watched()
    assert world.place.taken == b"abc"
    assert world.watched is not None
    world.watched()
    assert world.place.taken == b"abcd\nef\n"
    assert world.watched is None


def test_a_full_disk_is_said_once_and_tried_again_ever_more_seldom() -> None:
    world = World(*[-errno.ENOSPC] * 6)
    world.add(b"one\n")
    waits = []
    while world.sink.retry_at < math.inf:
        waits.append(world.sink.retry_at - world.time)
        world.add(b"not tried now\n")
        world.time = world.sink.retry_at
        world.sink.pump()
    assert waits == [0.5, 1, 2, 4, 5, 5]
    assert world.said == [
        "cannot write to a.log: No space left on device; lines are dropped and counted until it can be",
        "a.log can be written to again",
    ]
    assert world.place.taken == b"one\n" + b"not tried now\n" * 6


def test_a_full_disk_makes_nobody_wait_and_the_loss_is_told_in_the_log() -> None:
    world = World(-errno.ENOSPC)
    for _ in range(100):
        world.add(b"x" * 9999 + b"\n")
        assert not world.sink.outbox.full(world.writer.share)
    world.time = 1.0
    world.sink.pump()
    kept = world.place.taken.count(b"x\n")
    assert kept == 14
    told = b"endwell: web stdout: 86 lines (860000 bytes) dropped: No space left on device\n"
    assert world.place.taken.endswith(told)


def test_one_that_is_gone_is_said_once() -> None:
    world = World(-errno.EPIPE, -errno.EPIPE)
    world.add(b"one\n")
    world.add(b"two\n")
    assert world.sink.empty
    assert world.said == ["cannot write to a.log: Broken pipe; what goes there is dropped and counted"]
    assert (world.writer.share.lost.lines, world.sink.retry_at) == (2, math.inf)


def test_whoever_waits_is_told_when_there_is_room() -> None:
    world = World(0)
    calls: list[int] = []
    world.sink.waiting.add(lambda: calls.append(1))
    world.add(b"one\n")
    assert not calls
    assert world.watched is not None
    world.watched()
    assert calls


ANSWERS = st.lists(st.sampled_from([0, 1, 5, 1000, -errno.ENOSPC, -errno.EIO, -errno.EAGAIN, -errno.EPIPE]))


@given(ANSWERS, st.lists(st.integers(0, 3)))
def test_every_line_is_written_whole_or_counted(answers: list[int], bursts: list[int]) -> None:
    world = World(*answers)
    number = 0
    for burst in bursts:
        lines = b"".join(b"line %d.\n" % (number + one) for one in range(burst))
        number += burst
        if lines:
            world.add(lines)
        if world.watched is not None:
            world.watched()
        world.time += 1
        if world.time >= world.sink.retry_at:
            world.sink.pump()
    for _ in range(len(answers) + 1):
        if world.sink.empty:
            break
        world.time = max(world.time, world.sink.retry_at) if world.sink.retry_at < math.inf else world.time
        world.sink.pump()
    world.sink.end(world.writer, world.time)
    while not world.sink.empty:
        world.sink.pump()
    seen = [int(found) for found in re.findall(rb"(?m)^line (\d+)\.$", world.place.taken)]
    assert seen == sorted(set(seen))
    assert len(seen) + world.writer.share.lost.lines >= number
    if -errno.EPIPE not in answers:  # what had begun when the reader went may count for a line that was cut
        assert len(seen) + world.writer.share.lost.lines == number
        assert world.place.taken == b"" or world.place.taken.endswith(b"\n")
