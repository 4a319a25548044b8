"""The pipe between a process and us."""

from __future__ import annotations

import fcntl
import os

_LOWEST = 3


def pipe() -> tuple[int, int]:
    """Return where we read, without waiting, and where a process writes."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        reading, writing = away(reading), away(writing)
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    os.set_blocking(reading, False)
    return reading, writing


def away(descriptor: int) -> int:
    """Return it, or another one if it is 0, 1 or 2: a process is given something else for these."""
    if descriptor >= _LOWEST:
        return descriptor
    other = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    os.close(descriptor)
    return other
