"""Who descends from one of our own processes: by the kernel's lists of children, never by climbing.

A list of children is numbers, and a number may mean another process a moment later. So each one is a
descendant only when, with a pidfd on it open already, it still has the parent whose list it was in, and that
parent has not been collected. What comes of a climb instead: an orphan's parent is the machine's init.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.system.pidfd import is_collected

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS = Path("/proc/thread-self/children")
# In /proc/PID/stat, behind the name: the state, and then the parent.
_PARENT = 1


def can_be_listed() -> bool:
    """Whether this kernel has lists of children (CONFIG_PROC_CHILDREN), in a /proc that is there."""
    return _OURS.exists()


def children(pid: int) -> set[int]:
    """Return the numbers of a process's children, zombies too; none of a process that has gone."""
    found: set[int] = set()
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found.update(map(int, (task / "children").read_text().split()))
    return found


def descendants(pid: int) -> Iterator[tuple[int, int]]:
    """Yield each descendant's number and a pidfd on it, the older generation first.

    A pidfd is open until the iteration is over, or left: it is not to be kept.

    Args:
        pid: a process that cannot be collected meanwhile: ourselves, or a child of ours.
    """
    opened: list[int] = []
    try:
        generation = [(pid, -1)]
        while generation:
            following = []
            for parent, held in generation:
                for child in sorted(children(parent)):
                    pidfd = _open(child, parent, held)
                    if pidfd >= 0:
                        opened.append(pidfd)
                        following.append((child, pidfd))
                        yield child, pidfd
            generation = following
    finally:
        for pidfd in opened:
            os.close(pidfd)


def _open(child: int, parent: int, held: int) -> int:
    try:
        pidfd = os.pidfd_open(child)
    except OSError:
        return -1
    if _parent(child) == parent and not is_collected(pidfd) and (held < 0 or not is_collected(held)):
        return pidfd
    os.close(pidfd)
    return -1


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[_PARENT])
    except (OSError, ValueError, IndexError):
        return -1
