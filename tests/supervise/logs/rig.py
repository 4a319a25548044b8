"""A capture with a real loop, and pipes in the place of services and of the container's output."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from endwell.model.service import Log, ServiceSpec
from endwell.supervise.logs.capture import Capture
from endwell.system.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.supervise.logs.outlets import PipeOutlets
    from endwell.system.loop import Timer

PATIENCE = 20.0


class Watcher:
    """What the supervisor lends of its loop."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._timer: Timer | None = None
        self.capture: Capture | None = None
        self.alarm: float | None = None

    def watch(self, descriptor: int, call: Callable[[], None], *, writing: bool = False) -> None:
        self._loop.watch(descriptor, call, writing=writing)

    def forget(self, descriptor: int) -> None:
        self._loop.forget(descriptor)

    def wake_at(self, at: float | None) -> None:
        self.alarm = at
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if at is None else self._loop.at(at, self._tick)

    def _tick(self) -> None:
        if self.capture is not None:
            self.capture.tick(self._loop.now())


class Rig:
    """The container's stdout and stderr are pipes; `out` and `err` are where they are read."""

    def __init__(self, *, stdout: int | None = None) -> None:
        self.loop = Loop()
        self.watcher = Watcher(self.loop)
        self.said: list[str] = []
        self.out, self.stdout = os.pipe()
        self.err, self.stderr = os.pipe()
        if stdout is not None:
            os.close(self.stdout)
            self.stdout = stdout
        os.set_blocking(self.out, False)
        os.set_blocking(self.err, False)
        self.time = 1_800_000_000.0
        self.capture = Capture(
            self.watcher,
            self.loop.now,
            lambda: self.time,
            self.said.append,
            standard=(self.stdout, self.stderr),
        )
        self.watcher.capture = self.capture
        self.heard = {self.out: b"", self.err: b""}

    def close(self) -> None:
        self.capture.close()
        self.loop.close()
        for descriptor in (self.out, self.stdout, self.err, self.stderr):
            os.close(descriptor)

    def open(self, log: Log | None = None, name: str = "web", stderr: Log | None = None) -> PipeOutlets:
        return self.capture.open(spec(log or Log(), name, stderr))

    def until(self, true: Callable[[], object]) -> None:
        """Let the loop run until something is so; each test is over long before our patience is."""
        limit = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < limit, f"never came; heard {self.heard}, said {self.said}"
            timer = self.loop.after(0.05, lambda: None)
            self.loop.turn()
            timer.cancel()

    def settle(self, turns: int = 50) -> None:
        """Let everything that is ready now be done."""
        for _ in range(turns):
            self.loop.after(0, lambda: None)
            self.loop.turn()

    def hear(self, descriptor: int | None = None) -> bytes:
        """Read what has come out so far."""
        descriptor = self.out if descriptor is None else descriptor
        while True:
            try:
                data = os.read(descriptor, 1 << 20)
            except BlockingIOError:
                break
            if not data:
                break
            self.heard[descriptor] += data
        return self.heard[descriptor]


def spec(log: Log, name: str = "web", stderr: Log | None = None) -> ServiceSpec:
    return ServiceSpec(name=name, command=("x",), stdout=log, stderr=stderr)


def fill(descriptor: int) -> bytes:
    """Fill a pipe to the brim through a description of its own; returns what is in it."""
    own = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK)
    total = b""
    try:
        while True:
            total += b"\n" * os.write(own, b"\n" * 4096)
    except BlockingIOError:
        return total
    finally:
        os.close(own)
