"""The lines a container prints, read all the time and kept within bounds.

A reader that sleeps would change the program it watches: a full pipe blocks the writer. So a thread of its
own reads each container, whether or not anybody looks, and it reads a gigabyte as calmly as a line:

- What comes is kept in *pieces* as it was read, up to the last newline. They are cut into lines only when
  somebody looks; a flood that nobody looks at costs a count of newlines.
- The beginning is kept for good (`HEAD`): that is where programs say what they are. Of the rest the newest is
  kept (`TAIL`): that is where they say how they ended. What lies between is counted in `dropped`.
- A line is at most `LONGEST` bytes; a longer one becomes several, as in Docker's own logs.

A line's time is the instant at which it was read.
"""

from __future__ import annotations

import select
import signal
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from endwell.engine.protocol import NotSeenError

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

    from endwell.engine.sources import Source

LONGEST = 65536
_SHOWN = 20
# What a closing reader still takes: more than a pipe can hold, and not for ever where a flood goes on.
_LAST_READS = 64


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output without its newline; `at` is when it was read, in seconds of the monotonic clock."""

    stream: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was read and not kept because there was too much of it."""

    lines: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept: at least so much where there is so much, and hardly more."""

    lines: int
    size: int


HEAD = Bounds(lines=5_000, size=1 << 20)
TAIL = Bounds(lines=10_000, size=4 << 20)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Whole lines of one stream that were read at once."""

    stream: str
    content: bytes
    at: float
    lines: int

    def cut(self) -> Iterator[Line]:
        for text in self.content.removesuffix(b"\n").split(b"\n"):
            # A terminal ends its lines with both.
            yield Line(self.stream, text.removesuffix(b"\r").decode(errors="replace"), self.at)


@dataclass(slots=True)
class _Store:
    """The pieces that are kept; `first` is the number of the tail's first piece, counted from the start."""

    head: list[_Piece] = field(default_factory=list)
    tail: deque[_Piece] = field(default_factory=deque)
    head_size: Bounds = field(default_factory=lambda: Bounds(0, 0))
    tail_size: Bounds = field(default_factory=lambda: Bounds(0, 0))
    dropped: Dropped = field(default_factory=Dropped)
    first: int = 0

    def add(self, piece: _Piece) -> None:
        size = len(piece.content)
        if not self.tail and self.head_size.lines < HEAD.lines and self.head_size.size < HEAD.size:
            self.head.append(piece)
            self.head_size = Bounds(self.head_size.lines + piece.lines, self.head_size.size + size)
            self.first = len(self.head)
            return
        self.tail.append(piece)
        lines, kept = self.tail_size.lines + piece.lines, self.tail_size.size + size
        while lines - self.tail[0].lines >= TAIL.lines or kept - len(self.tail[0].content) >= TAIL.size:
            oldest = self.tail.popleft()
            self.first += 1
            lines, kept = lines - oldest.lines, kept - len(oldest.content)
            self.dropped = Dropped(self.dropped.lines + oldest.lines, self.dropped.size + len(oldest.content))
        self.tail_size = Bounds(lines, kept)

    def since(self, number: int) -> tuple[int, list[_Piece]]:
        """Return the pieces from `number` on that are still there, and the number of the first of them."""
        if number < len(self.head):
            return number, [*self.head[number:], *self.tail]
        start = max(number, self.first)
        return start, list(self.tail)[start - self.first :]


class Output:
    """The output of one container, read by a thread from the first moment until `close`.

    Several threads may look and wait at once.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = {source.fileno(): source for source in sources}
        self._rest = dict.fromkeys(("stdout", "stderr"), b"")
        self._store = _Store()
        self._taken: set[tuple[int, int]] = set()
        self._changed = threading.Condition()
        self._ended = not self._sources
        self._idle = threading.Event()
        self._leave = self._drain = False
        self._ours, self._theirs = socket.socketpair()
        self._reader = threading.Thread(target=self._read_all, name="endwell-output", daemon=True)
        self._reader.start()

    @property
    def lines(self) -> list[Line]:
        """Every line kept so far, oldest first."""
        with self._changed:
            _, pieces = self._store.since(0)
        # Two streams are read at one instant in the order of their descriptors.
        return [line for piece in pieces for line in piece.cut()]

    @property
    def dropped(self) -> Dropped:
        """What was read and not kept."""
        with self._changed:
            return self._store.dropped

    @property
    def ended(self) -> bool:
        """Whether nothing more can come."""
        with self._changed:
            return self._ended

    def expect(self, wanted: str | re.Pattern[str], timeout: float) -> Line:
        """Return the first line equal to `wanted`, or in which it is found; see `Container.expect`."""
        deadline = time.monotonic() + timeout
        number = 0
        while True:
            with self._changed:
                ended = self._ended
                number, pieces = self._store.since(number)
            if (found := self._search(wanted, number, pieces)) is not None:
                return found
            number += len(pieces)
            if ended or time.monotonic() >= deadline:
                why = "the output has ended" if ended else f"{timeout:g} s have passed"
                what = wanted if isinstance(wanted, str) else wanted.pattern
                lines = [line.text[:200] for line in self.lines]
                if len(lines) > _SHOWN:
                    lines[_SHOWN // 2 : -_SHOWN // 2] = [f"({len(lines) - _SHOWN} more lines)"]
                seen = "; ".join(lines) or "nothing"
                raise NotSeenError(f"the line {what!r} did not come: {why}; printed so far: {seen}")
            with self._changed:
                self._changed.wait_for(
                    partial(self._has_more, number),
                    max(0.0, deadline - time.monotonic()),
                )

    def drain(self, limit: float = 10.0) -> None:
        """Return when what is there already has been read; nothing is waited for that may still come."""
        self._idle.clear()
        self._drain = True
        self._wake()
        self._idle.wait(limit)

    def wait(self, limit: float) -> bool:
        """Return whether the output has ended, after at most `limit` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ended, limit)

    def close(self) -> None:
        """Read what is left and close every source; may be called more than once."""
        self._leave = True
        self._wake()
        self._reader.join()
        self._ours.close()

    def _has_more(self, number: int) -> bool:
        return self._ended or bool(self._store.since(number)[1])

    def _wake(self) -> None:
        try:
            self._ours.send(b"\n", socket.MSG_NOSIGNAL)
        except OSError:
            return

    def _search(self, wanted: str | re.Pattern[str], number: int, pieces: list[_Piece]) -> Line | None:
        for place, piece in enumerate(pieces, number):
            if isinstance(wanted, str) and wanted.encode(errors="replace") not in piece.content:
                continue
            for index, line in enumerate(piece.cut()):
                if (line.text == wanted) if isinstance(wanted, str) else wanted.search(line.text):
                    with self._changed:
                        if (place, index) not in self._taken:
                            self._taken.add((place, index))
                            return line
        return None

    def _read_all(self) -> None:
        """Run the thread: read whatever is there until every source has ended or `close` is called."""
        # Signals are for the main thread: one taken here would not wake it from its waiting.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        poll = select.poll()
        poll.register(self._theirs, select.POLLIN)
        left = _LAST_READS
        try:
            for descriptor, source in list(self._sources.items()):
                # What came together with the engine's answer is in no socket any more.
                if self._read(source):
                    poll.register(descriptor, select.POLLIN)
            while True:
                leave, drain = self._leave, self._drain
                left -= leave
                busy = False
                for descriptor, _ in poll.poll(0 if leave or drain else None):
                    if descriptor == self._theirs.fileno():
                        self._theirs.recv(4096)
                        continue
                    busy = True
                    if not self._read(self._sources[descriptor]):
                        poll.unregister(descriptor)
                if not busy and drain:
                    self._drain = False
                    self._idle.set()
                if leave and (not busy or left < 0):
                    return
        finally:
            for source in list(self._sources.values()):
                self._end(source)
            self._theirs.close()
            self._finish()

    def _read(self, source: Source) -> bool:
        found = source.read()
        if found is None:
            self._end(source)
            if not self._sources:
                self._finish()
            return False
        for stream, content in found:
            self._add(stream, content)
        return True

    def _add(self, stream: str, content: bytes) -> None:
        now = time.monotonic()
        content = self._rest[stream] + content
        end = content.rfind(b"\n") + 1
        whole, rest = content[:end], content[end:]
        pieces = [whole] if whole else []
        while len(rest) >= LONGEST:
            pieces.append(rest[:LONGEST] + b"\n")
            rest = rest[LONGEST:]
        self._rest[stream] = rest
        self._keep(stream, pieces, now)

    def _keep(self, stream: str, pieces: list[bytes], now: float) -> None:
        if pieces:
            with self._changed:
                for piece in pieces:
                    self._store.add(_Piece(stream, piece, now, piece.count(b"\n")))
                self._changed.notify_all()

    def _end(self, source: Source) -> None:
        del self._sources[source.fileno()]
        source.close()

    def _finish(self) -> None:
        """Nothing more comes: what has no newline is a line, too."""
        now = time.monotonic()
        for stream, rest in self._rest.items():
            self._keep(stream, [rest + b"\n"] if rest else [], now)
            self._rest[stream] = b""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._idle.set()
