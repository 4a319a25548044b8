"""The lines a container prints, read without threads: whoever waits for something reads meanwhile."""

from __future__ import annotations

import os
import select
import time
from collections import deque
from dataclasses import dataclass

from endwell.engine.protocol import NotSeenError

_AT_ONCE = 65536


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output without its newline; `at` is when it was read, in seconds of the monotonic clock."""

    stream: str
    text: str
    at: float


class Output:
    """Two pipes, cut into lines; reads only inside `wait` and `expect`, and closes the pipes with `close`."""

    def __init__(self, stdout: int, stderr: int) -> None:
        self.lines: list[Line] = []
        self._fresh: deque[Line] = deque()
        self._streams = {stdout: "stdout", stderr: "stderr"}
        self._rest = {stdout: b"", stderr: b""}
        for descriptor in self._streams:
            os.set_blocking(descriptor, False)

    @property
    def ended(self) -> bool:
        """Whether every writer of both pipes has gone."""
        return not self._streams

    def wait(self, deadline: float | None, event: int | None = None) -> bool:
        """Read once, waiting for it until `deadline` (monotonic seconds); return whether `event` is ready.

        `event` is one more descriptor that ends the waiting, such as a pidfd.
        """
        poll = select.poll()
        for descriptor in self._streams:
            poll.register(descriptor, select.POLLIN)
        if event is not None:
            poll.register(event, select.POLLIN)
        left = None if deadline is None else max(0.0, (deadline - time.monotonic()) * 1000)
        ready = {descriptor for descriptor, _ in poll.poll(left)}
        for descriptor in ready & self._streams.keys():
            self._read(descriptor)
        return event in ready

    def expect(self, text: str, timeout: float) -> Line:
        """Return the first line equal to `text` that was not returned before; see `Container.expect`."""
        deadline = time.monotonic() + timeout
        while True:
            for line in self._fresh:
                if line.text == text:
                    self._fresh.remove(line)
                    return line
            if self.ended or time.monotonic() >= deadline:
                why = "the output has ended" if self.ended else f"{timeout:g} s have passed"
                seen = "; ".join(line.text for line in self.lines) or "nothing"
                message = f"the line {text!r} did not come: {why}; printed so far: {seen}"
                raise NotSeenError(message)
            self.wait(deadline)

    def drain(self) -> None:
        """Read what is there already, without waiting."""
        while self._streams:
            before = len(self._streams), len(self.lines), sum(map(len, self._rest.values()))
            self.wait(0.0)
            if before == (len(self._streams), len(self.lines), sum(map(len, self._rest.values()))):
                return

    def close(self) -> None:
        """Read what is left and close both pipes."""
        self.drain()
        for descriptor in list(self._streams):
            self._end(descriptor)

    def _read(self, descriptor: int) -> None:
        try:
            piece = os.read(descriptor, _AT_ONCE)
        except BlockingIOError:
            return
        if not piece:
            self._end(descriptor)
            return
        *whole, self._rest[descriptor] = (self._rest[descriptor] + piece).split(b"\n")
        for text in whole:
            self._add(descriptor, text)

    def _add(self, descriptor: int, text: bytes) -> None:
        line = Line(self._streams[descriptor], text.decode(errors="replace"), time.monotonic())
        self.lines.append(line)
        self._fresh.append(line)

    def _end(self, descriptor: int) -> None:
        if self._rest[descriptor]:
            self._add(descriptor, self._rest[descriptor])
            self._rest[descriptor] = b""
        del self._streams[descriptor]
        os.close(descriptor)
