"""Whom the kernel has killed for want of memory, as far as the control group counts it.

Nothing else says so: the parent sees a SIGKILL like any other, and the kernel's log is for the host alone.
The count is in `memory.events` (cgroup v2, with those below) or `memory.oom_control` (v1) of our own group.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

_V1 = "memory"
_MOUNTS = {"": ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"), _V1: ("/sys/fs/cgroup/memory",)}
_FILES = {"": "memory.events", _V1: "memory.oom_control"}
_COUNT = b"oom_kill"


class OomKills:
    """The count, and how much of it is accounted for.

    Args:
        places: files that may have it; None: those of our own control group.
    """

    def __init__(self, places: list[str] | None = None) -> None:
        self._place = ""
        self._known = 0
        for place in _places() if places is None else places:
            count = _read(place)
            if count is not None:
                self._place, self._known = place, count
                break

    def among(self, killed: Sequence[T]) -> Sequence[T]:
        """Return those of whom it is known that the kernel has killed them for want of memory: all, or none.

        The count says how many, and not who: it is known where no more were killed than it has grown by
        since others ended last.

        Args:
            killed: who have ended since by a SIGKILL that was not ours.
        """
        return killed if len(killed) <= self.fresh() else ()

    def fresh(self) -> int:
        """Return how many more were killed than when this was asked last; 0 where nobody counts."""
        count = _read(self._place) if self._place else None
        if count is None:
            return 0
        more, self._known = count - self._known, count
        return max(more, 0)


def _places() -> list[str]:
    """Return where the count of our own group may be, the likeliest first."""
    found = []
    for line in _bytes("/proc/self/cgroup").decode(errors="surrogateescape").splitlines():
        _, kinds, path = line.split(":", 2)
        for kind in kinds.split(","):
            for mount in _MOUNTS.get(kind, ()):
                # Where the path is the host's, what is mounted is our own group itself.
                found += [f"{mount}{path.rstrip('/')}/{_FILES[kind]}", f"{mount}/{_FILES[kind]}"]
    return found


def _read(place: str) -> int | None:
    for line in _bytes(place).splitlines():
        name, _, value = line.partition(b" ")
        if name == _COUNT and value.isdigit():
            return int(value)
    return None


def _bytes(place: str) -> bytes:
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
