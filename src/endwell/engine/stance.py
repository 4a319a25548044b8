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
    from collections.abc import Iterable

    from endwell.model.signals import Signal

_WORD = struct.Struct("Q")
_AT_ONCE = 1 << 16
_EXITING = 0x4  # PF_EXITING of linux/sched.h
_LOOKS = 16
_MORE_LOOKS = 2  # at one that runs
_FLAGS = 6  # where /proc/PID/stat has them, behind the name
_SIGTIMEDWAIT = str(RT_SIGTIMEDWAIT.get(os.uname().machine, -1))
_RUNNING = "running"
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
    status, blocked, waiting, running = _look(pid)
    for _ in range(_MORE_LOOKS):
        if not running:
            break
        # It may have been woken from sigwait in between: then the masks are still those of sigwait.
        status, blocked, also, running = _look(pid)
        waiting |= also
    asked = 1 << signal.number - 1 if signal else ~0
    taken = _descriptors(pid) if blocked & asked else 0
    leaving = status.state in {"Z", "X"} and status.threads <= 1
    return Stance(blocked, status.ignored, status.caught, status.shared, waiting, taken, leaving)


def is_ending(pid: int) -> bool:
    """Whether all threads of a process are on their way out, or it has gone already."""
    for _ in range(_LOOKS):
        try:
            ending = _are_ending(threads(pid))
        except OSError:
            return True
        if ending is not None:
            return ending
        # A thread that has gone may have taken the place of the leader, which was on its way out.
    return False


def _are_ending(some: Iterable[int]) -> bool | None:
    """Whether these threads are all on their way out; None when one of them cannot be asked any more."""
    try:
        return all(int(read(one, "stat").rpartition(b")")[2].split()[_FLAGS]) & _EXITING for one in some)
    except (OSError, ValueError, IndexError):
        return None


def _status(pid: int) -> Status:
    return read_status(read(pid, "status").decode(errors="replace"))


def _look(pid: int) -> tuple[Status, int, int, bool]:
    """Return the status, what all threads block, what one waits for in sigwait, and whether one runs.

    While a thread waits the kernel takes the set out of `blocked`, up to when it has been woken and runs.
    """
    status = _status(pid)
    blocked, waiting, running = status.blocked, 0, False
    if status.threads > 1:
        for thread in threads(pid):
            with suppress(OSError, ValueError):
                blocked &= _status(thread).blocked
    for thread in threads(pid):
        with suppress(OSError, ValueError, IndexError):
            call, *arguments = read(thread, "syscall").decode().split()
            if call == _SIGTIMEDWAIT:
                waiting |= _word(thread, int(arguments[0], 16))
            running = running or call == _RUNNING
    return status, blocked, waiting, running


def _word(thread: int, place: int) -> int:
    """Return the first word of a set of signals in a thread's memory."""
    memory = os.open(f"/proc/{thread}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return int.from_bytes(os.pread(memory, _WORD.size, place), sys.byteorder)
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
