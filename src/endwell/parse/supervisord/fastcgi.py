"""The socket of an [fcgi-program:x] section."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from endwell.model.supervisord import FastCgiSocket
from endwell.parse.supervisord.local import Local
from endwell.parse.supervisord.types import backlog, octal, tcp_socket
from endwell.records import replace

if TYPE_CHECKING:
    from endwell.parse.supervisord.reading import Options

_UNIX = "unix://"


def socket_of(options: Options, program: str) -> FastCgiSocket | None:
    """Read the socket of a section; None where it cannot be read.

    Args:
        options: of the section.
        program: what %(program_name)s stands for in `socket`.
    """
    local = Local(options.source.surroundings)
    account = options.get("user", local.user, None)
    owner = options.get("socket_owner", local.owner, None)
    mode = options.get("socket_mode", octal, None)
    waiting = options.get("socket_backlog", backlog, None)
    names = options.names | {"program_name": program}
    value = options.text("socket", names=names)
    if not value:
        found = options.find("socket")
        if found is None or not found.value:
            options.error(
                "socket", "has no socket: write socket=unix:///path/to/socket or socket=tcp://host:port"
            )
        return None
    if value.startswith(_UNIX):
        path = value.removeprefix(_UNIX)
        if not posixpath.isabs(path):
            options.error("socket", f"socket={value!r} has no absolute path: write unix:///path/to/socket")
            return None
        if owner is None and account and account[0] != options.source.surroundings.uid:
            owner = account
        path = options.source.surroundings.normal(path)
        return FastCgiSocket(
            url=_UNIX + path,
            path=path,
            owner=owner,
            mode=0o700 if mode is None else mode,
            backlog=waiting,
        )
    if owner is not None or mode is not None:
        options.error(
            "socket_mode" if owner is None else "socket_owner",
            f"socket_owner and socket_mode are for unix:// sockets, not for {value!r}: remove them",
        )
        return None
    made = options.get("socket", _tcp, None, names=names)
    return made and replace(made, backlog=waiting)


def _tcp(value: str) -> FastCgiSocket:
    host, port = tcp_socket(value)
    return FastCgiSocket(url=f"tcp://{host}:{port}", host=host, port=port)
