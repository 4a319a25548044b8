"""What /proc tells of one process at an instant: exact when it is held, or cannot have changed meanwhile.

Every function takes a number as we see it, and raises OSError or ValueError when that process has gone.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
from contextlib import suppress

from endwell.engine.stance import is_ending, read, stance, threads
from endwell.parse.procfs import Status, read_command, read_status
from endwell.records import dataclass
from endwell.system.seccomp import CALLS

__all__ = [
    "Look",
    "behind_pidfd",
    "children",
    "command",
    "image",
    "is_ending",
    "is_other_than_exec",
    "look",
    "may_signal",
    "namespace",
    "read",
    "stance",
    "text",
    "threads",
    "within",
    "words",
]

_WORD = struct.Struct("Q")
_PAGE = 4096
_MOST_WORDS = 512
_LONGEST_WORD = 16 * _PAGE
_CAP_KILL = 1 << 5
_CONT = 18
_GET_PARENT = 0xB702  # NS_GET_PARENT of linux/nsfs.h
_DEEPEST = 32  # as deep as the kernel lets PID namespaces be
_EXECS = {b"%d" % number for name in ("execve", "execveat") for number in CALLS[name]}
_GROUPS = re.compile(r"^NSpgid:\s*(.*)$", re.MULTILINE)
_SESSIONS = re.compile(r"^NSsid:\s*(.*)$", re.MULTILINE)
_USERS = re.compile(r"^Uid:\s*(.*)$", re.MULTILINE)
_CAPABILITIES = re.compile(r"^CapEff:\s*(.*)$", re.MULTILINE)
_TARGET = re.compile(r"^Pid:\s*(-?\d+)$", re.MULTILINE)
# Where in /proc/PID/stat, behind the name, a program's image says where it is; random in every execution. The
# last one, the end of the environment, is the last one to be set.
_IMAGE = (23, 25, 45, 47, 48)
_HIDDEN = b"1"


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


def is_other_than_exec(call: bytes) -> bool:
    """Whether the first word of /proc/PID/syscall is a system call, and no exec."""
    return call.isdigit() and call not in _EXECS


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
    """Return what differs after every successful exec; its last word is "0" while the exec is under way.

    Of a process of another user, whose memory is not ours to see, it is the command line, which is not there
    from the moment the old image goes until the new one is whole.
    """
    fields = read(pid, "stat").rpartition(b")")[2].split()
    if fields[_IMAGE[0]] == _HIDDEN:
        words = command(pid)
        return (*words, "" if words else "0")
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


def _found(pattern: re.Pattern[str], text: str, otherwise: str = "") -> str:
    found = pattern.search(text)
    return found[1] if found else otherwise


def _numbers(pattern: re.Pattern[str], text: str) -> tuple[int, ...]:
    return tuple(map(int, _found(pattern, text).split()))
