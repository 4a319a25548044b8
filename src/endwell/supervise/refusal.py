"""What a client of HTTP is told when there is no gateway to answer him: one word, for whatever he asks.

He has the word as he comes in, and what he sends after that is taken and forgotten: a client that finds the
door shut before he has said everything takes that for an error of the line, and never reads what he was told.
"""

from __future__ import annotations

import _socket
import contextlib
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from endwell.supervise.door import Socket
    from endwell.system.loop import Loop

_AT_ONCE = 16  # clients; the others are for the next turn
_MOST = 64  # of whom we hear how they end; then the first of them is cut short
_PIECE = 1 << 16
_LONGEST = 1 << 21  # bytes of a request: what the gateway itself takes, and some more
_WHY = "503 Service Unavailable: the gateway cannot be started; the supervisor's own output says why\n"


class Refusal:
    """Those who are being sent away.

    Args:
        loop: for waiting.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._leaving: dict[_socket.socket, int] = {}  # how much each of them has said since

    def refuse(self, listening: Socket, seconds: float) -> None:
        """Send away who waits at a door; nobody is waited for.

        Args:
            listening: the door.
            seconds: after which it is worth coming again.

        Raises:
            OSError: there is somebody, and there are no descriptors for him.
        """
        head = (
            "HTTP/1.1 503 Service Unavailable",
            "Content-Type: text/plain;charset=utf-8",
            f"Content-Length: {len(_WHY)}",
            f"Retry-After: {max(1, round(seconds))}",
            "Connection: close",
        )
        answer = "\r\n".join((*head, "", _WHY)).encode()
        for _ in range(_AT_ONCE):
            client = listening.accept()
            if client is None:
                return
            self._leaving[client] = 0
            self._loop.watch(client.fileno(), partial(self._heard, client))
            with contextlib.suppress(OSError):
                client.send(answer)
                client.shutdown(_socket.SHUT_WR)
            if len(self._leaving) > _MOST:
                self._cut(next(iter(self._leaving)))

    def close(self) -> None:
        """Wait for nobody's last words."""
        for client in list(self._leaving):
            self._cut(client)

    def _heard(self, client: _socket.socket) -> None:
        try:
            piece = client.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        self._leaving[client] += len(piece)
        if not piece or self._leaving[client] > _LONGEST:
            self._cut(client)

    def _cut(self, client: _socket.socket) -> None:
        del self._leaving[client]
        self._loop.forget(client.fileno())
        client.close()
