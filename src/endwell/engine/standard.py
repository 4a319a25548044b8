"""The standard descriptors of a local container: /dev/null and pipes, or a terminal for all three."""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress

from endwell.engine.protocol import EngineError
from endwell.engine.sources import Pipe

_FEED_LIMIT = 10.0
_END_OF_INPUT = b"\x04"


class Standard:
    """Both ends of descriptors 0, 1 and 2: `inside` is for the program, `sources` yield what it prints.

    The sources become their reader's; everything else is closed by `let_go` and `close`.
    """

    def __init__(self, *, terminal: bool = False, interactive: bool = False) -> None:
        self._terminal = terminal
        self._input = -1
        self.sources: list[Pipe] = []
        if terminal:
            outer, inner = os.openpty()
            self.inside = (inner, inner, inner)
            self.sources.append(Pipe(outer, "stdout"))
            if interactive:
                self._input = os.dup(outer)
            return
        if interactive:
            stdin, self._input = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(self._input, False)
        else:
            stdin = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        ends = [stdin]
        for stream in ("stdout", "stderr"):
            outer, inside = os.pipe2(os.O_CLOEXEC)
            self.sources.append(Pipe(outer, stream))
            ends.append(inside)
        self.inside = (ends[0], ends[1], ends[2])

    def let_go(self) -> None:
        """Close the inner ends: the program has them."""
        for descriptor in set(self.inside):
            os.close(descriptor)
        self.inside = (-1, -1, -1)

    def feed(self, content: bytes) -> None:
        """Write to the program's input."""
        if self._input < 0:
            raise EngineError(
                "cannot write to the container's input: it has none, or it is closed; make it interactive"
            )
        poll = select.poll()
        poll.register(self._input, select.POLLOUT)
        deadline = time.monotonic() + _FEED_LIMIT
        while content:
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise EngineError(
                    f"cannot write to the container's input: it has read nothing for {_FEED_LIMIT:g} s; "
                    "does the program read it?"
                )
            try:
                content = content[os.write(self._input, content) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise EngineError(
                    f"cannot write to the container's input: {error.strerror}; has it ended?"
                ) from error

    def close_input(self) -> None:
        """Let the program read the end of its input; may be called more than once."""
        if self._input >= 0:
            if self._terminal:
                with suppress(EngineError):
                    self.feed(_END_OF_INPUT)
            self._close_input()

    def abandon(self) -> None:
        """Close everything: there will be no program, and no reader."""
        if self.inside[0] >= 0:
            self.let_go()
        for source in self.sources:
            source.close()
        self.close()

    def close(self) -> None:
        """Close what is not the reader's; may be called more than once."""
        if self._input >= 0:
            self._close_input()

    def _close_input(self) -> None:
        descriptor, self._input = self._input, -1
        os.close(descriptor)
