"""Enter the network namespace of a container, where its own addresses and its loopback are."""

from __future__ import annotations

import os
import socket

from endwell.system import libc

_CLONE_NEWNET = 0x40000000


def enter(path: str) -> None:
    """Give the calling thread the network namespace at `path` (`/proc/PID/ns/net`); setns(2).

    Raises:
        OSError: it is gone, or we may not.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        libc.setns(descriptor, _CLONE_NEWNET)
    finally:
        os.close(descriptor)


def first_address(host: str, port: int) -> str:
    """Return the address of a name that is asked first; OSError when it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # A name such as localhost has two addresses, and servers mostly listen on the older kind.
    found.sort(key=lambda one: one[0] != socket.AF_INET)
    return str(found[0][4][0])


def is_ours(path: str) -> bool:
    """Whether the network namespace at `path` is the one we are in; so is one that is gone.

    One that we may not look at is not: who enters it is told so.
    """
    try:
        there = os.stat(path)  # noqa: PTH116  a magic link, not a path
        here = os.stat("/proc/thread-self/ns/net")  # noqa: PTH116  likewise
    except PermissionError:
        return False
    except OSError:
        return True
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
