"""What /proc tells of one process at an instant: exact when it is held, or cannot have changed meanwhile.

Every function takes a number as we see it, and raises OSError or ValueError when that process has gone.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from endwell.machine.glimpses import Stance
from endwell.parse.procfs import Status, read_command, read_status
from endwell.system.seccomp import CALLS, RT_SIGTIMEDWAIT

if TYPE_CHECKING:
    from endwell.model.signals import Signal

_WORD = struct.Struct("Q")
_PAGE = 4096
_MOST_WORDS = 512
_LONGEST_WORD = 16 * _PAGE
_AT_ONCE = 1 << 16
_CAP_KILL = 1 << 5
_CONT = 18
_GET_PARENT = 0xB702  # NS_GET_PARENT of linux/nsfs.h
_DEEPEST = 32  # as deep as the kernel lets PID namespaces be
_SIGTIMEDWAIT = str(RT_SIGTIMEDWAIT.get(os.uname().machine, -1))
_EXECS = {b"%d" % number for name in ("execve", "execveat") for number in CALLS[name]}
_GROUPS = re.compile(r"^NSpgid:\s*(.*)$", re.MULTILINE)
_SESSIONS = re.compile(r"^NSsid:\s*(.*)$", re.MULTILINE)
_USERS = re.compile(r"^Uid:\s*(.*)$", re.MULTILINE)
_CAPABILITIES = re.compile(r"^CapEff:\s*(.*)$", re.MULTILINE)
_MASK = re.compile(r"^sigmask:\s*(.*)$", re.MULTILINE)
_TARGET = re.compile(r"^Pid:\s*(-?\d+)$", re.MULTILINE)
# Where in /proc/PID/stat, behind the name, a program's image says where it is; random in every execution. The
# last one, the end of the environment, is the last one to be set.
_IMAGE = (23, 25, 45, 47, 48)


@dataclass(frozen=True, slots=True)
class Look:
    """A process and what decides who may signal it: groups and sessions as numbers in every namespace."""

    status: Status
    groups: tuple[int, ...]
    sessions: tuple[int, ...]
    users: tuple[int, ...]
    capabilities: int


def look(pid: int) -> Look:
    """Look at a process, or a thread."""
    text = read(pid, "status").decode(errors="replace")
    return Look(
        read_status(text),
        _numbers(_GROUPS, text),
        _numbers(_SESSIONS, text),
        _numbers(_USERS, text),
        int(_found(_CAPABILITIES, text, "0"), 16),
    )


def may_signal(sender: Look, target: Look, number: int) -> bool:
    """Whether the kernel lets one signal the other; man 2 kill."""
    real, effective = sender.users[:2]
    same = bool({real, effective} & {target.users[0], target.users[2]})
    return (
        same
        or bool(sender.capabilities & _CAP_KILL)
        or (number == _CONT and sender.sessions == target.sessions)
    )


def stance(pid: int, signal: Signal | None = None) -> Stance:
    """Return how a process stands to signals; where it waits for them is looked up for `signal` only."""
    status = look(pid).status
    blocked, waiting = status.blocked, 0
    if status.threads > 1:
        for thread in threads(pid):
            with suppress(OSError, ValueError):
                blocked &= read_status(read(thread, "status").decode(errors="replace")).blocked
    asked = 1 << signal.number - 1 if signal else ~0
    for thread in threads(pid):
        with suppress(OSError, ValueError):
            waiting |= _waiting(thread)
    taken = _descriptors(pid) if blocked & asked else 0
    leaving = status.state in {"Z", "X"} and status.threads <= 1
    return Stance(blocked, status.ignored, status.caught, status.shared, waiting, taken, leaving)


def is_other_than_exec(call: bytes) -> bool:
    """Whether the first word of /proc/PID/syscall is a system call, and no exec."""
    return call.isdigit() and call not in _EXECS


def threads(pid: int) -> list[int]:
    """Return the threads of a process."""
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208  a hundred times a second


def children(pid: int) -> set[int]:
    """Return the children of a process, of all of its threads; zombies too."""
    found: set[int] = set()
    for thread in threads(pid):
        with suppress(OSError):
            found.update(map(int, read(pid, f"task/{thread}/children").split()))
    return found


def namespace(pid: int) -> tuple[int, int]:
    """Return what identifies the PID namespace of a process."""
    found = os.stat(f"/proc/{pid}/ns/pid")  # noqa: PTH116  likewise
    return (found.st_dev, found.st_ino)


def within(pid: int, identity: tuple[int, int]) -> bool:
    """Whether a process is in a PID namespace or in one below it."""
    if namespace(pid) == identity:
        return True
    descriptor = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    for _ in range(_DEEPEST):
        try:
            above = fcntl.ioctl(descriptor, _GET_PARENT)
        except OSError:  # it would be one above ours
            break
        finally:
            os.close(descriptor)
        descriptor = above
        found = os.fstat(descriptor)
        if (found.st_dev, found.st_ino) == identity:
            os.close(descriptor)
            return True
    return False


def image(pid: int) -> tuple[str, ...]:
    """Return what differs after every successful exec; its last word is "0" while the exec is under way."""
    fields = read(pid, "stat").rpartition(b")")[2].split()
    return tuple(fields[place].decode() for place in _IMAGE)


def command(pid: int) -> tuple[str, ...]:
    """Return the command line it has now."""
    return read_command(read(pid, "cmdline"))


def words(pid: int, address: int) -> tuple[str, ...]:
    """Read an argument vector in a process's memory."""
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        found: list[str] = []
        while address and len(found) < _MOST_WORDS:
            (place,) = _WORD.unpack(os.pread(memory, _WORD.size, address))
            if not place:
                break
            found.append(_text(memory, place))
            address += _WORD.size
        return tuple(found)
    except struct.error as error:
        raise ValueError(f"no argument vector there: {error}") from error
    finally:
        os.close(memory)


def text(pid: int, address: int) -> str:
    """Read a string in a process's memory."""
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _text(memory, address)
    finally:
        os.close(memory)


def behind_pidfd(pid: int, descriptor: int) -> int:
    """Return which process a pidfd of a process stands for; -1 when that has gone."""
    information = read(pid, f"fdinfo/{descriptor}").decode()
    if found := _TARGET.search(information):
        return int(found[1])
    return int(os.readlink(f"/proc/{pid}/fd/{descriptor}").rpartition("/")[2])  # noqa: PTH115  likewise


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


def _text(memory: int, address: int) -> str:
    """Page by page: the next one may not be there."""
    found = b""
    while len(found) < _LONGEST_WORD:
        piece = os.pread(memory, _PAGE - (address + len(found)) % _PAGE, address + len(found))
        end = piece.find(b"\0")
        if end >= 0 or not piece:
            return (found + piece[: end if end >= 0 else None]).decode(errors="replace")
        found += piece
    return found.decode(errors="replace")


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
    for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208  likewise
        with suppress(OSError, ValueError):
            if os.readlink(f"/proc/{pid}/fd/{name}") == "anon_inode:[signalfd]":  # noqa: PTH115  likewise
                mask |= int(_found(_MASK, read(pid, f"fdinfo/{name}").decode(), "0"), 16)
    return mask


def _found(pattern: re.Pattern[str], text: str, otherwise: str = "") -> str:
    found = pattern.search(text)
    return found[1] if found else otherwise


def _numbers(pattern: re.Pattern[str], text: str) -> tuple[int, ...]:
    return tuple(map(int, _found(pattern, text).split()))
