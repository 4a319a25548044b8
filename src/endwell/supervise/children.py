"""Every process below us: those we have started, and the orphans that have come to us (`orphans`).

Whoever is signalled is somebody we have started, an orphan, or below one of them at this moment.
"""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING

from endwell.model.signals import Signal
from endwell.records import dataclass, replace
from endwell.supervise.doom import Doom
from endwell.supervise.orphans import Orphans
from endwell.system import tree
from endwell.system.child_process import next_ended
from endwell.system.memory import OomKills
from endwell.system.spawn import spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from endwell.model.process import End
    from endwell.system.child_process import Process
    from endwell.system.program import Program

Key = tuple[str, int]

# A process that forks as fast as it can is met again in the next round; the machine comes back to the rest.
_ROUNDS = 20
_CROWD = 64
_AT_ONCE = 256  # who have ended are collected in one turn of the loop
_SIGKILL = int(signal.SIGKILL)
_KILLED = Signal(_SIGKILL)
_OURS: Key = ("", -1)


@dataclass(slots=True, eq=False)
class Child:
    """A process that we have started.

    Args:
        process: it.
        key: the replica it is for.
        main: whether it is the replica's own process, and not a hook or a question.
        ended: called with how it ended.
        beside: the name of the service beside which somebody has started it by hand; empty for our own doing.
        terminal: whether it has one of its own.
    """

    process: Process
    key: Key
    main: bool
    ended: Callable[[End], None]
    beside: str = ""
    terminal: bool = False


class Children:
    """All of them.

    Args:
        keys: of the replicas there can be.

    Attributes:
        more: whether `collect` has left some who have ended for the next time.
        orphans: those who have come to us.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self.more = False
        self._children: dict[int, Child] = {}
        self._mains: dict[Key, Child] = {}
        self._at_work: dict[Key, int] = {}  # how many we have started for a replica that have not ended
        self._ended_at: dict[Key, int] = {}  # how often we had looked when the last one of them ended
        self.orphans = Orphans(keys, self._children)
        self._doom = Doom(self.orphans.owner)
        self._oom_kills = OomKills()

    # ------------------------------------------------------------------------------------------ start and end

    def start(
        self,
        program: Program,
        key: Key,
        ended: Callable[[End], None],
        *,
        main: bool = False,
        beside: str = "",
    ) -> Child:
        """Start a program for a replica, or beside it.

        Raises:
            SpawnError: it cannot be.
        """
        program = replace(program, soft={**program.soft, "locks": self.orphans.mark(key)})
        child = Child(spawn(program), key, main, ended, beside, program.terminal)
        pid = child.process.pid
        self._children[pid] = child
        self._at_work[key] = self._at_work.get(key, 0) + 1
        if main:
            self._doom.keys.discard(key)
            self._mains[key] = child
            self.orphans.take_group(key, pid)
        return child

    def start_own(self, program: Program, ended: Callable[[Child, End], None]) -> Child:
        """Start a program that belongs to no replica but to us; `ended` is called with it and how it ended.

        Raises:
            SpawnError: it cannot be.
        """
        child = Child(spawn(program), _OURS, main=False, ended=_nothing)
        child.ended = partial(ended, child)
        self._children[child.process.pid] = child
        return child

    def visitors(self) -> list[Child]:
        """Return the programs that somebody has started beside a replica."""
        return [child for child in self._children.values() if child.beside]

    def is_ours(self, pid: int) -> bool:
        """Whether it is a program of `start_own`, which ends when we do: nobody's business."""
        child = self._children.get(pid)
        return child is not None and child.key == _OURS

    def main(self, key: Key) -> Child | None:
        """Return the process of a replica, if it has one."""
        return self._mains.get(key)

    def collect(self) -> list[tuple[Child, End]]:
        """Collect those who have ended, and return those of them that we had started.

        Not more than others can wait for: see `more`.
        """
        ended: list[tuple[Child, End]] = []
        self.more = True
        for _ in range(_AT_ONCE):
            found = next_ended()
            if found is None:
                self.more = False
                break
            pid, end = found
            self._doom.collected(pid)
            child = self._children.pop(pid, None)
            if child is None:
                self.orphans.collected(pid)
                continue
            child.process.close()
            if child.main:
                del self._mains[child.key]
            if child.key in self._at_work:
                self._at_work[child.key] -= 1
                self._ended_at[child.key] = self.orphans.looks
            ended.append((child, end))
        return self._explained(ended) if ended else ended

    # -------------------------------------------------------------------------------------------- who is left

    def family(self, key: Key) -> list[int]:
        """Return who came from a replica's process as far as that is known, parents before children."""
        return tree.below(self._roots(key))

    def left_now(self, key: Key) -> bool:
        """Whether there are orphans of a replica, which has no process now.

        There are none if there were none when we looked after the end of the last one that we had started
        for it: whoever comes from a process has an ancestor that would have been there. To look every time
        would be the most of what a thousand services cost that end at once, again and again.
        """
        known = not self._at_work.get(key) and self.orphans.looks > self._ended_at.get(key, 0)
        if self.orphans.left(key) or not known:
            self.orphans.look()
        return self.orphans.left(key)

    def anybody(self) -> list[int]:
        """Return everybody but us whom we have to end before we leave, parents before children."""
        own = os.getpid()
        if own == 1:
            # Also those who were brought in from outside, as with docker exec.
            return [pid for pid in tree.everybody() if pid != own and tree.lives(pid)]
        return [pid for pid in tree.below([own]) if pid != own and tree.lives(pid)]

    def alone(self) -> bool:
        """Whether nobody is left but us; as PID 1 ask `anybody`.

        Below a child of ours who has ended there is nobody, so one who lives says it all; the last to come
        is the likeliest to.
        """
        if self.more or any(tree.lives(pid) for pid in reversed(tree.children_of(os.getpid()))):
            return False
        return not self.anybody()

    def crowded(self) -> bool:
        """Whether more have come to us than there is time to look at one by one."""
        return len(tree.children_of(os.getpid())) > len(self._children) + _CROWD

    @staticmethod
    def strangers(pids: Iterable[int]) -> list[int]:
        """Return those who are not below us, so that we are not told when they end: only PID 1 has some."""
        if os.getpid() != 1:
            return []
        below = set(tree.below([1]))
        return [pid for pid in pids if pid not in below]

    # ------------------------------------------------------------------------------------------------ signals

    def spare(self, key: Key) -> None:
        """What of a replica comes to light from now on is not meant by an earlier `kill`."""
        self._doom.keys.discard(key)

    def send_tree(
        self,
        key: Key,
        numbers: Sequence[int],
        before: Callable[[int], None] = tree.nothing,
        after: Callable[[int], None] = tree.nothing,
    ) -> None:
        """Send signals to everybody who came from a replica's process; see `tree.signal_all`."""
        self.orphans.look()
        found = tree.below(self._roots(key))
        tree.signal_all(found, numbers, self.orphans.mark(key), before=before, after=after)

    def kill(self, key: Key) -> None:
        """Send SIGKILL to everybody who came from a replica's process, those who come to light later too."""
        self._doom.keys.add(key)
        self._kill_group(key)
        if self._doom.strike():
            return  # there are too many to be looked at; they are met again when those have ended
        self.orphans.look()
        self._kill_below(lambda: self._roots(key), self.orphans.mark(key))

    def kill_newcomers(self) -> None:
        """Kill those who come to light since their parents got a SIGKILL that was meant for them too."""
        if not self._doom or self._doom.strike() or self.more:
            return
        self.orphans.look()
        for pid, key in self.orphans:
            if self._doom.means(key):
                mark = None if key is None else self.orphans.mark(key)
                tree.signal_all(tree.below([pid]), [_SIGKILL], mark)

    def kill_child(self, child: Child) -> None:
        """Send SIGKILL to a process that we have started and to those below it."""
        if self._children.get(child.process.pid) is child:
            self._kill_below(lambda: [child.process.pid], self.orphans.mark(child.key))

    def send_visitor(self, child: Child, numbers: Sequence[int]) -> list[int]:
        """Send signals to one of `visitors` and to those below it; return who has got them."""
        return tree.signal_all(tree.below([child.process.pid]), numbers, self.orphans.mark(child.key))

    def send_all(self, numbers: Sequence[int], spare: Collection[int] = ()) -> list[int]:
        """Send signals to everybody but us, and but some unless we are PID 1; return who has got them."""
        if os.getpid() == 1:
            told = self.anybody()
            for number in numbers:
                tree.signal_everybody(number)
            return told
        return tree.signal_all([pid for pid in self.anybody() if pid not in spare], numbers, None)

    def kill_all(self) -> list[int]:
        """Send SIGKILL to everybody but us, those who come to light later too; return who has got it."""
        self._doom.everybody = True
        if os.getpid() == 1:
            told = self.anybody()
            tree.signal_everybody(_SIGKILL)
            return told
        crowd = self._doom.strike()
        struck = list(self._doom.struck)
        return struck if crowd else struck + self._kill_below(lambda: [os.getpid()], None)

    @property
    def struck(self) -> int:
        """How many who had come to light had to be killed at once, of all replicas and of none."""
        return self._doom.count

    # ---------------------------------------------------------------------------------------------------- how

    def _roots(self, key: Key) -> list[int]:
        main = self._mains.get(key)
        orphans = self.orphans.of(key)
        return orphans if main is None else [main.process.pid, *orphans]

    def _kill_below(self, roots: Callable[[], list[int]], mark: int | None) -> list[int]:
        killed: dict[int, None] = {}
        for _ in range(_ROUNDS):
            fresh = [pid for pid in tree.below(roots()) if pid not in killed and pid != os.getpid()]
            told = tree.signal_all(fresh, [_SIGKILL], mark)
            if not told:
                break
            killed.update(dict.fromkeys(told))
            self.orphans.look()
        return list(killed)

    def _kill_group(self, key: Key) -> None:
        """Kill a replica's process and its group at once: fork(2) cannot get ahead of that."""
        main = self._mains.get(key)
        if main is not None:  # it was not collected, so its number is nobody else's
            main.process.send_group(_SIGKILL)

    def _explained(self, ended: list[tuple[Child, End]]) -> list[tuple[Child, End]]:
        """Say of whom it is known that the kernel has killed him for want of memory."""
        killed = [child for child, end in ended if end.signal == _KILLED and not self._doom.means(child.key)]
        starved = self._oom_kills.among(killed)
        if not starved:
            return ended
        return [(child, replace(end, out_of_memory=child in starved)) for child, end in ended]


def _nothing(_: End) -> None:
    pass
