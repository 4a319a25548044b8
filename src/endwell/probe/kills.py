"""Whom a call of the kill family wants to signal, and in an approximation what is done instead of the call.

In a PID namespace the call goes on, and the kernel does what it does. In an approximation nothing keeps it
in: `kill -1` would reach everybody else on the machine, and `kill 1` the machine's own PID 1. So the call
goes on only when it reaches exactly whom it would reach inside, and none of them is PID 1 without a handler,
which the kernel would spare. Otherwise we send to those whom it would reach, through their pidfds, and say
to the caller what the kernel would say.
"""

from __future__ import annotations

import errno
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from endwell.model.signals import RTMAX
from endwell.probe import sight
from endwell.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from endwell.machine.glimpses import Stance
    from endwell.probe.roster import Member, Roster
    from endwell.system.seccomp import Notification

CALLS = frozenset({"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"})
_THREAD_LIBRARY = (32, 33)
# What `raise` blocks while it sends: all but KILL and STOP; of the later ones the libraries spare some.
_ALL = 0x7FFFFFFF & ~(1 << 8) & ~(1 << 18)
_PROCESS_GROUP = 1 << 2  # PIDFD_SIGNAL_PROCESS_GROUP


@dataclass(frozen=True, slots=True)
class Kill:
    """Whom a call wants to signal: a process, as the caller numbers it or (`host`) as we do; a group; all.

    `thread`: it names a thread of that process.
    """

    number: int
    process: int = 0
    host: int = 0
    group: int = 0
    everybody: bool = False
    thread: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is a signal, not only a question (0), and not one of the thread library's own."""
        return 1 <= self.number <= RTMAX and self.number not in _THREAD_LIBRARY


@dataclass(frozen=True, slots=True)
class Reached:
    """A process that a call reaches; `spared`: it is PID 1, and the kernel would discard the signal."""

    member: Member
    spared: bool


def wanted(held: Notification, tgid: int) -> Kill | None:
    """Return whom a call of the kill family wants to signal; None when that is nobody."""
    first, second, third = (_signed(number) for number in held.arguments[:3])
    match held.call:
        case "kill" if first == -1:
            return Kill(second, everybody=True)
        case "kill" if first <= 0:
            return Kill(second, group=-first)
        case "kill" | "rt_sigqueueinfo":
            return Kill(second, first)
        case "tkill":
            return Kill(second, first, thread=True)
        case "tgkill" | "rt_tgsigqueueinfo":
            return Kill(third, first, thread=True)
    return _behind_pidfd(sight.behind_pidfd(tgid, first), second, held.arguments[3])


def _behind_pidfd(host: int, number: int, flags: int) -> Kill | None:
    if host <= 0:
        return None
    if flags & _PROCESS_GROUP:
        return Kill(number, group=sight.look(host).groups[-1])
    return Kill(number, host=host)


def targets(members: Roster, caller: Member, kill: Kill, looks: sight.Look) -> Iterator[Member]:
    """Yield the members whom it would reach, whether or not the caller may signal them."""
    if kill.host:
        if (found := members.meet(kill.host, time.monotonic())) is not None:
            yield found
        return
    if kill.process:
        if (found := _process(members, kill.process)) is not None:
            yield found
        return
    depth = members.depth
    group = kill.group or looks.groups[depth]
    for member in members:
        if kill.everybody:
            if member.pid != 1 and member is not caller:
                yield member
            continue
        with suppress(OSError, ValueError, IndexError):
            if sight.look(member.host).groups[depth] == group:
                yield member


def _process(members: Roster, number: int) -> Member | None:
    """Return the process with a number, or of the thread with it."""
    if (found := members.inside(number)) is not None:
        return found
    for member in members:
        for thread in member.threads:
            with suppress(OSError, ValueError, IndexError):
                if sight.look(thread).status.numbers[members.depth] == number:
                    return member
    return None


def unblocked(stance: Stance) -> Stance:
    """Return how somebody stands to a signal that it raises: the C library blocks all of them meanwhile.

    What it blocks by itself does not show then; it is taken for nothing.
    """
    return replace(stance, blocked=0) if stance.blocked & _ALL == _ALL else stance


def instead(kill: Kill, reached: Sequence[Reached], *, refused: bool) -> int | None:
    """Do in an approximation what the kernel would do inside; return the error to answer with, 0 for none.

    None: the call itself may go on.

    Args:
        kill: what is wanted.
        reached: the members whom it reaches.
        refused: whether there are others whom the caller may not signal.
    """
    exact = bool(reached or refused) and not kill.everybody and kill.process != 1
    if exact and not any(one.spared for one in reached):
        return None
    if not reached:
        return errno.EPERM if refused else errno.ESRCH
    for one in reached:
        if not one.spared:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(one.member.pidfd, kill.number)
    return 0


def is_own(kill: Kill, tgid: int) -> bool:
    """Whether a call is about the caller's own process, as the thread library's are, or only asks."""
    if not kill.number:
        return True
    with suppress(OSError, ValueError):
        return sight.look(kill.process).status.tgid == tgid
    return False


def _signed(number: int) -> int:
    """Read an int, of which a register holds more bits than count."""
    return (number & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
