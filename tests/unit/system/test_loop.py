"""The loop: descriptors, timers and signals, each waited for, never looked at from time to time."""

from __future__ import annotations

import math
import os
import signal
from typing import TYPE_CHECKING

import pytest

from endwell.system.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def loop() -> Iterator[Loop]:
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)}
    one = Loop()
    yield one
    one.close()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_who_can_be_read_is_called_for_as_long_as_that_is_so(loop: Loop, pipe: tuple[int, int]) -> None:
    read: list[bytes] = []

    def take() -> None:
        read.append(os.read(pipe[0], 1))
        if len(read) == 3:
            loop.stop()

    loop.watch(pipe[0], take)
    os.write(pipe[1], b"abc")
    loop.run()
    assert read == [b"a", b"b", b"c"]


def test_one_watch_takes_the_place_of_another(loop: Loop, pipe: tuple[int, int]) -> None:
    called: list[str] = []
    loop.watch(pipe[1], lambda: called.append("first"), writing=True)
    loop.watch(pipe[1], lambda: called.append("second"), writing=True)
    loop.turn()
    assert called == ["second"]


def test_who_is_forgotten_in_the_same_turn_is_not_called(loop: Loop) -> None:
    pipes = [os.pipe() for _ in range(2)]
    called: list[int] = []

    def take(own: int, other: int) -> None:
        called.append(own)
        loop.forget(other)
        loop.forget(other)  # a second time is no error

    for (reading, writing), (other, _) in zip(pipes, reversed(pipes), strict=True):
        os.write(writing, b"x")
        loop.watch(reading, lambda own=reading, other=other: take(own, other))  # type: ignore[misc]
    loop.turn()
    assert len(called) == 1
    for end in (end for ends in pipes for end in ends):
        loop.forget(end)
        os.close(end)


def test_timers_come_in_their_order_and_never_early(loop: Loop) -> None:
    came: list[tuple[str, float]] = []
    start = loop.now()
    loop.after(0.02, lambda: came.append(("late", loop.now() - start)))
    loop.after(0.02, loop.stop)
    loop.after(0.001, lambda: came.append(("soon", loop.now() - start)))
    loop.at(0.0, lambda: came.append(("past", loop.now() - start)))
    loop.at(math.inf, lambda: came.append(("never", 0.0)))
    loop.after(0.002, lambda: came.append(("cancelled", 0.0))).cancel()
    loop.run()
    assert [name for name, _ in came] == ["past", "soon", "late"]
    assert came[1][1] >= 0.001
    assert came[2][1] >= 0.02


@pytest.mark.parametrize("days", [25, 366, 1e10])
def test_a_timer_may_be_further_away_than_the_kernel_waits_at_once(
    loop: Loop, pipe: tuple[int, int], days: float
) -> None:
    came: list[str] = []
    loop.after(days * 86400, lambda: came.append("timer"))
    loop.watch(pipe[1], lambda: came.append("pipe"), writing=True)
    loop.turn()
    assert came == ["pipe"]


def test_what_a_timer_sets_for_now_is_not_lost(loop: Loop) -> None:
    came: list[int] = []

    def first() -> None:
        came.append(1)
        loop.at(0.0, second)

    def second() -> None:
        came.append(2)
        loop.stop()

    loop.at(0.0, first)
    loop.run()
    assert came == [1, 2]


def test_a_signal_ends_the_sleep_and_its_number_is_told(loop: Loop) -> None:
    told: list[int] = []

    def take(number: int) -> None:
        told.append(number)
        loop.stop()

    loop.handle((signal.SIGUSR1, signal.SIGUSR2), take)
    os.kill(os.getpid(), signal.SIGUSR2)
    loop.run()
    assert told == [signal.SIGUSR2]


def test_a_regular_file_is_refused(loop: Loop) -> None:
    with open(__file__, "rb") as file, pytest.raises(PermissionError):  # noqa: PTH123  its descriptor is wanted
        loop.watch(file.fileno(), lambda: None)


def test_a_signal_that_came_with_one_that_led_to_a_mistake_is_not_lost(loop: Loop) -> None:
    came: list[int] = []

    def take(number: int) -> None:
        came.append(number)
        raise ZeroDivisionError

    loop.handle((signal.SIGUSR1, signal.SIGUSR2), take)
    os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGUSR2)
    with pytest.raises(ZeroDivisionError):
        loop.turn()
    assert came == [signal.SIGUSR1, signal.SIGUSR2]


class Ready:
    """An epoll by which everybody can be read, always; it names them in turns, as the kernel's does."""

    def __init__(self, *descriptors: int) -> None:
        self.descriptors = list(descriptors)

    def poll(self, _patience: float | None, most: int) -> list[tuple[int, int]]:
        named, self.descriptors[:most] = self.descriptors[:most], []
        self.descriptors += named
        return [(one, 1) for one in named]

    def register(self, descriptor: int, _mask: int) -> None:
        self.descriptors.append(descriptor)

    def unregister(self, descriptor: int) -> None:
        self.descriptors.remove(descriptor)

    def close(self) -> None:
        pass


@pytest.fixture
def crowd(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> Ready:
    """Everything that is watched from now on can be read."""
    ready = Ready()
    loop._epoll.close()
    monkeypatch.setattr(loop, "_epoll", ready)
    return ready


def test_a_signal_waits_for_one_callback_and_for_no_other(loop: Loop, crowd: Ready) -> None:
    came: list[int] = []

    def read(descriptor: int) -> None:
        came.append(descriptor)
        if came.count(1003) == 1 and descriptor == 1003:
            os.kill(os.getpid(), signal.SIGUSR1)

    for descriptor in range(1000, 1200):
        loop.watch(descriptor, lambda own=descriptor: read(own))  # type: ignore[misc]
    loop.handle((signal.SIGUSR1, signal.SIGUSR2), came.append)
    assert crowd.descriptors[-1] not in range(1000, 1200)  # the signals' own comes last of all
    loop.turn()
    assert came[:6] == [1000, 1001, 1002, 1003, signal.SIGUSR1, 1004]
    assert came.count(signal.SIGUSR1) == 1
    for _ in range(20):
        loop.turn()
    assert came.count(signal.SIGUSR1) == 1


@pytest.mark.usefixtures("crowd")
def test_what_is_due_waits_for_some_and_everybody_has_his_turn(loop: Loop) -> None:
    came: list[int] = []
    for descriptor in range(1000, 1200):
        loop.watch(descriptor, lambda own=descriptor: came.append(own))  # type: ignore[misc]
    loop.at(0.0, lambda: came.append(0))
    loop.turn()
    assert came.index(0) <= 32
    while len(came) < 201:
        loop.turn()
    assert sorted(came[:201]) == [0, *range(1000, 1200)]
