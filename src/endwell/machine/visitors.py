"""Who comes into a container from outside, as `docker exec` does: known by the way that is taken.

A process joins a PID namespace and forks; that child is inside, and executes. Which namespace it is only
/proc tells. At the child's birth there is time for that, since the engine has much to do before it executes;
its program may be over within a millisecond. One whom we send in ourselves waits until its number is noted;
any other who had gone before anybody looked is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

CLONE_NEWPID = 0x20000000


class Visit(NamedTuple):
    """One whom we have sent in: at an instant before it executed, and its number inside."""

    at: float
    number: int


class Visitors:
    """Those who came into some container; `overlooked` counts who had gone before it was known which.

    `sent` are those of ours, by numbers on the host.
    """

    def __init__(self, sent: Mapping[int, Visit]) -> None:
        self.overlooked = 0
        self._sent = sent
        self._joined: set[int] = set()
        self._inside: dict[int, int | None] = {}

    def join(self, tid: int, kind: int) -> None:
        """Note a setns: what a thread forks from now on is in another PID namespace."""
        if not kind or kind & CLONE_NEWPID:
            self._joined.add(tid)

    def fork(self, tid: int, child: int) -> bool:
        """Note a birth, a number meant another one before; return whether it is that of a visitor."""
        self._joined.discard(child)
        self._inside.pop(child, None)
        if tid not in self._joined:
            return False
        self._inside[child] = None
        return True

    def know(self, tid: int, number: int | None) -> None:
        """Take the number inside of one who is in the right container; None: it is in another one."""
        if number is None:
            self._inside.pop(tid, None)
        elif tid in self._inside:
            self._inside[tid] = number

    def number(self, at: float, tid: int) -> int | None:
        """Return the number inside of one who executes, if it is known to be in the container."""
        ours = self._sent.get(tid) if tid in self._inside else None
        return ours.number if ours is not None and ours.at <= at else self._inside.get(tid)

    def lose(self, tid: int) -> None:
        """Note that one who executed has gone."""
        self.overlooked += tid in self._inside
