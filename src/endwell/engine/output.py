"""The lines a container prints, read all the time and kept within bounds.

A reader that sleeps would change the program it watches: a full pipe blocks the writer. So a thread of its
own reads each container, whether or not anybody looks, and it reads a gigabyte as calmly as a line:

- What comes is kept as it was read, and cut into lines only when somebody looks (see `lines`).
- The beginning is kept for good (`HEAD`): that is where programs say what they are. Of the rest the newest is
  kept (`TAIL`): that is where they say how they ended. What lies between is counted in `dropped`.
- A line is at most `LONGEST` bytes; a longer one becomes several, as in Docker's own logs.

A line's time is the instant at which it was read.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from endwell.engine.background import Background
from endwell.engine.lines import Dropped, Line, Piece, Store
from endwell.engine.protocol import NotSeenError

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from endwell.engine.sources import Source

# Whoever looks at an output takes these from here.
__all__ = ["Dropped", "Line", "Output"]

LONGEST = 65536
_SHOWN = 20
# What a closing reader still takes: more than a pipe can hold, and not for ever where a flood goes on.
_LAST_READS = 64


class Output:
    """The output of one container, read by a thread from `start` until `close`; the sources are its own.

    Several threads may look and wait at once.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = {source.fileno(): source for source in sources}
        self._rest = dict.fromkeys(("stdout", "stderr"), b"")
        self._store = Store()
        self._taken: set[tuple[int, int]] = set()
        self._changed = threading.Condition()
        self._ended = not self._sources
        self._idle = threading.Event()
        self._leave = self._drain = False
        self._ours, self._theirs = socket.socketpair()
        self._reader = Background(self._read_all, "output")

    def start(self) -> None:
        """Begin to read. Whoever is interrupted here has it in hand already, and can close it."""
        self._reader.start()

    @property
    def lines(self) -> list[Line]:
        """Every line kept so far, oldest first."""
        with self._changed:
            _, pieces = self._store.since(0)
        # Two streams are read at one instant in the order of their descriptors.
        return list(chain.from_iterable(piece.cut() for piece in pieces))

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
                self._changed.wait_for(partial(self._has_more, number), max(0.0, deadline - time.monotonic()))

    def drain(self, limit: float = 10.0) -> None:
        """Return when what is there already has been read; nothing is waited for that may still come."""
        self._idle.clear()
        if self.ended:
            return  # nobody reads any more: another thread has closed it meanwhile
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
        if not self._reader.started:
            self._let_go()
        self._ours.close()

    def _has_more(self, number: int) -> bool:
        return self._ended or bool(self._store.since(number)[1])

    def _wake(self) -> None:
        try:
            self._ours.send(b"\n", socket.MSG_NOSIGNAL)
        except OSError:
            return

    def _search(self, wanted: str | re.Pattern[str], number: int, pieces: list[Piece]) -> Line | None:
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
            self._let_go()

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
                    self._store.add(Piece(stream, piece, now, piece.count(b"\n")))
                self._changed.notify_all()

    def _end(self, source: Source) -> None:
        del self._sources[source.fileno()]
        source.close()

    def _let_go(self) -> None:
        for source in list(self._sources.values()):
            self._end(source)
        self._theirs.close()
        self._finish()

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
