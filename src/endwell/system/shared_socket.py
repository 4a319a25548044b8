"""A socket that listens and is handed to programs, which accept on it themselves: FastCGI's way.

It waits, unlike all other descriptors of ours: what a program gets is not a copy but the same socket, and
programs call accept(2) on their descriptor 0 and expect to wait there. `_socket` is all that is needed of the
standard library's `socket`.
"""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH101, PTH108

from __future__ import annotations

import _socket
import contextlib
import os
import stat

_CLOEXEC = getattr(_socket, "SOCK_CLOEXEC", 0)
_OWNER_ONLY = 0o700


def listen_at_path(
    path: str, mode: int | None, owner: tuple[int, int] | None, backlog: int | None
) -> _socket.socket:
    """Listen at a path; a socket that is there already, an old one most likely, gives way.

    Args:
        path: where.
        mode: of its file; None: as the umask has it.
        owner: of its file, user and group number; -1 leaves it, and so does None.
        backlog: how many connections may wait; None: as many as the system allows.

    Raises:
        OSError: that cannot be done; `filename` says where.
    """
    made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _CLOEXEC)
    bound = False
    try:
        if mode is not None:
            # Before it has a name, so that there is no moment in which more people can connect.
            os.fchmod(made.fileno(), mode & _OWNER_ONLY)
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(os.lstat(path).st_mode):
                os.unlink(path)
        made.bind(path)
        bound = True
        if owner is not None:
            os.chown(path, *owner)
        if mode is not None:
            os.chmod(path, mode)
        made.listen(_socket.SOMAXCONN if backlog is None else backlog)
    except OSError as error:
        made.close()
        if bound:
            with contextlib.suppress(OSError):
                os.unlink(path)
        raise OSError(error.errno, error.strerror, path) from error
    return made


def listen_at_port(host: str, port: int, backlog: int | None) -> _socket.socket:
    """Listen at a TCP port.

    Args:
        host: a name or an address; empty for every interface.
        port: the number.
        backlog: as for `listen_at_path`.

    Raises:
        OSError: that cannot be done; `filename` says where.
    """
    place = f"tcp://{host}:{port}"
    try:
        found = _socket.getaddrinfo(host or None, port, 0, _socket.SOCK_STREAM, 0, _socket.AI_PASSIVE)
        # supervisord knows IPv4 only.
        family, _, _, _, address = min(found, key=lambda one: one[0] != _socket.AF_INET)
        made = _socket.socket(family, _socket.SOCK_STREAM | _CLOEXEC)
    except OSError as error:
        raise OSError(error.errno, error.strerror, place) from error
    try:
        made.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(_socket.SOMAXCONN if backlog is None else backlog)
    except OSError as error:
        made.close()
        raise OSError(error.errno, error.strerror, place) from error
    return made
