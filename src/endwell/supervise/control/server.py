"""Who may connect, and which request goes where.

A connection is taken from our own user and from root, as the kernel knows them. There is a bound on how many
there may be: a client that opens more pushes out the one that has been idle the longest, be it its own.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from endwell.model.control import MOST_REQUESTS, ControlError, Kind, decode, encode
from endwell.model.request import Request, number_of
from endwell.supervise.control.connection import Connection
from endwell.supervise.control.exchange import Exchange
from endwell.supervise.control.work import Work
from endwell.system.credentials import peer

if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Mapping

    from endwell.model.control import Value
    from endwell.system.listening import Listening
    from endwell.system.loop import Loop, Timer

    Handler = Callable[[Exchange], None]

MOST_CONNECTIONS = 128
_AT_ONCE = 32  # connections taken in one turn
_FULL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE = 1.0


class Server:
    """Takes requests, and hands them to those who answer.

    Args:
        listening: where clients connect; None where they are brought by `welcome` alone.
        loop: for waiting.
        handlers: by what is asked for; `cancel` is done here, as it concerns the connection alone.
        mistaken: told of an exception that nobody has foreseen.

    Attributes:
        work: where pieces of it are done.
    """

    def __init__(
        self,
        listening: Listening | None,
        loop: Loop,
        handlers: Mapping[str, Handler],
        mistaken: Callable[[Exception], object],
    ) -> None:
        self.work = Work(loop, mistaken)
        self._listening = listening
        self._loop = loop
        self._handlers = handlers
        self._mistaken = mistaken
        self._connections: dict[Connection, None] = {}
        self._welcomed: set[Connection] = set()
        self._queued: set[Connection] = set()
        self._pause: Timer | None = None
        self._listen()

    def welcome(self, socket: _socket.socket) -> None:
        """Take a connection that was made elsewhere: one end of a pair of Unix sockets, which does not wait.

        It is there for many, and never pushed out.
        """
        connection = Connection(socket, self._loop, self._came, self._left)
        self._connections[connection] = None
        self._welcomed.add(connection)

    @property
    def busy(self) -> bool:
        """Whether a client has not taken yet what was said to him."""
        return any(not one.idle for one in self._connections)

    def end_all(self, error: ControlError) -> None:
        """Answer all who still wait for something: it will not come any more."""
        for connection in tuple(self._connections):
            for exchange in tuple(connection.exchanges.values()):
                exchange.fail(error)

    def close(self) -> None:
        """Close everything; who has not read his answer by now does not get it."""
        if self._pause is not None:
            self._pause.cancel()
        self.work.close()
        if self._listening is not None:
            self._loop.forget(self._listening.fileno())
            self._listening.close()
            self._listening = None
        for connection in tuple(self._connections):
            connection.close()

    # -------------------------------------------------------------------------------------------- connections

    def _listen(self) -> None:
        self._pause = None
        if self._listening is not None:
            self._loop.watch(self._listening.fileno(), self._accept)

    def _accept(self) -> None:
        assert self._listening is not None  # noqa: S101  it is what was watched
        for _ in range(_AT_ONCE):
            try:
                socket = self._listening.accept()
            except OSError as error:
                if error.errno not in _FULL:
                    self._mistaken(error)
                # It stays readable: to be asked again and again would be to spin.
                if error.errno not in _FULL or not self._push_out():
                    self._loop.forget(self._listening.fileno())
                    self._pause = self._loop.after(_PAUSE, self._listen)
                return
            if socket is None:
                return
            self._take(socket)

    def _take(self, socket: _socket.socket) -> None:
        allowed = peer(socket).user in {0, os.geteuid()}
        full = len(self._connections) >= MOST_CONNECTIONS and not self._push_out()
        connection = Connection(socket, self._loop, self._came, self._left)
        self._connections[connection] = None
        if not allowed:
            why = "only root and the user that endwell runs as may ask"
            connection.refuse(ControlError(Kind.FORBIDDEN, why))
        elif full:
            why = f"{MOST_CONNECTIONS} clients wait for something; try again when one of them has got it"
            connection.refuse(ControlError(Kind.BUSY, why))

    def _push_out(self) -> bool:
        """Close the connection that has been idle the longest, if there is one."""
        for look in (False, True):
            if look:
                # Some may have gone, and that is only not known yet.
                for connection in tuple(self._connections):
                    connection.look()
            idle = [one for one in self._connections if one.ended or (one.idle and one not in self._welcomed)]
            if idle:
                min(idle, key=lambda one: one.used).close()
                return True
        return False

    def _left(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
        self._welcomed.discard(connection)

    # ----------------------------------------------------------------------------------------------- requests

    def _came(self, connection: Connection) -> None:
        if connection not in self._queued:
            self._queued.add(connection)
            self.work.add(lambda: self._step(connection))

    def _step(self, connection: Connection) -> bool:
        """Take one line, and return whether there is another one."""
        line = connection.take()
        if line is not None:
            self._request(connection, line)
        if connection.lines:
            return True
        self._queued.discard(connection)
        connection.settle()
        return False

    def _request(self, connection: Connection, line: bytes) -> None:
        value: Value = {}
        try:
            value = decode(line)
            if value.get("do") == "cancel":
                _cancel(connection, value)
                return
            request = Request.read(value)
        except ControlError as error:
            if error.kind is Kind.MALFORMED:
                connection.refuse(error)
            else:
                _answer(connection, value, error)
            return
        if request.number in connection.exchanges:
            why = f"request {request.number} is under way; give each one a number of its own"
            connection.refuse(ControlError(Kind.MALFORMED, why))
            return
        if len(connection.exchanges) >= MOST_REQUESTS:
            _answer(connection, value, ControlError(Kind.BUSY, f"{MOST_REQUESTS} requests are under way"))
            return
        self._do(Exchange(request, connection, self.work))

    def _do(self, exchange: Exchange) -> None:
        connection, request = exchange.connection, exchange.request
        connection.exchanges[request.number] = exchange
        try:
            self._handlers[request.do](exchange)
        except ControlError as error:
            exchange.fail(error)
        except Exception as error:  # noqa: BLE001  it is answered, whatever it is
            why = f"a mistake of endwell's own: {type(error).__name__}: {error}"
            exchange.fail(ControlError(Kind.FAILED, why))
            self._mistaken(error)


def _cancel(connection: Connection, value: Value) -> None:
    """End a request; one that has just been answered is no error, and an answer to this is optional."""
    of = value.get("of")
    other = connection.exchanges.get(of) if isinstance(of, int) else None
    if other is not None:
        other.fail(ControlError(Kind.CANCELLED, "it was cancelled"))
    number = number_of(value)
    if number is not None:
        connection.send(encode({"id": number, "ok": {}}))


def _answer(connection: Connection, value: Value, error: ControlError) -> None:
    connection.send(encode({"id": number_of(value), "error": error.value}))
