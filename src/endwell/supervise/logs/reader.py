"""One stream of one process: the pipe it writes to, read as fast as what is read can be passed on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from endwell.machine.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.machine.capture_mode import CaptureMode
    from endwell.machine.escapes import Escapes
    from endwell.machine.outbox import Writer
    from endwell.supervise.logs.sink import Sink
    from endwell.supervise.streams import Watcher

PIECE = 64 * 1024
_FULLEST = 16  # pieces of a pipe that is as big as anybody may make it


class Reader:
    """Reads a pipe until its end.

    Args:
        descriptor: where to read; it does not wait.
        sink: where it goes; None: nowhere.
        writer: who it is there.
        watcher: of the loop.
        wall: the wall clock.
        passing: nobody else writes there, so lines need not be complete to be passed on.
        escapes: takes escape sequences out; None: they stay.
        capture: takes messages to listeners out; None: they stay.
    """

    def __init__(  # noqa: PLR0913  one that stands between two places needs to know both
        self,
        descriptor: int,
        sink: Sink | None,
        writer: Writer,
        watcher: Watcher,
        wall: Callable[[], float],
        *,
        passing: bool = False,
        escapes: Escapes | None = None,
        capture: CaptureMode | None = None,
    ) -> None:
        self.descriptor = descriptor
        self.sink = sink
        self.writer = writer
        self.taps: list[Callable[[bytes], None]] = []
        self.messages: list[Callable[[bytes], None]] = []
        self.followers: list[Callable[[bytes], None]] = []
        self.on_close: Callable[[Reader], None] | None = None
        self._watcher = watcher
        self._wall = wall
        self._passing = passing
        self._escapes = escapes
        self._capture = capture
        self._lines = Lines()
        self._paused = False
        self._ended = False
        self._finishing = False
        watcher.watch(descriptor, self._readable)
        if sink is not None:
            sink.readers += 1
            if sink.outbox.full(writer.share):
                self._pause()  # the process before this one has left too much already

    @property
    def stalled(self) -> bool:
        """Whether its process has ended, and what it has left cannot be passed on yet."""
        return self._ended and self._paused

    @property
    def closed(self) -> bool:
        """Whether it has been read to its end."""
        return self.descriptor < 0

    def ended(self) -> None:
        """Take note that the process has ended: read what is there, and complete its last line."""
        self._ended = True
        self._drain()

    def finish(self) -> None:
        """Read what is there and close: nobody is waited for any more."""
        self._ended = self._finishing = True
        self._drain()

    def resume(self) -> None:
        """Go on reading if there is room again."""
        if not self._paused or self.closed or self.sink is None or self.sink.outbox.full(self.writer.share):
            return
        self._paused = False
        self.sink.waiting.discard(self.resume)
        self._watcher.watch(self.descriptor, self._readable)
        if self._ended:
            self._drain()

    def abandon(self, why: str) -> None:
        """Close without passing on what is left in the pipe, which is counted."""
        for _ in range(_FULLEST):
            data = self._read()
            if not data:
                break
            self.writer.drop(self._lines.rest() + data, why)
        self.close()

    def close(self) -> None:
        """Complete the last line and give the pipe up."""
        if self.closed:
            return
        self._complete()
        if not self._paused:
            self._watcher.forget(self.descriptor)
        if self.sink is not None:
            self.sink.waiting.discard(self.resume)
            self.sink.readers -= 1
        os.close(self.descriptor)
        self.descriptor = -1
        if self.sink is not None:
            self.sink.end(self.writer, self._wall())
        if self.on_close is not None:
            self.on_close(self)

    def _readable(self) -> None:
        data = self._read()
        if data:
            self._take(data)
        elif data is not None:
            self.close()

    def _drain(self) -> None:
        for _ in range(_FULLEST):
            if self._paused or self.closed:
                return
            data = self._read()
            if data is None:
                break
            if not data:
                self.close()
                return
            self._take(data)
        if self._finishing:
            self.close()
        elif not self._paused:
            self._ended = False
            self._complete()

    def _read(self) -> bytes | None:
        """Return what is there: nothing at the end, None before it."""
        try:
            return os.read(self.descriptor, PIECE)
        except BlockingIOError:
            return None

    def _take(self, data: bytes) -> None:
        for tap in self.taps:
            tap(data)
        if self._capture is None:
            self._pass_on(data)
            return
        for piece in self._capture.feed(data):
            if not piece.message:
                self._pass_on(piece.text)
            else:
                for call in self.messages:
                    call(piece.text)

    def _pass_on(self, data: bytes) -> None:
        if self._escapes is not None:
            data = self._escapes.strip(data)
        if data:
            for call in self.followers:
                call(data)
        sink = self.sink
        if sink is None:
            return
        if self._passing and sink.readers == 1 and sink.outbox.empty:
            held = self._lines.rest()
            data = held + data if held else data
        else:
            data = self._lines.feed(data)
        if data:
            sink.add(self.writer, data, self._wall())
            if not sink.outbox.empty and sink.outbox.full(self.writer.share):
                self._pause()

    def _pause(self) -> None:
        if not self._paused and not self.closed:
            self._paused = True
            if self.sink is not None:
                self.sink.waiting.add(self.resume)
            self._watcher.forget(self.descriptor)

    def _complete(self) -> None:
        if self._capture is not None and (begun := self._capture.rest()):
            self._pass_on(begun)  # no message has come of it, so it is output
        if self.sink is None:
            return
        rest = self._lines.rest()
        if self._escapes is not None:
            rest += self._escapes.rest()
        if self.writer.skip:
            self.writer.drop(rest + b"\n", self.writer.share.unsaid.why)
        elif rest or self.writer.within:
            self.sink.add(self.writer, rest + b"\n", self._wall())
