"""Those who have come to us because their parent has ended, and which replica they came from.

A process that a service leaves behind becomes our child when its parent ends (`system.tree`), without a word.
We look for such orphans when it matters: when a service's process has ended, and when everything of a service
is to be signalled. That finds all of them. Whoever came from a process that has ended has an ancestor among
our own children, since an orphan's new parent is we or a survivor above it; and who loses his parent later
comes to us together with the SIGCHLD of that parent, which is when we look again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from endwell.system import tree

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

Key = tuple[str, int]


class Orphans:
    """The orphans that were there when we looked last.

    Args:
        keys: of the replicas there can be.
        started: the numbers of those children of ours who are none, because we have started them.

    Attributes:
        looks: how often we have looked.
    """

    def __init__(self, keys: Iterable[Key], started: Container[int]) -> None:
        self.looks = 0
        self._started = started
        self._first = tree.first_mark()
        self._marks: dict[Key, int] = {}
        self._keys: dict[int, Key] = {}
        self._groups: dict[int, Key] = {}
        self._groups_of: dict[Key, list[int]] = {}
        self._known: dict[int, Key | None] = {}
        self._over: set[int] = set()  # those who have ended and were not collected yet
        self.know(keys)

    def __iter__(self) -> Iterator[tuple[int, Key | None]]:
        """Go through their numbers, with whose they are if that is known."""
        return iter(self._known.items())

    # --------------------------------------------------------------------------------- by what they are known

    def know(self, keys: Iterable[Key]) -> None:
        """Let there be these replicas, too; a mark outlives its service, as those who wear it may."""
        for key in keys:
            if key not in self._marks:
                mark = self._marks[key] = self._first + len(self._marks)
                self._keys[mark] = key

    def mark(self, key: Key) -> int:
        """Return what processes of a replica wear."""
        return self._marks[key]

    def marks(self, keys: Iterable[Key]) -> dict[Key, int]:
        """Return what processes of these replicas wear."""
        return {key: self._marks[key] for key in keys}

    def take_group(self, key: Key, pid: int) -> None:
        """Remember whose process group it is, and forget those of which nobody is left."""
        if not self.left(key):
            for old in self._groups_of.pop(key, ()):
                self._groups.pop(old, None)
        self._groups[pid] = key
        self._groups_of.setdefault(key, []).append(pid)

    # ------------------------------------------------------------------------------------------- who there is

    def look(self) -> None:
        """Look who has come to us."""
        own = tree.children_of(os.getpid())
        self._known = {pid: self._known[pid] for pid in own if pid in self._known}
        for pid in own:
            if pid not in self._started and pid not in self._known and pid not in self._over:
                standing = tree.standing(pid)
                if standing is not None and standing.lives:
                    self._known[pid] = self._came_from(pid, standing)
                else:
                    self._over.add(pid)
        self.looks += 1  # not before: one that has failed has shown nothing

    def of(self, key: Key) -> list[int]:
        """Return those of a replica."""
        return [pid for pid, owner in self._known.items() if owner == key]

    def left(self, key: Key) -> bool:
        """Whether there were some of a replica."""
        return key in self._known.values()

    def owner(self, pid: int) -> Key | None:
        """Return whose orphan a child of ours is, who may have come since; None if it is nobody's."""
        if pid in self._started:
            return None
        if pid not in self._known:
            mark = tree.mark_of(pid)
            if mark not in self._keys:
                return None  # it has ended, or `look` knows more
            self._known[pid] = self._keys[mark]
        return self._known[pid]

    def collected(self, pid: int) -> None:
        """Take note that one of them was collected: its number may be another's from now on."""
        self._known.pop(pid, None)
        self._over.discard(pid)

    def _came_from(self, pid: int, standing: tree.Standing) -> Key | None:
        mark = tree.mark_of(pid)
        if mark in self._keys:
            return self._keys[mark]
        return self._groups.get(standing.group) or self._groups.get(standing.session)
