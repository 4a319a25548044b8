"""Who is in a container: a fact of the PID namespace, never of the tree's shape.

And whether there is such a container here at all. An engine tells PID 1's number on *its* host; where that is
another machine, a virtual one or the far end of a forwarded socket, the number means some other process here.
So it counts only when the kernel itself connects the process with the container: it is number 1 in a PID
namespace below ours, and the container's name of 64 random digits stands in its cgroup's path, or among its
mounts (engines mount /etc/hostname and the like from a directory of that name).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_FULL_IDENTITY = re.compile(r"[0-9a-f]{64}")
_FIRST_BELOW_OURS = re.compile(rb"^NSpid:(?:[ \t]+\d+)+[ \t]+1$", re.MULTILINE)
_AT_ONCE = 1 << 16


def namespace_of(pid: int | str) -> tuple[int, int] | None:
    """Return what identifies the PID namespace of a process; None if we see no such process."""
    try:
        found = os.stat(f"/proc/{pid}/ns/pid")  # noqa: PTH116  called for every process of the machine
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


def is_there(pid: int) -> bool:
    """Return whether a process has this number now, be it a zombie."""
    return os.path.exists(f"/proc/{pid}")  # noqa: PTH110  as above


def members(namespace: tuple[int, int]) -> tuple[int, ...]:
    """Return the processes in the namespace now, by host numbers: for looking at, not for killing."""
    if namespace == namespace_of("self"):
        return ()
    return tuple(
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and namespace_of(entry.name) == namespace
    )


def container_namespace(pid: int, identity: str) -> tuple[int, int] | None:
    """Return the PID namespace of a container of this machine; None if `pid` is not its PID 1 here.

    Args:
        pid: what the engine says is PID 1's number on its host.
        identity: what the engine calls the container, 64 hexadecimal digits.
    """
    if pid <= 0 or not _FULL_IDENTITY.fullmatch(identity):
        return None
    try:
        # The directory stays that of this very process when the number comes round again.
        process = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not _FIRST_BELOW_OURS.search(_read(process, "status")):
            return None
        name = identity.encode()
        if name not in _read(process, "cgroup") and name not in _read(process, "mountinfo"):
            return None
        found = os.stat("ns/pid", dir_fd=process)
    except OSError:
        return None
    finally:
        os.close(process)
    return (found.st_dev, found.st_ino)


def _read(directory: int, name: str) -> bytes:
    """Return a file of a process; nothing where there is none: no cgroups, or a zombie's mounts."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
    except OSError:
        return b""
    content = b""
    try:
        while piece := os.read(descriptor, _AT_ONCE):
            content += piece
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return content
