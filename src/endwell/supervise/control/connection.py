"""One client's connection: lines in, lines out, both bounded.

Nothing is read while too much waits to be written or to be done, so that a client who does not read, or who
asks faster than is answered, is held back by his own socket. A line that is too long is the end of it.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING

from endwell.model.control import LONGEST, ControlError, Kind, encode
from endwell.system.descriptors import receive

if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from endwell.supervise.control.exchange import Exchange
    from endwell.system.loop import Loop

ROOM = 1 << 20  # bytes that wait to be written, beyond which nobody adds more who can wait
_MOST_WAITING = 64 << 20  # bytes beyond which the client is given up
_MOST_LINES = 256  # that wait to be taken
_PIECE = 64 * 1024
_MOST_DESCRIPTORS = 3


class Connection:
    """A connection.

    Args:
        socket: it; it does not wait.
        loop: for waiting.
        came: called when there are lines to be taken, or when there will be no more.
        left: called when it is closed.

    Attributes:
        lines: that have come and were not taken.
        exchanges: the requests under way, by their numbers.
        descriptors: that came with the last lines.
        ended: whether the client sends nothing more.
        closed: whether it is over.
        used: when something has come last, on the monotonic clock.
    """

    def __init__(
        self,
        socket: _socket.socket,
        loop: Loop,
        came: Callable[[Connection], None],
        left: Callable[[Connection], None],
    ) -> None:
        self.lines: deque[bytes] = deque()
        self.exchanges: dict[int, Exchange] = {}
        self.descriptors: list[int] = []
        self.ended = self.closed = False
        self.used = loop.now()
        self._socket = socket
        self._loop = loop
        self._came = came
        self._left = left
        self._received = bytearray()
        self._searched = 0
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._leaving = False
        self._watched: tuple[bool, bool] | None = None
        self._watch()

    def look(self) -> None:
        """See whether something can be read, or written, or the client has gone."""
        reading, writing = self._watched or (False, False)
        try:
            if writing:
                self._flush()
            if reading and not self.closed:
                self._read()
        except Exception:
            self.close()  # else it would come again and again
            raise
        self._watch()

    @property
    def has_room(self) -> bool:
        """Whether whoever can wait may send more."""
        return self._size < ROOM

    @property
    def idle(self) -> bool:
        """Whether nobody would miss an answer if it were closed."""
        return not self.lines and not self.exchanges and not self._size

    def send(self, data: bytes) -> None:
        """Have whole lines sent as soon as they are taken."""
        if self.closed or self._leaving:
            return
        self._waiting.append(data)
        self._size += len(data)
        if self._size > _MOST_WAITING:
            self.close()
        elif len(self._waiting) == 1:
            self._flush()
            self._watch()

    def refuse(self, error: ControlError) -> None:
        """Send a last line, which is no answer to a request, and close when it is taken."""
        self.send(encode({"id": None, "error": error.value}))
        self._leaving = self.ended = True
        self.lines.clear()
        self._cancel()
        if not self._size:
            self.close()

    def take(self) -> bytes | None:
        """Return the next line; None if there is none at the moment."""
        if not self.lines:
            return None
        line = self.lines.popleft()
        self._watch()
        return line

    def take_descriptors(self) -> list[int]:
        """Return the descriptors that have come; whoever takes them closes them."""
        taken, self.descriptors = self.descriptors, []
        return taken

    def settle(self) -> None:
        """Take note that all that has come was taken: who has left his line waits for nothing any more."""
        if self.ended and not self.lines:
            for exchange in [one for one in self.exchanges.values() if not one.driven]:
                exchange.fail(ControlError(Kind.CANCELLED, "the client sends nothing more"))
            self.finish()

    def finish(self) -> None:
        """Close, if nothing else will come and all is sent."""
        if self.ended and self.idle and not self.closed:
            self.close()

    def close(self) -> None:
        """Close it now; what was asked for is not waited for any more."""
        if self.closed:
            return
        self.closed = True
        self._loop.forget(self._socket.fileno())
        self._socket.close()
        self._drop_descriptors()
        self.lines.clear()
        self._waiting.clear()
        self._received.clear()
        self._cancel()
        self._left(self)

    def _cancel(self) -> None:
        exchanges, self.exchanges = self.exchanges, {}
        for exchange in exchanges.values():
            exchange.cancel()

    # --------------------------------------------------------------------------------------------- the socket

    def _watch(self) -> None:
        if self.closed:
            return
        reading = not self.ended and not self._leaving and self.has_room and len(self.lines) < _MOST_LINES
        wanted = reading, bool(self._size)
        if wanted != self._watched:
            self._watched = wanted
            if any(wanted):
                self._loop.watch(self._socket.fileno(), self.look, reading=reading, writing=wanted[1])
            else:
                self._loop.forget(self._socket.fileno())

    def _flush(self) -> None:
        full = not self.has_room
        while self._waiting:
            data = self._waiting[0]
            try:
                sent = self._socket.send(data)
            except BlockingIOError:
                break
            except OSError:
                self.close()
                return
            self._size -= sent
            if sent < len(data):
                self._waiting[0] = data[sent:]
                break
            self._waiting.popleft()
        if self._leaving and not self._size:
            self.close()
        elif full and self.has_room:
            for exchange in tuple(self.exchanges.values()):
                exchange.resume()
        self.finish()

    def _read(self) -> None:
        try:
            data, descriptors = receive(self._socket, _PIECE, _MOST_DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if descriptors:
            self._drop_descriptors()
            self.descriptors = descriptors
        self.used = self._loop.now()
        if data:
            self._split(data)
        else:
            self.ended = True
        if self.lines or self.ended:
            self._came(self)

    def _split(self, data: bytes) -> None:
        received = self._received
        received += data
        end = received.rfind(b"\n", self._searched) + 1
        self._searched = len(received) - end
        longest = len(received) - end
        if end:
            lines = bytes(received[:end]).split(b"\n")[:-1]
            longest = max(longest, *map(len, lines))
            self.lines.extend(lines)
            del received[:end]
        if longest >= LONGEST:
            why = f"a line is longer than {LONGEST} bytes, or has no end"
            self.refuse(ControlError(Kind.MALFORMED, why))

    def _drop_descriptors(self) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = []
