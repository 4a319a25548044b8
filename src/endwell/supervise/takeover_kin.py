"""Those whom a killed supervisor has left to the init: who they are, how they are reached, when they end.

They were the supervisor's children and are the init's now, as is this process; so they are found as its
siblings. To which service one belongs is said by the mark it wears (`system.tree`). None is known by a number
alone: for each a pidfd is opened first, and then it is looked whether the one behind it is the init's child.
We are not their parent and do not hear of their end by a SIGCHLD, but a pidfd can be read when its process
has ended, and by then the children it leaves behind have come to the init as well.
"""

from __future__ import annotations

import contextlib
import os
import signal
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from endwell.system import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from endwell.system.loop import Loop

Key = tuple[str, int]

TELL = (int(signal.SIGTERM), int(signal.SIGCONT))
_ROUNDS = 20
_SIGKILL = int(signal.SIGKILL)


class Sibling(NamedTuple):
    """A child of the init that came from a replica's process, or is that.

    Args:
        pidfd: stands for it.
        key: of the replica.
        leader: whether its process group has its number, as with everything that a supervisor spawns.
    """

    pidfd: int
    key: Key
    leader: bool


class Kin:
    """All of them.

    Args:
        init: the number of our parent.
        marks: what processes of each replica wear.
        loop: for waiting.
        ended: called with the number and the replica of each that has ended.
    """

    def __init__(
        self, init: int, marks: Mapping[Key, int], loop: Loop, ended: Callable[[int, Key], None]
    ) -> None:
        self._init = init
        self._marks = dict(marks)
        self._keys = {mark: key for key, mark in marks.items()}
        self._loop = loop
        self._ended = ended
        self._groups: dict[int, Key] = {}
        self._told: tuple[int, ...] = ()
        self._doubtful = 0
        self._siblings: dict[int, Sibling] = {}
        self._own: set[int] = {os.getpid()}
        self._doomed: set[Key] = set()

    # ------------------------------------------------------------------------------------------- who is there

    def expect(self, mains: Mapping[int, Key], told: Sequence[int], doubtful: int) -> None:
        """Take note of numbers.

        Args:
            mains: that processes of replicas had: groups and sessions are called by them.
            told: of those who were told as a part of a tree, before the supervisor was done with it.
            doubtful: of the one of whom nobody knows whether he was; 0: there is none.
        """
        self._groups = dict(mains)
        self._told = (*told, doubtful)
        self._doubtful = doubtful

    def look(self) -> None:
        """Look who is there."""
        for pid in tree.children_of(self._init):
            if pid in self._siblings or pid in self._own:
                continue
            try:
                pidfd = os.pidfd_open(pid)
            except OSError:
                continue
            standing = tree.standing(pid)
            key = None
            if standing is not None and standing.parent == self._init and standing.lives:
                key = self._owner(pid, standing)
            if standing is None or key is None:
                os.close(pidfd)
                continue
            self._siblings[pid] = Sibling(pidfd, key, standing.group == pid)
            self._loop.watch(pidfd, partial(self._gone, pid))

    def of(self, key: Key) -> dict[int, Sibling]:
        """Return those of a replica who were there when we looked last."""
        return {pid: one for pid, one in self._siblings.items() if one.key == key}

    # ------------------------------------------------------------------------------------------------ signals

    def send(self, pid: int, numbers: Iterable[int]) -> None:
        """Send signals to one of them alone."""
        if (one := self._siblings.get(pid)) is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                for number in numbers:
                    signal.pidfd_send_signal(one.pidfd, number)

    def let_go_on(self, key: Key, pid: int, *, group: bool) -> None:
        """Let a process that has stopped, or its group, do what it was told."""
        if tree.is_stopped(pid):
            if group:
                self.send_group(key, pid, [signal.SIGCONT])
            else:
                self.send(pid, [signal.SIGCONT])

    def send_group(self, key: Key, group: int, numbers: Sequence[int]) -> None:
        """Send signals to those of a replica who are in a process group."""
        self._tell(
            key, numbers, lambda pid: (found := tree.standing(pid)) is not None and found.group == group
        )

    def send_tree(self, key: Key, numbers: Sequence[int]) -> None:
        """Send signals to everybody of a replica who was not told before."""
        self.look()
        self._tell(key, numbers, lambda pid: pid not in self._told)

    def tell_again(self, key: Key) -> None:
        """Tell the one of whom nobody knows whether he was told, if he is there still."""
        self._tell(key, TELL, lambda pid: pid == self._doubtful)

    def kill(self, key: Key) -> None:
        """Send SIGKILL to everybody of a replica, those who come to light later too."""
        self._doomed.add(key)
        killed: set[int] = set()
        for _ in range(_ROUNDS):
            self.look()
            told = self._tell(key, [_SIGKILL], lambda pid: pid not in killed)
            if not told:
                break
            killed.update(told)

    def _tell(self, key: Key, numbers: Sequence[int], wanted: Callable[[int], bool]) -> list[int]:
        found = [pid for pid in tree.below(self.of(key)) if wanted(pid)]
        return tree.signal_all(found, numbers, self._marks[key], self._init)

    # ---------------------------------------------------------------------------------------------------- how

    def _gone(self, pid: int) -> None:
        one = self._siblings.pop(pid)
        self._loop.forget(one.pidfd)
        os.close(one.pidfd)
        self.look()
        if one.key in self._doomed:
            self.kill(one.key)  # those who lost their parents to a SIGKILL meant for them too
        self._ended(pid, one.key)

    def _owner(self, pid: int, standing: tree.Standing) -> Key | None:
        mark = tree.mark_of(pid)
        if mark in self._keys:
            return self._keys[mark]
        return self._groups.get(standing.group) or self._groups.get(standing.session)
