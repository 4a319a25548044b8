"""Who is in a container now, from the first look at a process until it is collected.

A process becomes a member because a notification, a member's list of children, or a member that has it as its
parent names it *and* the kernel says that it is in the container's PID namespace: so no way up leads out of
there. A pidfd is opened before
anything is read, and has to stand for a process that still has its number afterwards: so a number that comes
round never lends one process the looks of another.

In an approximation there is no namespace that tells. There a notification of the filter proves that its
caller is one of ours, since only descendants have it; and a child of a member is a member.
"""

from __future__ import annotations

import os
import select
from contextlib import suppress
from typing import TYPE_CHECKING

from endwell.machine.glimpses import Became, Collected, Ended, Ending, Met
from endwell.probe import sight
from endwell.records import dataclass, field
from endwell.system import limits
from endwell.system.pidfd import exit_status, is_collected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from endwell.machine.glimpses import Glimpse, Stance
    from endwell.probe.attempt import Attempt

# So many files are left to be opened by everybody else: to read what there is, and to end it all.
_SPARE = 64


@dataclass(slots=True)
class Member:
    """One process: its number as we see it, those in each namespace, and what is open about it.

    Something may be pending for it until `unsettled`, and longer if it is seen to be; 0 when nothing is.
    """

    host: int
    numbers: tuple[int, ...]
    pid: int
    pidfd: int
    parent: int
    ended: bool = False
    attempt: Attempt | None = None
    unsettled: float = 0.0
    stood: Stance | None = None
    threads: set[int] = field(default_factory=set)


class Roster:
    """The processes of one container, by the number we see them by.

    Args:
        tell: who takes the glimpses.
    """

    def __init__(self, tell: Callable[[Glimpse], None]) -> None:
        self._tell = tell
        self._members: dict[int, Member] = {}
        self._numbers: set[int] = set()
        self._identity = (0, 0)
        self._first = 0
        self.first: Member | None = None
        self._ending = False
        self.approximate = False
        self.epoll = select.epoll()
        self.depth = 0
        self.met = 0
        self._refused: set[int] = set()
        self._most = 0

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(tuple(self._members.values()))

    @property
    def missed(self) -> int:
        """How many numbers were given out, to threads or processes, that nobody saw."""
        if self.approximate:
            return 0  # others take numbers too
        return max(self._numbers, default=0) - len(self._numbers)

    @property
    def refused(self) -> int:
        """How many processes we cannot follow, because we have as many files open as we may."""
        return len(self._refused)

    def begin(self, first: int, at: float) -> None:
        """Begin with PID 1, unless that is done; one in our own PID namespace is only treated as such."""
        if self.first is not None:
            return
        self._identity = sight.namespace(first)
        self.approximate = self._identity == sight.namespace(os.getpid())
        self._first = first
        self._most = limits.open_files() - _SPARE
        self.depth = len(sight.look(first).status.numbers) - 1
        self.first = self.meet(first, at)

    def get(self, host: int) -> Member | None:
        """Return the member with this number, as we see it."""
        return self._members.get(host)

    def inside(self, pid: int) -> Member | None:
        """Return the member with this number inside."""
        if self.approximate and pid != 1:
            return self._members.get(pid)
        return next((one for one in self if one.pid == pid), None)

    def meet(self, host: int, at: float, *, filtered: bool = False) -> Member | None:
        """Return the member with this number; one not seen before becomes one if the kernel agrees.

        Args:
            host: its number as we see it.
            at: the time.
            filtered: whether it is held by our filter now.
        """
        if (known := self._members.get(host)) is not None:
            return known
        pidfd = self._open(host)
        if pidfd < 0:
            return None
        try:
            examine = self._descends if self.approximate else self._examine
            member = examine(host, pidfd, at, filtered=filtered)
        except (OSError, ValueError):
            member = None
        if member is None:
            os.close(pidfd)
            return None
        self.met += 1
        self._members[host] = member
        self.epoll.register(pidfd, select.EPOLLIN)
        self._tell(Met(at, member.pid, self._inside(member.parent)))
        return member

    def _open(self, host: int) -> int:
        """Return a pidfd; -1 when it has gone, or when there are too many."""
        if host in self._refused:
            return -1
        try:
            pidfd = os.pidfd_open(host)
        except ProcessLookupError:
            return -1
        except OSError:
            self._refused.add(host)
            return -1
        if pidfd < self._most:
            return pidfd
        self._refused.add(host)
        os.close(pidfd)
        return -1

    def _examine(self, host: int, pidfd: int, at: float, *, filtered: bool) -> Member | None:
        del filtered  # the namespace tells
        status = sight.look(host).status
        strange = len(status.numbers) <= self.depth or not sight.within(host, self._identity)
        if strange or is_collected(pidfd):
            return None
        pid = status.numbers[self.depth]
        self._numbers.add(pid)
        if pid != 1 and status.ppid and status.ppid not in self._members:
            self.meet(status.ppid, at)  # refuses whoever is outside
        return Member(host, status.numbers, pid, pidfd, status.ppid)

    def _descends(self, host: int, pidfd: int, _at: float, *, filtered: bool) -> Member | None:
        status = sight.look(host).status
        ours = filtered or host == self._first or status.ppid in self._members
        if not ours or is_collected(pidfd):
            return None
        return Member(host, status.numbers, 1 if host == self._first else host, pidfd, status.ppid)

    def _inside(self, host: int) -> int:
        parent = self._members.get(host)
        return parent.pid if parent else 0

    def find_children(self, member: Member, at: float) -> None:
        """Meet those of its children that are new, and note those that it has adopted."""
        with suppress(OSError, ValueError):
            for host in sorted(sight.children(member.host)):
                known = self._members.get(host)
                if known is None:
                    self.meet(host, at)
                elif known.parent != member.host:
                    self._adopt(known, member.host, at)
            self._count_threads(member)

    def _watch_first(self, at: float) -> None:
        """Tell that PID 1 is on its way out: after somebody is seen to have ended, before that is told.

        So whoever the kernel ends with PID 1 comes behind.
        """
        if not self._ending and sight.is_ending(self._first):
            self._ending = True
            self._tell(Ending(at))

    def _adopt(self, member: Member, parent: int, at: float) -> None:
        self._watch_first(at)
        member.parent = parent
        self._tell(Met(at, member.pid, self._inside(parent)))

    def _count_threads(self, member: Member) -> None:
        now = set(sight.threads(member.host))
        for thread in now - member.threads - {member.host}:
            with suppress(OSError, ValueError, IndexError):
                self._numbers.add(sight.look(thread).status.numbers[self.depth])
        member.threads = now

    def sweep(self, at: float) -> None:
        """Meet everybody who is there."""
        done: set[int] = set()
        while left := [one for one in self if one.host not in done and not one.ended]:
            for member in left:
                done.add(member.host)
                self.find_children(member, at)

    def attend(self, at: float) -> list[tuple[int, int]]:
        """Take note of who has ended or was collected; return the other descriptors that have an event."""
        ready = self.epoll.poll(0)
        if not ready:
            return []
        by_pidfd = {one.pidfd: one for one in self}
        if any(one[0] in by_pidfd for one in ready):
            self._watch_first(at)
        for descriptor, event in ready:
            member = by_pidfd.get(descriptor)
            if member is None:
                continue
            if not member.ended:
                self._end(member, at)
            if event & select.EPOLLHUP:
                self._tell(Collected(at, member.pid, exit_status(member.pidfd)))
                self._forget(member)
        return [one for one in ready if one[0] not in by_pidfd]

    def _end(self, member: Member, at: float) -> None:
        if member.attempt is not None:
            # It left no trace of a failure, which would have been an exit or another call.
            if any(wanted := member.attempt.wanted):
                self._tell(Became(member.attempt.at, member.pid, wanted))
            member.attempt = None
        member.ended = True
        self._tell(Ended(at, member.pid))
        self.epoll.modify(member.pidfd, 0)  # only EPOLLHUP, which is always told
        for orphan in self:
            if orphan.parent == member.host and orphan is not member:
                with suppress(OSError, ValueError):
                    parent = sight.look(orphan.host).status.ppid
                    self.meet(parent, at)
                    self._adopt(orphan, parent, at)

    def _forget(self, member: Member) -> None:
        self.epoll.unregister(member.pidfd)
        os.close(member.pidfd)
        del self._members[member.host]

    def close(self) -> None:
        """Close every pidfd."""
        for member in self:
            self._forget(member)
        self.epoll.close()
