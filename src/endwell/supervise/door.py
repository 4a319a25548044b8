"""The socket of one door: opened as its section says, or why it cannot be."""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH101

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Protocol

from endwell.model.place import Place
from endwell.model.supervisord_servers import InetServer, UnixServer
from endwell.model.web import Web
from endwell.records import replace
from endwell.system.listening import Listening
from endwell.system.ports import Port

if TYPE_CHECKING:
    import _socket

Server = UnixServer | InetServer | Web

_NOWHERE = Place("", 0)


class Socket(Protocol):
    """One that listens."""

    def fileno(self) -> int:
        """Return its descriptor."""

    def accept(self) -> _socket.socket | None:
        """Return the next connection, or None; as `Listening.accept`."""

    def close(self) -> None:
        """Close it, and remove its file if it has one."""


def section(server: Server) -> str:
    """Return what the section of a server is called."""
    return "web" if isinstance(server, Web) else server.section


def bare(server: Server) -> Server:
    """Return a server without the place where it stands, which may change without changing anything."""
    return replace(server, place=_NOWHERE)


def open_door(server: Server) -> Socket:
    """Open a socket.

    Raises:
        OSError: it cannot be.
    """
    if not isinstance(server, UnixServer):
        return Port(server.host, server.port)
    # Until its owner is the right one, nobody else can connect.
    listening = Listening(server.file)
    try:
        if server.chown != (-1, -1):
            os.chown(server.file, *server.chown)
        os.chmod(server.file, server.chmod)
    except OSError:
        listening.close()
        raise
    return listening


def problem(server: Server, error: OSError) -> str:
    """Say why one cannot be opened, and what to do, in one line."""
    where = server.file if isinstance(server, UnixServer) else f"{server.host or '*'}:{server.port}"
    if error.errno == errno.EADDRINUSE:
        why = "somebody listens there already: stop that first, or write another one"
    elif error.errno == errno.EPERM and isinstance(server, UnixServer) and server.chown != (-1, -1):
        owner = f"{server.chown[0]}:{server.chown[1]}"
        why = f"chown to {owner} is not permitted: run endwell as root, or leave it out"
    else:
        why = f"{error.strerror or error}: write a place that can be used, or remove the section"
    what = "the page" if isinstance(server, Web) else f"[{server.section}]"
    return f"{server.place}: {what} cannot be opened at {where}: {why}"
