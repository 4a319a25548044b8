"""Every process below us: those we have started, and the orphans that have come to us.

A process that a service leaves behind becomes our child when its parent ends (`system.tree`), without a word.
We look for such orphans when it matters: when a service's process has ended, and when everything of a service
is to be signalled. That finds all of them. Whoever came from a process that has ended has an ancestor among
our own children, since an orphan's new parent is we or a survivor above it; and who loses his parent later
comes to us together with the SIGCHLD of that parent, which is when we look again.
"""

from __future__ import annotations

import contextlib
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

from endwell.model.process import End
from endwell.model.signals import Signal
from endwell.records import dataclass, replace
from endwell.supervise.doom import Doom
from endwell.system import tree
from endwell.system.memory import OomKills
from endwell.system.spawn import spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from endwell.system.child_process import Process
    from endwell.system.program import Program

Key = tuple[str, int]

# A process that forks as fast as it can is met again in the next round; the machine comes back to the rest.
_ROUNDS = 20
_CROWD = 64
_AT_ONCE = 256  # who have ended are collected in one turn of the loop
_SIGKILL = int(signal.SIGKILL)
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
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self.more = False
        self._first = tree.first_mark()
        self._marks: dict[Key, int] = {}
        self._keys: dict[int, Key] = {}
        self._children: dict[int, Child] = {}
        self._mains: dict[Key, Child] = {}
        self._groups: dict[int, Key] = {}
        self._groups_of: dict[Key, list[int]] = {}
        self._looks = 0
        self._at_work: dict[Key, int] = {}  # how many we have started for a replica that have not ended
        self._ended_at: dict[Key, int] = {}  # how often we had looked when the last one of them ended
        self._orphans: dict[int, Key | None] = {}
        self._over: set[int] = set()  # orphans that have ended and were not collected yet
        self._doom = Doom(self._left_by)
        self._oom_kills = OomKills()
        self.know(keys)

    def know(self, keys: Iterable[Key]) -> None:
        """Let there be these replicas, too; a mark outlives its service, as those who wear it may."""
        for key in keys:
            if key not in self._marks:
                mark = self._marks[key] = self._first + len(self._marks)
                self._keys[mark] = key

    def marks(self, keys: Iterable[Key]) -> dict[Key, int]:
        """Return what processes of these replicas wear."""
        return {key: self._marks[key] for key in keys}

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
        program = replace(program, soft={**program.soft, "locks": self._marks[key]})
        child = Child(spawn(program), key, main, ended, beside, program.terminal)
        pid = child.process.pid
        self._children[pid] = child
        self._at_work[key] = self._at_work.get(key, 0) + 1
        if main:
            self._doom.keys.discard(key)
            self._mains[key] = child
            self._take_group(key, pid)
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
            found = _next_zombie()
            if found is None:
                self.more = False
                break
            pid, end = found
            self._doom.collected(pid)
            child = self._children.pop(pid, None)
            if child is None:
                self._orphans.pop(pid, None)
                self._over.discard(pid)
                continue
            child.process.close()
            if child.main:
                del self._mains[child.key]
            if child.key in self._at_work:
                self._at_work[child.key] -= 1
                self._ended_at[child.key] = self._looks
            ended.append((child, end))
        if ended:
            ended = self._explained(ended)
        if self._doom:
            self._kill_newcomers()
        return ended

    # -------------------------------------------------------------------------------------------- who is left

    def look(self) -> None:
        """Look for orphans that have come to us."""
        self._looks += 1
        own = tree.children_of(os.getpid())
        self._orphans = {pid: self._orphans[pid] for pid in own if pid in self._orphans}
        for pid in own:
            if pid not in self._children and pid not in self._orphans and pid not in self._over:
                standing = tree.standing(pid)
                if standing is not None and standing.state not in "ZX":
                    self._orphans[pid] = self._owner(pid, standing)
                else:
                    self._over.add(pid)

    def family(self, key: Key) -> list[int]:
        """Return who came from a replica's process as far as that is known, parents before children."""
        return tree.below(self._roots(key))

    def left(self, key: Key) -> bool:
        """Whether orphans of a replica were there when we looked last."""
        return key in self._orphans.values()

    def left_now(self, key: Key) -> bool:
        """Whether there are orphans of a replica, which has no process now.

        There are none if there were none when we looked after the end of the last one that we had started
        for it: whoever comes from a process has an ancestor that would have been there. To look every time
        would be the most of what a thousand services cost that end at once, again and again.
        """
        known = not self._at_work.get(key) and self._looks > self._ended_at.get(key, 0)
        if self.left(key) or not known:
            self.look()
        return self.left(key)

    def anybody(self) -> list[int]:
        """Return everybody but us whom we have to end before we leave, parents before children."""
        own = os.getpid()
        if own == 1:
            # Also those who were brought in from outside, as with docker exec.
            return [pid for pid in tree.everybody() if pid != own and _lives(pid)]
        return [pid for pid in tree.below([own]) if pid != own and _lives(pid)]

    def alone(self) -> bool:
        """Whether nobody is left but us; as PID 1 ask `anybody`.

        Below a child of ours who has ended there is nobody, so one who lives says it all; the last to come
        is the likeliest to.
        """
        if self.more or any(_lives(pid) for pid in reversed(tree.children_of(os.getpid()))):
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
        self.look()
        found = tree.below(self._roots(key))
        tree.signal_all(found, numbers, self._marks[key], before=before, after=after)

    def kill(self, key: Key) -> None:
        """Send SIGKILL to everybody who came from a replica's process, those who come to light later too."""
        self._doom.keys.add(key)
        self._kill_group(key)
        if self._doom.strike():
            return  # there are too many to be looked at; they are met again when those have ended
        self.look()
        self._kill_below(lambda: self._roots(key), self._marks[key])

    def kill_child(self, child: Child) -> None:
        """Send SIGKILL to a process that we have started and to those below it."""
        if self._children.get(child.process.pid) is child:
            self._kill_below(lambda: [child.process.pid], self._marks[child.key])

    def send_visitor(self, child: Child, numbers: Sequence[int]) -> list[int]:
        """Send signals to one of `visitors` and to those below it; return who has got them."""
        return tree.signal_all(tree.below([child.process.pid]), numbers, self._marks[child.key])

    def send_all(self, numbers: Sequence[int], spare: Collection[int] = ()) -> list[int]:
        """Send signals to everybody but us, and but some unless we are PID 1; return who has got them."""
        if os.getpid() == 1:
            told = self.anybody()
            for number in numbers:
                _broadcast(number)
            return told
        return tree.signal_all([pid for pid in self.anybody() if pid not in spare], numbers, None)

    def kill_all(self) -> list[int]:
        """Send SIGKILL to everybody but us, those who come to light later too; return who has got it."""
        self._doom.everybody = True
        if os.getpid() == 1:
            told = self.anybody()
            _broadcast(_SIGKILL)
            return told
        crowd = self._doom.strike()
        struck = list(self._doom.struck)
        return struck if crowd else struck + self._kill_below(lambda: [os.getpid()], None)

    @property
    def struck(self) -> int:
        """How many who had come to light had to be killed at once, of all replicas and of none."""
        return self._doom.count

    # ---------------------------------------------------------------------------------------------------- how

    def _take_group(self, key: Key, pid: int) -> None:
        """Remember whose process group it is, and forget those of which nobody is left."""
        if not self.left(key):
            for old in self._groups_of.pop(key, ()):
                self._groups.pop(old, None)
        self._groups[pid] = key
        self._groups_of.setdefault(key, []).append(pid)

    def _roots(self, key: Key) -> list[int]:
        main = self._mains.get(key)
        orphans = [pid for pid, owner in self._orphans.items() if owner == key]
        return orphans if main is None else [main.process.pid, *orphans]

    def _kill_below(self, roots: Callable[[], list[int]], mark: int | None) -> list[int]:
        killed: dict[int, None] = {}
        for _ in range(_ROUNDS):
            fresh = [pid for pid in tree.below(roots()) if pid not in killed and pid != os.getpid()]
            told = tree.signal_all(fresh, [_SIGKILL], mark)
            if not told:
                break
            killed.update(dict.fromkeys(told))
            self.look()
        return list(killed)

    def _kill_group(self, key: Key) -> None:
        """Kill a replica's process and its group at once: fork(2) cannot get ahead of that."""
        main = self._mains.get(key)
        if main is not None:  # it was not collected, so its number is nobody else's
            main.process.send_group(_SIGKILL)

    def _kill_newcomers(self) -> None:
        """Those who lost their parents to a SIGKILL meant for them too have come to light just now."""
        if self._doom.strike() or self.more:
            return
        self.look()
        for pid, key in self._orphans.items():
            if self._doom.everybody or key in self._doom.keys:
                tree.signal_all(tree.below([pid]), [_SIGKILL], None if key is None else self._marks[key])

    def _explained(self, ended: list[tuple[Child, End]]) -> list[tuple[Child, End]]:
        """Say of whom it is known that the kernel has killed him for want of memory.

        The count says how many, and not who: it is known where no more were killed, and not by us, than it
        has grown by since others ended last.
        """
        fresh = self._oom_kills.fresh()
        if not fresh:
            return ended
        killed = [
            child
            for child, end in ended
            if end.signal is not None
            and end.signal.number == _SIGKILL
            and not self._doom.everybody
            and child.key not in self._doom.keys
        ]
        if len(killed) > fresh:
            return ended
        return [(child, replace(end, out_of_memory=child in killed)) for child, end in ended]

    def _left_by(self, pid: int) -> Key | None:
        """Return whose orphan a child of ours is."""
        if pid in self._children:
            return None
        if pid not in self._orphans:
            mark = tree.mark_of(pid)
            if mark not in self._keys:
                return None  # it has ended, or `look` knows more
            self._orphans[pid] = self._keys[mark]
        return self._orphans[pid]

    def _owner(self, pid: int, standing: tree.Standing) -> Key | None:
        mark = tree.mark_of(pid)
        if mark in self._keys:
            return self._keys[mark]
        return self._groups.get(standing.group) or self._groups.get(standing.session)


def _next_zombie() -> tuple[int, End] | None:
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return None
    if found is None:
        return None
    if found.si_code == os.CLD_EXITED:
        return found.si_pid, End(code=found.si_status)
    return found.si_pid, End(signal=Signal(found.si_status))


def _lives(pid: int) -> bool:
    standing = tree.standing(pid)
    return standing is not None and standing.state not in "ZX"


def _broadcast(number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, number)


def _nothing(_: End) -> None:
    pass
