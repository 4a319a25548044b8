"""Makes glimpses of what the members of a container do: what they are held at, and what becomes of it."""

from __future__ import annotations

import errno
import math
from contextlib import suppress
from typing import TYPE_CHECKING

from endwell.machine.fates import fate
from endwell.machine.glimpses import Became, Left, Sent, Stood
from endwell.model.signals import Signal
from endwell.model.timeline import Fate, Origin, Sender
from endwell.probe import kills, sight
from endwell.probe.attempt import Attempt
from endwell.probe.kills import Kill, Reached
from endwell.probe.members import is_foreign

if TYPE_CHECKING:
    from endwell.machine.glimpses import Stance
    from endwell.probe.notebook import Notebook
    from endwell.probe.roster import Member, Roster
    from endwell.system.seccomp import Notification

# How long to look after a signal that its target blocks, which is not even sent at the first look.
_FOLLOW = 0.05


class Recorder:
    """Writes down what members do.

    `nested`: one of them did it in a PID namespace of its own; `foreign`: one is of another word size.

    Args:
        members: who is in the container.
        book: where it is written.
    """

    def __init__(self, members: Roster, book: Notebook) -> None:
        self._members = members
        self._book = book
        self.nested = False
        self.foreign = False

    def regard(self, held: Notification, now: float) -> int | None:
        """Note what somebody who is held wants; return the error to answer with, None: the call may go on.

        Raises:
            OSError: it is none of ours, or has gone; likewise ValueError and IndexError.
        """
        status = sight.look(held.tid).status
        tgid = status.tgid
        self._members.begin(tgid, now)
        if self._members.get(tgid) is None and (parent := self._members.get(status.ppid)) is not None:
            self._members.find_children(parent, now)  # in the order of their births
        elif self._members.get(tgid) is None and self._members.approximate:
            self._members.sweep(now)  # downwards, until its parent is known too
        caller = self._members.meet(tgid, now, filtered=True)
        if caller is None:
            raise ProcessLookupError
        self._settle_attempt(caller, held.tid)
        if held.call == "exit_group":
            self._leave(caller, held.arguments[0] & 0xFF, now)
        elif held.call in {"execve", "execveat"}:
            path, argv = held.arguments[:2] if held.call == "execve" else held.arguments[1:3]
            caller.attempt = Attempt.read(caller.host, held.tid, path, argv, now)
        elif (kill := kills.wanted(held, tgid)) is not None and kill.counts:
            return self._kill(caller, kill, now)
        elif kill is not None and self._members.approximate and not kills.is_own(kill, tgid):
            return errno.ESRCH
        return None

    def send(
        self, target: Member, signal: Signal, sender: Sender, stance: Stance | None, at: float
    ) -> Fate | None:
        """Note a signal to somebody who stands like this; return what becomes of it, None if unknown."""
        found = None
        if stance is not None:
            outside = sender.kind is not Origin.PROCESS
            found = fate(signal, stance, first=target.pid == 1, outside=outside)
            if found in {Fate.PENDING, Fate.HANDLER}:
                target.unsettled = at + _FOLLOW
        self._book.write(Sent(at, target.pid, signal, sender, stance))
        return found

    def look_again(self, now: float) -> None:
        """Look for who is new, and for what has become of all that was open."""
        self._members.sweep(now)
        for member in self._members:
            self._settle(member, now)

    def _settle(self, member: Member, now: float, *, last: bool = False) -> None:
        """Find out what has become of an exec, and of signals that were pending."""
        if member.ended:
            return
        self._give_up(member)
        if member.unsettled:
            with suppress(OSError, ValueError):
                stance = sight.stance(member.host)
                if not stance.pending and now > member.unsettled:
                    member.unsettled = 0.0
                elif not last and stance == member.stood and now > member.unsettled:
                    return  # it says nothing new
                member.stood = stance
                self._book.write(Stood(now, member.pid, stance, last))

    def _give_up(self, member: Member) -> None:
        """Forget an exec that failed: its thread is in another call, and the image is still the same."""
        if (attempt := member.attempt) is not None:
            call = b""
            with suppress(OSError, IndexError):  # another user's call is not ours to see
                call = sight.read(attempt.tid, "syscall").split()[0]
            with suppress(OSError, ValueError, IndexError):
                self._settle_attempt(member, attempt.tid if sight.is_other_than_exec(call) else 0)

    def _settle_attempt(self, member: Member, tid: int = 0) -> None:
        """An exec has succeeded when the image is another; it has failed when its caller goes on without."""
        attempt = member.attempt
        if attempt is None:
            return
        if (words := attempt.succeeded(member.host)) is not None:
            member.attempt = None
            self._book.write(Became(attempt.at, member.pid, words))
            self.foreign = self.foreign or is_foreign(member.host)
        elif attempt.failed(member.host, tid):
            member.attempt = None

    def _leave(self, caller: Member, code: int, now: float) -> None:
        caller.attempt = None
        if caller.pid == 1:
            # From now on the kernel collects, not PID 1; and whoever is there now is there to be killed.
            self._members.attend(math.nextafter(now, 0.0))
            self.look_again(now)
            for member in self._members:
                self._settle(member, now, last=True)
        else:
            self._members.find_children(caller, now)
            self._settle(caller, now, last=True)
        self._book.write(Left(now, caller.pid, code))

    def _kill(self, caller: Member, kill: Kill, now: float) -> int | None:
        signal, sender = Signal(kill.number), Sender(Origin.PROCESS, caller.pid)
        self._members.sweep(now)
        looks = sight.look(caller.host)
        if len(caller.numbers) > self._members.depth + 1:
            self.nested = True
            return None
        reached, refused = list[Reached](), False
        for target in kills.targets(self._members, caller, kill, looks):
            with suppress(OSError, ValueError):
                if sight.may_signal(looks, sight.look(target.host), kill.number):
                    self._settle(target, now)
                    stance = sight.stance(target.host, signal)
                    if kill.thread and target is caller:
                        stance = kills.unblocked(stance)
                    found = self.send(target, signal, sender, stance, now)
                    reached.append(Reached(target, found is Fate.DISCARDED))
                else:
                    refused = True
        return kills.instead(kill, reached, refused=refused) if self._members.approximate else None
