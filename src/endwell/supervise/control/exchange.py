"""A request under way, and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.control import ControlError, Kind, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from endwell.model.control import Value
    from endwell.model.request import Request
    from endwell.supervise.control.connection import Connection
    from endwell.supervise.control.work import Work


class Exchange:
    """What one client has asked for.

    Whoever answers calls `more` as often as it likes and then `ok` or `fail` once; or hands over an iterator
    that does so piece by piece (`drive`). What comes after the end is dropped.

    Args:
        request: what.
        connection: of whom.
        work: where pieces are done.

    Attributes:
        over: whether it is answered, or nobody waits for an answer any more.
        driven: whether its answer is on the way without anybody else's doing.
    """

    def __init__(self, request: Request, connection: Connection, work: Work) -> None:
        self.request = request
        self.over = False
        self._ends: list[Callable[[], None]] = []
        self.driven = False
        self._connection = connection
        self._work = work
        self._pieces: Iterator[bytes] | None = None
        self._asleep = False
        self._lost = 0

    @property
    def connection(self) -> Connection:
        """Of whom it is."""
        return self._connection

    def line(self, value: Value) -> bytes:
        """Return one more line of the answer, as it is sent."""
        return encode({"id": self.request.number, "more": value})

    def more(self, value: Value) -> None:
        """Send one more line."""
        self.send(self.line(value))

    def send(self, lines: bytes) -> None:
        """Send lines that were made by `line`."""
        if not self.over and lines:
            self._connection.send(lines)

    def offer(self, *values: Value) -> None:
        """Send more lines of something that goes on whether anybody reads or not.

        What a client does not take is counted instead of kept, and told when he reads again.
        """
        if self._connection.has_room and not self._lost:
            self.send(b"".join(map(self.line, values)))
        else:
            self._lost += len(values)

    def ok(self, value: Value | None = None) -> None:
        """Say that it is done."""
        self.end({"id": self.request.number, "ok": value or {}})

    def fail(self, error: ControlError) -> None:
        """Say that it is not done."""
        self.end({"id": self.request.number, "error": error.value})

    def end(self, value: Value) -> None:
        """Send the last line."""
        if not self.over:
            self._tell_lost()
            self.finish(encode(value))

    def finish(self, line: bytes) -> None:
        """Send the last line as it is."""
        if not self.over:
            self._connection.exchanges.pop(self.request.number, None)
            self._connection.send(line)
            self.cancel()
            self._connection.finish()

    def cancel(self) -> None:
        """Answer no more."""
        if self.over:
            return
        self.over = True
        self._pieces = None
        ends, self._ends = self._ends, []
        for call in ends:
            call()

    def at_end(self, call: Callable[[], None]) -> None:
        """Have something called once it is over, however that comes about."""
        if self.over:
            call()
        else:
            self._ends.append(call)

    def drive(self, pieces: Iterator[bytes]) -> None:
        """Answer by what an iterator gives: lines, or nothing yet; it has to say how it ends itself.

        It is asked for more only when there is room for it, a little in each turn of the loop.
        """
        self._pieces = pieces
        self.driven = True
        self._work.add(self._step)

    def resume(self) -> None:
        """There is room again."""
        self._tell_lost()
        if self._asleep:
            self._asleep = False
            self._work.add(self._step)

    def _step(self) -> bool:
        if self._pieces is None or self.over:
            return False
        if not self._connection.has_room:
            self._asleep = True
            return False
        try:
            lines = next(self._pieces)
        except StopIteration:
            self._pieces = None
            self.driven = False
            self._connection.settle()
            return False
        except ControlError as error:
            self.fail(error)
            return False
        except Exception as error:
            self.fail(
                ControlError(Kind.FAILED, f"a mistake of endwell's own: {type(error).__name__}: {error}")
            )
            raise
        self.send(lines)
        return True

    def _tell_lost(self) -> None:
        if self._lost and not self.over:
            lost, self._lost = self._lost, 0
            self.more({"lost": lost})
