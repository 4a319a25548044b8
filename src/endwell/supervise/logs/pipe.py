"""The pipe between a process and us."""

from __future__ import annotations

import contextlib
import fcntl
import os

_LOWEST = 3


def pipe(*, outlived: bool = False) -> tuple[int, int]:
    """Return where we read, without waiting, and where a process writes.

    Args:
        outlived: whether it is to go on writing should we be killed. Its end can be read from as well then:
            a pipe that nobody could read ends whoever writes to it, with a SIGPIPE, also one that has just
            begun to end well. Whoever comes after us reads the pipe by way of /proc.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        writing = _both_ways(writing) if outlived else writing
        reading, writing = away(reading), away(writing)
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    os.set_blocking(reading, False)
    return reading, writing


def _both_ways(writing: int) -> int:
    """Return in its place an end that is the reader's, too: man 7 fifo, O_RDWR."""
    with contextlib.suppress(OSError):
        both = os.open(f"/proc/self/fd/{writing}", os.O_RDWR | os.O_CLOEXEC)
        os.close(writing)
        return both
    return writing


def away(descriptor: int) -> int:
    """Return it, or another one if it is 0, 1 or 2: a process is given something else for these."""
    if descriptor >= _LOWEST:
        return descriptor
    other = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    os.close(descriptor)
    return other
