"""A TCP port that listens; `_socket` is all that is needed of the standard library's `socket`."""

from __future__ import annotations

import _socket

from endwell.system.listening import accepted

_BACKLOG = 128
_FLAGS = getattr(_socket, "SOCK_NONBLOCK", 0) | getattr(_socket, "SOCK_CLOEXEC", 0)


class Port:
    """A socket that takes connections, none of which ever waits.

    Args:
        host: a name or an address; empty for every interface, of IPv4 as supervisord has it.
        port: the number.

    Raises:
        OSError: it cannot be made there. EADDRINUSE: somebody listens there already.
    """

    def __init__(self, host: str, port: int) -> None:
        family, address = _address(host, port)
        self._socket = _socket.socket(family, _socket.SOCK_STREAM | _FLAGS)
        try:
            self._socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
            self._socket.bind(address)
            self._socket.listen(_BACKLOG)
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """Return its descriptor."""
        return self._socket.fileno()

    def accept(self) -> _socket.socket | None:
        """Return the next connection, or None.

        Raises:
            OSError: there is one, and there are no descriptors for it.
        """
        return accepted(self._socket)

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def _address(host: str, port: int) -> tuple[int, tuple[object, ...]]:
    if not host:
        return _socket.AF_INET, ("", port)
    # Of an IPv6 address in brackets, as in a URL, only what is in them is the address.
    found = _socket.getaddrinfo(host.removeprefix("[").removesuffix("]"), port, 0, _socket.SOCK_STREAM)
    # The order in which a resolver has them is for who connects; IPv4 is what supervisord's clients expect.
    found.sort(key=lambda one: one[0] != _socket.AF_INET)
    return found[0][0], found[0][4]
