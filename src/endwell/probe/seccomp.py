"""The observer that needs no privileges: seccomp notifications, pidfds and /proc; see system.seccomp.

One thread does it all. A notification holds its caller, so that what is read before the answer is exact; what
nobody calls for, forks and ends, comes from pidfds and from a look every 10 ms. The rest is decided by
`machine.glimpses`, when all is over.
"""

from __future__ import annotations

import errno
import math
import os
import select
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from endwell.machine.deduction import events
from endwell.machine.glimpses import Collected
from endwell.model.signals import Signal
from endwell.model.timeline import Origin, Sender, Witness
from endwell.probe import approximation, kills, sight
from endwell.probe.notebook import Notebook
from endwell.probe.observer import NO_THREAD, Observation, ObserverError
from endwell.probe.recorder import Recorder
from endwell.probe.roster import Roster
from endwell.system import limits, seccomp
from endwell.system.pidfd import has_ended
from endwell.system.seccomp import Listener

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from endwell.machine.glimpses import Glimpse

# How often we look for forks; and how much of the time looking may take, when there are many processes.
_EVERY = 0.01
_SHARE = 5
# How long `finish` waits for PID 1 to be collected, which whoever waits for the container has done by then.
_LAST = 1.0
_OUTSIDE = Sender(Origin.OUTSIDE)
_BLIND = (
    "it did not see signals from the kernel, such as those of a broken pipe, a timer or a terminal",
    "it did not see signals from outside the container other than those it was told of",
    "the order of events that are less than 1 ms apart is not certain, and a fork is seen up to 10 ms late",
    "it may have missed a process that executed nothing and was killed by a fault within 10 ms of its fork",
    "signals sent at the same time arrive one after the other; unobserved they may merge, or come too late",
    "a program that signals without end is slowed down by it, and may end otherwise than unobserved",
)
_NESTED = "it did not follow signals inside a PID namespace that a program of the container made for itself"
_FOREIGN = "it did not see what 32-bit programs execute and whom they signal"
_STATUS = "this kernel tells the exit status of few processes: it needs 6.15 or newer"


class SeccompObserver:
    """Watches a container through a filter that its first process installs; works for everybody."""

    name = "seccomp"

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._book = Notebook()
        self._members = Roster(self._book.write)
        self._recorder = Recorder(self._members, self._book)
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._bell = os.eventfd(0, os.EFD_CLOEXEC)
        self._listeners: dict[int, Listener] = {}
        self._next = 0.0
        self._lost = 0
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
        limits.raise_open_files()
        for descriptor in (self._ours.fileno(), self._bell):
            self._members.epoll.register(descriptor, select.EPOLLIN)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._close()
            limits.restore_open_files()
            raise ObserverError(NO_THREAD.format(self.name)) from error
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending = True
        os.eventfd_write(self._bell, 1)
        self._thread.join()
        self._close()
        limits.restore_open_files()

    def _close(self) -> None:
        self._members.close()
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()
        self._ours.close()
        self._theirs.close()
        os.close(self._bell)

    def follow(self, pid: int, argv: Sequence[str] = ()) -> None:
        """PID 1 is known now: by its number on the host; what it executes is read while it is held."""
        del argv
        with self._lock:
            try:
                self._members.begin(pid, time.monotonic())
            except (OSError, ValueError) as error:
                raise ObserverError(
                    f"cannot observe process {pid}: {error}; it may have ended: see what it printed"
                ) from error
        os.eventfd_write(self._bell, 1)

    def entered(self, pid: int, argv: Sequence[str]) -> None:
        """Do nothing: what a command inside executes is read while it is held."""

    def hurry(self) -> None:
        """Look at once: who is there when the stop comes is to be known."""
        with self._lock:
            self._next = 0.0
            self._attempt_turn()

    def sent(self, number: int, at: float) -> None:
        """Learn of a signal that is sent to PID 1 from outside, best just before.

        Args:
            number: the signal.
            at: when, in seconds of the monotonic clock.
        """
        with self._lock:
            first, stance, signal = self._members.first, None, Signal(number)
            if first is None:
                return
            if not first.ended and not has_ended(first.pidfd):
                # It is still to be sent: who has ended or was born by now did so before; but not before
                # what the thread has seen while we waited for it.
                before = max(math.nextafter(at, 0.0), self._book.latest)
                self._members.attend(before)
                self._members.sweep(before)
                with suppress(OSError, ValueError):
                    stance = sight.stance(first.host, signal)
            self._recorder.send(first, signal, _OUTSIDE, stance, at)

    def finish(self) -> Observation:
        """Return everything, when the container has ended."""
        deadline = time.monotonic() + _LAST
        while time.monotonic() < deadline and self._first_is_there():
            # The end of its teardown is on the way; its pidfd says when it is there.
            waiting = select.poll()
            waiting.register(self._members.epoll.fileno(), select.POLLIN)
            waiting.poll(_EVERY * 1000)
        with self._lock:
            self._attempt_turn()
            seen = self._book.read()
        return Observation(events(seen), self._witness(seen))

    def _first_is_there(self) -> bool:
        with self._lock:
            first = self._members.first
            return first is not None and self._members.get(first.host) is first

    def _witness(self, seen: tuple[Glimpse, ...]) -> Witness:
        approximate = self._members.approximate
        blind = [*(approximation.blind() if approximate else ()), *_BLIND]
        if missed := self._members.missed:
            blind.append(f"{missed} processes or threads came and went between two looks, and were not seen")
        if self._recorder.nested:
            blind.append(_NESTED)
        if self._recorder.foreign and not approximate:
            blind.append(_FOREIGN)
        if any(isinstance(one, Collected) and one.status is None for one in seen):
            blind.append(_STATUS)
        lost = self._lost + self._members.refused + self._book.lost
        return Witness(approximation.NAME if approximate else self.name, lost, tuple(blind))

    # ------------------------------------------------------------------------------------------ the thread

    def _watch(self) -> None:
        waiting = select.poll()
        waiting.register(self._members.epoll.fileno(), select.POLLIN)
        while not self._ending:
            left = max(0.0, self._next - time.monotonic()) * 1000 if len(self._members) else None
            waiting.poll(left)
            with self._lock:
                self._attempt_turn()

    def _attempt_turn(self) -> None:
        try:
            self._turn()
        except Exception:  # noqa: BLE001  a mistake of ours must not hold the program for ever
            self._lost += 1

    def _turn(self) -> None:
        for descriptor, event in self._members.attend(time.monotonic()):
            if descriptor == self._bell:
                os.eventfd_read(self._bell)
            elif descriptor == self._ours.fileno():
                self._accept()
            elif (listener := self._listeners.get(descriptor)) is not None:
                self._serve(listener, event)
        # Read again: what is seen now may have come of a call that was let go on just now, not before it.
        if len(self._members) and (now := time.monotonic()) >= self._next:
            self._recorder.look_again(now)
            took = time.monotonic() - now
            self._next = now + max(_EVERY, _SHARE * took)

    def _accept(self) -> None:
        _, descriptors, _, _ = socket.recv_fds(self._ours, 16, 1)
        for descriptor in descriptors:
            listener = Listener(descriptor)
            self._listeners[descriptor] = listener
            self._members.epoll.register(descriptor, select.EPOLLIN)

    def _serve(self, listener: Listener, event: int) -> None:
        if not event & select.EPOLLIN:
            self._members.epoll.unregister(listener.fileno())
            del self._listeners[listener.fileno()]
            listener.close()
            return
        notification = listener.receive()
        if notification is None:
            return
        place = self._book.place
        # Where nothing else keeps it in, a call that we do not understand must not go on.
        kept_in = not self._members.approximate or notification.call not in kills.CALLS
        answer = None if kept_in else errno.ESRCH
        try:
            answer = self._recorder.regard(notification, time.monotonic())
        except (OSError, ValueError, IndexError):
            if listener.valid(notification):
                self._lost += 1
        finally:
            if answer is not None:
                listener.answer(notification, answer)
            elif not listener.release(notification):
                # Killed while it was held: it has not done what it wanted to.
                self._book.withdraw(place)
