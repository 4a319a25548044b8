"""How a process stands to signals now, as /proc tells it: what it blocks, ignores, catches, waits for.

Every function takes a number as we see it, and raises OSError or ValueError when that process has gone.
"""

from __future__ import annotations

import os
import re
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from endwell.machine.glimpses import Stance
from endwell.parse.procfs import Status, read_status
from endwell.system.seccomp import RT_SIGTIMEDWAIT

if TYPE_CHECKING:
    from endwell.model.signals import Signal

_WORD = struct.Struct("Q")
_AT_ONCE = 1 << 16
_EXITING = 0x4  # PF_EXITING of linux/sched.h
_FLAGS = 6  # where /proc/PID/stat has them, behind the name
_SIGTIMEDWAIT = str(RT_SIGTIMEDWAIT.get(os.uname().machine, -1))
_MASK = re.compile(r"^sigmask:\s*(.*)$", re.MULTILINE)


def read(pid: int, name: str) -> bytes:
    """Read one file of /proc/PID."""
    descriptor = os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        while piece := os.read(descriptor, _AT_ONCE):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def threads(pid: int) -> list[int]:
    """Return the threads of a process."""
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208  a hundred times a second


def stance(pid: int, signal: Signal | None = None) -> Stance:
    """Return how a process stands to signals; what its signalfds take is looked up for `signal` only."""
    status = _status(pid)
    blocked, waiting = status.blocked, 0
    if status.threads > 1:
        for thread in threads(pid):
            with suppress(OSError, ValueError):
                blocked &= _status(thread).blocked
    asked = 1 << signal.number - 1 if signal else ~0
    for thread in threads(pid):
        with suppress(OSError, ValueError, IndexError):
            waiting |= _waiting(thread)
    taken = _descriptors(pid) if blocked & asked else 0
    leaving = status.state in {"Z", "X"} and status.threads <= 1
    return Stance(blocked, status.ignored, status.caught, status.shared, waiting, taken, leaving)


def is_ending(pid: int) -> bool:
    """Whether all threads of a process are on their way out, or it has gone already."""
    flags = []
    with suppress(OSError):
        for thread in threads(pid):
            with suppress(OSError, ValueError, IndexError):  # one thread may go, and the process stay
                flags.append(int(read(thread, "stat").rpartition(b")")[2].split()[_FLAGS]))
    return all(one & _EXITING for one in flags)


def _status(pid: int) -> Status:
    return read_status(read(pid, "status").decode(errors="replace"))


def _waiting(thread: int) -> int:
    """The set a thread waits for in sigwait: while it does the kernel takes the set out of `blocked`."""
    fields = read(thread, "syscall").decode().split()
    if fields[0] != _SIGTIMEDWAIT:
        return 0
    memory = os.open(f"/proc/{thread}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return int.from_bytes(os.pread(memory, _WORD.size, int(fields[1], 16)), sys.byteorder)
    finally:
        os.close(memory)


def _descriptors(pid: int) -> int:
    """What the signalfds of a process take."""
    mask = 0
    with suppress(PermissionError):  # another user's, and we may not look
        for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208  likewise
            with suppress(OSError, ValueError):
                if os.readlink(f"/proc/{pid}/fd/{name}") == "anon_inode:[signalfd]":  # noqa: PTH115  likewise
                    found = _MASK.search(read(pid, f"fdinfo/{name}").decode())
                    mask |= int(found[1], 16) if found else 0
    return mask
