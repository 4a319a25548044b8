"""Who is in a container: a fact of the PID namespace, never of the tree's shape."""

from __future__ import annotations

import os
from pathlib import Path


def namespace_of(pid: int | str) -> tuple[int, int] | None:
    """Return what identifies the PID namespace of a process; None if we see no such process."""
    try:
        found = os.stat(f"/proc/{pid}/ns/pid")  # noqa: PTH116  called for every process of the machine
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


def members(namespace: tuple[int, int]) -> tuple[int, ...]:
    """Return the processes in the namespace now, by host numbers: for looking at, not for killing."""
    if namespace == namespace_of("self"):
        return ()
    return tuple(
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and namespace_of(entry.name) == namespace
    )
