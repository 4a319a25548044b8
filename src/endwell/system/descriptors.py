"""Descriptors that come along with bytes over a Unix socket: SCM_RIGHTS, man 7 unix."""

from __future__ import annotations

import _socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Protocol

    class Socket(Protocol):
        """What it is asked of: a socket of `socket`, or of `_socket`."""

        def recvmsg(
            self, size: int, more: int = ..., flags: int = ..., /
        ) -> tuple[bytes, list[tuple[int, int, bytes]], int, Any]:
            """Return bytes, what came along with them, flags and an address."""


_SIZE = 4  # of an int


def receive(socket: Socket, size: int, most: int) -> tuple[bytes, list[int]]:
    """Return what is there, up to `size` bytes, and the descriptors that came with it, at most `most`.

    They are not inherited by what we start. The kernel gives no bytes of after a message with descriptors
    together with it, and closes those for which there is no room.

    Raises:
        BlockingIOError: there is nothing.
        OSError: the connection is broken.
    """
    space = _socket.CMSG_LEN(most * _SIZE)
    data, messages, _, _ = socket.recvmsg(size, space, _socket.MSG_CMSG_CLOEXEC)
    if not messages:
        return data, []
    found = []
    for level, kind, raw in messages:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            ends = range(0, len(raw) - _SIZE + 1, _SIZE)
            found += [int.from_bytes(raw[at : at + _SIZE], sys.byteorder) for at in ends]
    return data, found
