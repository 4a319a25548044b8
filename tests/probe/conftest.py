"""A local container under an observer: run, stopped by Docker's rules, told as a timeline."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from endwell.engine.local import LocalContainer, LocalEngine
from endwell.machine.lives import lives
from endwell.model.signals import KILL, TERM, Signal
from endwell.model.spec import ContainerSpec
from endwell.model.timeline import Stop, Timeline, Way, shifted
from endwell.probe.tracefs import TracefsObserver
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from endwell.model.process import Process
    from endwell.probe.observer import Observer

LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What an observer saw of one stop."""

    timeline: Timeline
    processes: tuple[Process, ...]
    lines: tuple[str, ...]

    @property
    def first(self) -> Process:
        """PID 1."""
        return self.of(1)

    def of(self, pid: int) -> Process:
        """The last process that had the number inside."""
        return next(one for one in reversed(self.processes) if one.pid == pid)

    def called(self, text: str) -> Process:
        """The first process whose last command line contains a text."""
        return next(one for one in self.processes if text in one.command)

    def fates(self, pid: int = 1) -> list[tuple[str, str, str]]:
        """Every signal a process was sent from the stop on: name, from where, and what became of it."""
        return [
            (one.signal.name.removeprefix("SIG"), one.sender.kind.value, one.fate.value)
            for one in self.of(pid).signals
            if one.at >= 0
        ]


@dataclass(frozen=True, slots=True)
class Watch:
    """Runs a command under an observer.

    A line `ready` is waited for, unless `ready` is another one or None; then PID 1 is sent `signals`, one
    after the other, and is killed after `grace` seconds. Without signals it has to end by itself.
    """

    observer: Callable[[], Observer] = TracefsObserver

    def __call__(
        self,
        command: Sequence[str],
        *,
        ready: str | None = "ready",
        signals: Sequence[Signal] = (TERM,),
        grace: float = 5.0,
        before: Callable[[LocalContainer], None] | None = None,
        late: bool = False,
    ) -> Seen:
        spec = ContainerSpec(command=tuple(command))
        with self.observer() as observer, LocalEngine().create(spec) as container:
            if not late:
                observer.follow(container.pid)
            container.start()
            if ready is not None:
                container.expect(ready, LIMIT)
            if late:
                observer.follow(container.pid)
            if before is not None:
                before(container)
            observer.hurry()
            zero = time.monotonic()
            for signal in signals[:-1]:
                container.send(int(signal))
            ending = container.stop(grace, int(signals[-1])) if signals else container.wait(LIMIT)
            assert ending is not None
            took = time.monotonic() - zero
            seen = observer.finish()
            lines = tuple(line.text for line in container.lines)
        way = Way.KILL if list(signals) == [KILL] else Way.STOP
        first = signals[0] if signals else TERM
        stop = Stop(first, grace, took, ending.killed, ending.status, way, bool(signals))
        timeline = Timeline(shifted(seen.events, zero), stop, seen.witness)
        return Seen(timeline, lives(timeline), lines)


@pytest.fixture
def watch() -> Watch:
    """Run commands under the tracefs observer."""
    if os.geteuid():
        pytest.skip("tracefs needs root")
    return Watch()
