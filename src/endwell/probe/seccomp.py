"""The observer that needs no privileges: seccomp notifications, pidfds and /proc; see system.seccomp.

One thread does it all. A notification holds its caller, so that what is read before the answer is exact; what
nobody calls for, forks and ends, comes from pidfds and from a look every 10 ms. The rest is decided by
`machine.glimpses`, when all is over.
"""

from __future__ import annotations

import math
import os
import select
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from endwell.machine import glimpses
from endwell.machine.glimpses import Became, Left, Sent, Stood
from endwell.model.signals import RTMAX, Signal
from endwell.model.timeline import Fate, Origin, Sender, Witness
from endwell.probe import sight
from endwell.probe.observer import Observation, ObserverError
from endwell.probe.roster import Attempt, Member, Roster
from endwell.system import seccomp
from endwell.system.pidfd import has_ended
from endwell.system.seccomp import Listener, Notification

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

_THREAD_LIBRARY = (32, 33)
_PROCESS_GROUP = 1 << 2  # PIDFD_SIGNAL_PROCESS_GROUP
# How often we look for forks; and how much of the time looking may take, when there are many processes.
_EVERY = 0.01
_SHARE = 5
# How long to look after a signal that its target blocks, which is not even sent at the first look.
_FOLLOW = 0.05
# How long `finish` waits for PID 1 to be collected, which whoever waits for the container has done by then.
_LAST = 1.0
_OUTSIDE = Sender(Origin.OUTSIDE)
_BLIND = (
    "it did not see signals from the kernel, such as those of a broken pipe, a timer or a terminal",
    "it did not see signals from outside the container other than those it was told of",
    "the order of events that are less than 1 ms apart is not certain, and a fork is seen up to 10 ms late",
    "it may have missed a process that executed nothing and was killed by a fault within 10 ms of its fork",
    "signals sent at the same time arrive one after the other; unobserved they may merge, or come too late",
)
_NESTED = "it did not follow signals inside a PID namespace that a program of the container made for itself"
_STATUS = "this kernel tells the exit status of few processes: it needs 6.15 or newer"


@dataclass(frozen=True, slots=True)
class _Kill:
    """Whom a call wants to signal: a process, as the caller numbers it or (`host`) as we do; a group; all."""

    number: int
    process: int = 0
    host: int = 0
    group: int = 0
    everybody: bool = False


class SeccompObserver:
    """Watches a container through a filter that its first process installs; works for everybody."""

    name = "seccomp"

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._glimpses: list[glimpses.Glimpse] = []
        self._members = Roster(self._glimpses.append)
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._bell = os.eventfd(0, os.EFD_CLOEXEC)
        self._listeners: dict[int, Listener] = {}
        self._first: Member | None = None
        self._calls: Notification | None = None
        self._next = 0.0
        self._lost = 0
        self._nested = False
        self._ending = False
        self._thread = threading.Thread(target=self._watch, name="seccomp observer", daemon=True)

    @property
    def listener(self) -> int | None:
        """The socket on which PID 1, and who enters later, sends the listener of its filter."""
        return self._theirs.fileno()

    @property
    def born(self) -> int:
        """How many processes were seen so far."""
        return self._members.met + self._members.refused

    def __enter__(self) -> Self:
        try:
            seccomp.program(os.uname().machine)
        except seccomp.UnknownMachineError as error:
            self._close()
            raise ObserverError(
                f"cannot observe with seccomp: {error.strerror}; run as root, for tracefs"
            ) from error
        for descriptor in (self._ours.fileno(), self._bell):
            self._members.epoll.register(descriptor, select.EPOLLIN)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending = True
        os.eventfd_write(self._bell, 1)
        self._thread.join()
        self._close()

    def _close(self) -> None:
        self._members.close()
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()
        self._ours.close()
        self._theirs.close()
        os.close(self._bell)

    def follow(self, pid: int) -> None:
        """PID 1 is known now: by its number on the host."""
        with self._lock:
            try:
                self._follow(pid)
            except (OSError, ValueError) as error:
                raise ObserverError(
                    f"cannot observe process {pid}: {error}; it may have ended: see what it printed"
                ) from error
        os.eventfd_write(self._bell, 1)

    def _follow(self, pid: int) -> None:
        if self._first is None:
            self._members.follow(pid, time.monotonic())
            self._first = self._members.get(pid)

    def hurry(self) -> None:
        """Look at once: who is there when the stop comes is to be known."""
        with self._lock:
            self._next = 0.0
        os.eventfd_write(self._bell, 1)

    def sent(self, number: int, at: float) -> None:
        """Learn of a signal that is sent to PID 1 from outside, best just before.

        Args:
            number: the signal.
            at: when, in seconds of the monotonic clock.
        """
        with self._lock:
            first, stance, signal = self._first, None, Signal(number)
            if first is None:
                return
            if not first.ended and not has_ended(first.pidfd):
                # It is still to be sent: who has ended or was born by now did so before.
                before = math.nextafter(at, 0.0)
                self._members.attend(before)
                self._members.sweep(before)
                with suppress(OSError, ValueError):
                    stance = sight.stance(first.host, signal)
            self._send(first, signal, _OUTSIDE, stance, at)

    def finish(self) -> Observation:
        """Return everything, when the container has ended."""
        deadline = time.monotonic() + _LAST
        while time.monotonic() < deadline and self._first_is_there():
            # The end of its teardown is on the way; its pidfd says when it is there.
            waiting = select.poll()
            waiting.register(self._members.epoll.fileno(), select.POLLIN)
            waiting.poll(_EVERY * 1000)
        with self._lock:
            self._turn()
            seen = tuple(self._glimpses)
        return Observation(glimpses.events(seen), self._witness(seen))

    def _first_is_there(self) -> bool:
        with self._lock:
            return self._first is not None and self._members.get(self._first.host) is self._first

    def _witness(self, seen: tuple[glimpses.Glimpse, ...]) -> Witness:
        blind = list(_BLIND)
        if missed := self._members.missed:
            blind.append(f"{missed} processes or threads came and went between two looks, and were not seen")
        if self._nested:
            blind.append(_NESTED)
        if any(isinstance(one, glimpses.Collected) and one.status is None for one in seen):
            blind.append(_STATUS)
        return Witness(self.name, self._lost + self._members.refused, tuple(blind))

    # ------------------------------------------------------------------------------------------ the thread

    def _watch(self) -> None:
        waiting = select.poll()
        waiting.register(self._members.epoll.fileno(), select.POLLIN)
        while not self._ending:
            left = max(0.0, self._next - time.monotonic()) * 1000 if len(self._members) else None
            waiting.poll(left)
            with self._lock:
                try:
                    self._turn()
                except Exception:  # noqa: BLE001  a mistake of ours must not hold the program for ever
                    self._lost += 1

    def _turn(self) -> None:
        now = time.monotonic()
        for descriptor, event in self._members.attend(now):
            if descriptor == self._bell:
                os.eventfd_read(self._bell)
            elif descriptor == self._ours.fileno():
                self._accept()
            elif (listener := self._listeners.get(descriptor)) is not None:
                self._serve(listener, event)
        if len(self._members) and now >= self._next:
            self._tick(now)
            took = time.monotonic() - now
            self._next = now + max(_EVERY, _SHARE * took)

    def _accept(self) -> None:
        _, descriptors, _, _ = socket.recv_fds(self._ours, 16, 1)
        for descriptor in descriptors:
            listener = Listener(descriptor)
            self._listeners[descriptor] = listener
            self._members.epoll.register(descriptor, select.EPOLLIN)

    def _tick(self, now: float) -> None:
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
                self._glimpses.append(Stood(now, member.pid, stance, last))

    def _give_up(self, member: Member) -> None:
        """Forget an exec that failed: its thread is in another call, and the image is still the same."""
        if (attempt := member.attempt) is not None:
            with suppress(OSError, ValueError, IndexError):
                call = sight.read(attempt.tid, "syscall").split()[0]
                self._settle_attempt(member, attempt.tid if sight.is_other_than_exec(call) else 0)

    def _settle_attempt(self, member: Member, tid: int = 0) -> None:
        """An exec has succeeded when the image is another; it has failed when its caller goes on without."""
        attempt = member.attempt
        if attempt is None:
            return
        image = sight.image(member.host)
        if image != attempt.image:
            if image[-1] == "0":
                return
            member.attempt = None
            self._glimpses.append(Became(attempt.at, member.pid, _command(member.host, attempt)))
        elif tid == attempt.tid:
            member.attempt = None

    def _serve(self, listener: Listener, event: int) -> None:
        if not event & select.EPOLLIN:
            self._members.epoll.unregister(listener.fileno())
            del self._listeners[listener.fileno()]
            listener.close()
            return
        notification = listener.receive()
        if notification is None:
            return
        before = len(self._glimpses)
        try:
            self._regard(notification, time.monotonic())
        except (OSError, ValueError, IndexError):
            if listener.valid(notification):
                self._lost += 1
        finally:
            if not listener.release(notification):
                # Killed while it was held: it has not done what it wanted to.
                self._glimpses[before:] = [
                    one for one in self._glimpses[before:] if not isinstance(one, Left | Sent)
                ]

    def _regard(self, held: Notification, now: float) -> None:
        status = sight.look(held.tid).status
        tgid = status.tgid
        self._follow(tgid)
        if self._members.get(tgid) is None and (parent := self._members.get(status.ppid)) is not None:
            self._members.find_children(parent, now)  # in the order of their births
        caller = self._members.meet(tgid, now)
        if caller is None:
            raise ProcessLookupError
        self._settle_attempt(caller, held.tid)
        if held.call == "exit_group":
            self._leave(caller, held.arguments[0] & 0xFF, now)
        elif held.call == "execve":
            self._try(caller, held.tid, held.arguments[0], held.arguments[1], now)
        elif held.call == "execveat":
            self._try(caller, held.tid, held.arguments[1], held.arguments[2], now)
        elif (kill := _wanted(held, tgid)) is not None and _counts(kill.number):
            self._kill(caller, kill, now)

    def _leave(self, caller: Member, code: int, now: float) -> None:
        caller.attempt = None
        if caller.pid == 1:
            # Whoever is there now is there to be killed.
            self._tick(now)
            for member in self._members:
                self._settle(member, now, last=True)
        else:
            self._members.find_children(caller, now)
            self._settle(caller, now, last=True)
        self._glimpses.append(Left(now, caller.pid, code))

    def _try(self, caller: Member, tid: int, path: int, argv: int, now: float) -> None:
        caller.attempt = Attempt(
            now, tid, sight.text(tid, path), sight.words(tid, argv), sight.image(caller.host)
        )

    def _kill(self, caller: Member, kill: _Kill, now: float) -> None:
        signal, sender = Signal(kill.number), Sender(Origin.PROCESS, caller.pid)
        self._members.sweep(now)
        looks = sight.look(caller.host)
        if len(caller.numbers) > self._members.depth + 1:
            self._nested = True
            return
        for target in self._targets(caller, kill, looks):
            with suppress(OSError, ValueError):
                if sight.may_signal(looks, sight.look(target.host), kill.number):
                    self._settle(target, now)
                    self._send(target, signal, sender, sight.stance(target.host, signal), now)

    def _targets(self, caller: Member, kill: _Kill, looks: sight.Look) -> Iterator[Member]:
        if kill.host:
            if (found := self._members.meet(kill.host, time.monotonic())) is not None:
                yield found
            return
        if kill.process:
            if (found := self._process(kill.process)) is not None:
                yield found
            return
        depth = self._members.depth
        group = kill.group or looks.groups[depth]
        for member in self._members:
            if kill.everybody:
                if member.pid != 1 and member is not caller:
                    yield member
                continue
            with suppress(OSError, ValueError, IndexError):
                if sight.look(member.host).groups[depth] == group:
                    yield member

    def _process(self, number: int) -> Member | None:
        """Return the process with a number, or of the thread with it."""
        if (found := self._members.inside(number)) is not None:
            return found
        for member in self._members:
            for thread in member.threads:
                with suppress(OSError, ValueError, IndexError):
                    if sight.look(thread).status.numbers[self._members.depth] == number:
                        return member
        return None

    def _send(
        self, target: Member, signal: Signal, sender: Sender, stance: glimpses.Stance | None, at: float
    ) -> None:
        first, outside = target.pid == 1, sender == _OUTSIDE
        open_fates = {Fate.PENDING, Fate.HANDLER}
        if stance is not None and glimpses.fate(signal, stance, first=first, outside=outside) in open_fates:
            target.unsettled = at + _FOLLOW
        self._glimpses.append(Sent(at, target.pid, signal, sender, stance))


def _command(pid: int, attempt: Attempt) -> tuple[str, ...]:
    """Return the command line it has, which names a script's interpreter too.

    But what it asked for, where it has put a title of its own there already.
    """
    words = sight.command(pid)
    tail = (attempt.path, *attempt.argv[1:])
    return words if words[-len(tail) :] == tail else attempt.argv or (attempt.path,)


def _wanted(held: Notification, tgid: int) -> _Kill | None:
    """Return whom a call of the kill family wants to signal; None when that is nobody."""
    first, second, third = (_signed(number) for number in held.arguments[:3])
    match held.call:
        case "kill" if first == -1:
            return _Kill(second, everybody=True)
        case "kill" if first <= 0:
            return _Kill(second, group=-first)
        case "kill" | "tkill" | "rt_sigqueueinfo":
            return _Kill(second, first)
        case "tgkill" | "rt_tgsigqueueinfo":
            return _Kill(third, first)
    return _behind_pidfd(sight.behind_pidfd(tgid, first), second, held.arguments[3])


def _behind_pidfd(host: int, number: int, flags: int) -> _Kill | None:
    if host <= 0:
        return None
    if flags & _PROCESS_GROUP:
        return _Kill(number, group=sight.look(host).groups[-1])
    return _Kill(number, host=host)


def _counts(number: int) -> bool:
    """Whether it is a signal, not only a question (0), and not one of the thread library's own."""
    return 1 <= number <= RTMAX and number not in _THREAD_LIBRARY


def _signed(number: int) -> int:
    """Read an int, of which a register holds more bits than count."""
    return (number & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
