"""Who is at the other end of a Unix socket: what the kernel says, and not what he says himself."""

from __future__ import annotations

import _socket
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Protocol

    class Socket(Protocol):
        """What is asked: a socket of `socket`, or of `_socket`."""

        def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
            """Return an option's value."""


_SIZE = 4  # of each of the three numbers of struct ucred


class Credentials(NamedTuple):
    """The process that has connected, or for a client the one that listens: as it was at that moment.

    Args:
        pid: its number; 0 when it is in no namespace that we see.
        user: its effective user.
        group: its effective group.
    """

    pid: int
    user: int
    group: int


def peer(socket: Socket) -> Credentials:
    """Return who is at the other end; SO_PEERCRED, man 7 unix.

    Raises:
        OSError: that cannot be asked.
    """
    raw = socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 3 * _SIZE)
    pid, user, group = (
        int.from_bytes(raw[at : at + _SIZE], sys.byteorder) for at in range(0, 3 * _SIZE, _SIZE)
    )
    return Credentials(pid, user, group)
