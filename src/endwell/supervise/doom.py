"""Who is to be killed as soon as he comes to light, however fast he forks.

A process that forks and exits, again and again, is never where it was seen: by the time a pidfd of it is open
and its parent and mark have been looked at, another has its place, and hundreds of such lineages leave us a
hundredth of the processor for that. But whoever loses his parent comes to us. And the number of a child of
ours stays its own until we collect it: SIGKILL by that number hits nobody else, costs a microsecond, and the
list of our children is one file. So children of ours who are doomed are killed first, by number, and looked
at never; and again, as long as there are new ones, which are those who have been quicker. What is below them
comes to us when they have ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

from endwell.system import tree

if TYPE_CHECKING:
    from collections.abc import Callable

Key = tuple[str, int]

# Of one strike: whoever has been quicker this often is for the next, and the loop has its turn in between.
_ROUNDS = 8


class Doom:
    """Those whom a SIGKILL was meant for.

    Args:
        owner: from the number of a child of ours to the replica it came from; None if that is not known, or
            it is a process that we have started ourselves.

    Attributes:
        everybody: whether all of our children are doomed.
        keys: the replicas all of whose orphans are.
        struck: those who have been killed here, and were not collected yet.
        count: how many have been struck at all.
    """

    def __init__(self, owner: Callable[[int], Key | None]) -> None:
        self.everybody = False
        self.keys: set[Key] = set()
        self.struck: set[int] = set()
        self.count = 0
        self._owner = owner

    def __bool__(self) -> bool:
        """Whether there may be anybody."""
        return self.everybody or bool(self.keys)

    def means(self, key: Key | None) -> bool:
        """Whether those of a replica, or of none, are doomed."""
        return self.everybody or key in self.keys

    def strike(self) -> bool:
        """Kill our doomed children; whether there were new ones to the last, so that more will come."""
        for _ in range(_ROUNDS):
            fresh = [pid for pid in tree.children_of(os.getpid()) if pid not in self.struck]
            doomed = fresh if self.everybody else [pid for pid in fresh if self._owner(pid) in self.keys]
            if not doomed:
                return False
            for pid in doomed:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            self.struck.update(doomed)
            self.count += len(doomed)
        return True

    def collected(self, pid: int) -> None:
        """Take note that a child of ours was collected: its number may be another's from now on."""
        self.struck.discard(pid)
