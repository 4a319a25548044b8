"""Start one more process in a running container, the way `docker exec` does.

    we ──fork──► the middle one: setns(user, mount, pid), fork ──────────► the entering one
                   │ tells its pid, stays, collects it, tells its status      │ waits at the gate, exec

The middle one stays, unlike the one that starts PID 1. A namespace has ended only when all its processes have
been collected: one whose parent is outside and does not look would keep a dead PID 1 from being reported for
as long as it pleases. The middle one does nothing but look. It ends with us by its parent-death signal, the
entering one with it, and has every signal blocked, so that nothing but SIGKILL gets between.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import struct
import threading
from typing import TYPE_CHECKING

from endwell.system import libc
from endwell.system.fork import fork
from endwell.system.launch import Inside, Launch, away, read_report

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

_STATUS = struct.Struct("i")


class Session:
    """A process that entered: `pid` is its number outside, and stays its own until `reap` has a status.

    `pidfd` becomes readable when it has ended. Every call may come from any thread: one may wait for its end
    while another one brings it about.
    """

    def __init__(self, pid: int, pidfd: int, middle: int, statuses: int) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self._middle = middle
        self._statuses = statuses
        self._status: int | None = None
        # One who collects it, and nobody who signals through a descriptor that is being closed.
        self._reaping = threading.Lock()
        self._sending = threading.Lock()

    @property
    def closed(self) -> bool:
        """Whether nothing of it remains."""
        return self.pidfd < 0

    def send(self, number: int) -> None:
        """Send it a signal from outside; one that has ended is no error."""
        with self._sending:
            if self._status is None and self.pidfd >= 0:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self.pidfd, number)

    def reap(self, *, block: bool = True) -> int | None:
        """Return its exit code, negative its signal, or None while it runs and `block` is false."""
        if not self._reaping.acquire(blocking=block):
            return None
        try:
            if self._status is None:
                self._collect(block=block)
            return self._status
        finally:
            self._reaping.release()

    def close(self) -> None:
        """End it with SIGKILL if it still runs; may be called more than once."""
        self.send(signal.SIGKILL)
        self.reap()
        with self._sending:
            if self.pidfd >= 0:
                os.close(self._statuses)
                os.close(self.pidfd)
                self.pidfd = self._statuses = -1

    def _collect(self, *, block: bool) -> None:
        poll = select.poll()
        poll.register(self._statuses, select.POLLIN)
        if block or poll.poll(0):
            told = os.read(self._statuses, _STATUS.size)
            # Silence: the middle one was killed, and its child with it.
            self._status = os.waitstatus_to_exitcode(_STATUS.unpack(told)[0]) if told else -signal.SIGKILL
            os.waitpid(self._middle, 0)

    def __del__(self) -> None:
        self.close()


def enter(first: int, launch: Launch, entering: Callable[[int], object] | None = None) -> Session:
    """Start a process in the namespaces of the one behind the pidfd `first`; see `Namespace.enter`."""
    report, report_inside = os.pipe2(os.O_CLOEXEC)
    gate_inside, gate = os.pipe2(os.O_CLOEXEC)
    statuses, statuses_inside = os.pipe2(os.O_CLOEXEC)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    middle, session = 0, None
    try:
        middle = fork()
        if not middle:
            _become_middle(first, launch, (report_inside, gate_inside, statuses_inside), gate)
        os.close(report_inside)
        os.close(statuses_inside)
        report_inside = statuses_inside = -1
        pid = int(read_report(report, until_end=False))
        session = Session(pid, os.pidfd_open(pid), middle, statuses)
        if entering is not None:
            entering(pid)
        os.write(gate, b"\n")
        read_report(report, until_end=True)
    except BaseException:
        os.close(gate)
        gate = -1
        if session is not None:
            session.close()
        else:
            os.close(statuses)
            if middle:
                os.waitpid(middle, 0)
        raise
    else:
        return session
    finally:
        for descriptor in (report, report_inside, gate, gate_inside, statuses_inside):
            if descriptor >= 0:
                os.close(descriptor)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _become_middle(first: int, launch: Launch, pipes: tuple[int, int, int], outside: int) -> NoReturn:
    report, gate, statuses = pipes

    def work(inside: Inside) -> None:
        libc.set_parent_death_signal(signal.SIGKILL)
        inside.step = "enter"
        _join(first)
        entering = os.fork()
        if entering:
            inside.tell(str(entering))
            telling = away(statuses)
            libc.close_from(3, telling - 1)
            libc.close_from(telling + 1)
            _, status = os.waitpid(entering, 0)
            os.write(telling, _STATUS.pack(status))
            os._exit(0)
        inside.step = "prepare"
        os.setsid()
        inside.wait_at_the_gate()
        inside.become()

    try:
        # Only our caller may hold the outer end: its death must open the gate.
        os.close(outside)
        inside = Inside.take(launch, gate, report)
    except BaseException:  # noqa: BLE001  whatever it is must not go on in a copy of the caller
        os._exit(1)
    inside.guarded(work)


def _join(first: int) -> None:
    user = 0 if not os.geteuid() else libc.CLONE_NEWUSER
    try:
        libc.setns(first, user | libc.CLONE_NEWPID | libc.CLONE_NEWNS)
    except OSError as error:
        # A dead namespace: the kernel says ESRCH, or that there is no such thing to be had.
        raise OSError(errno.ESRCH if error.errno == errno.ENOENT else error.errno or 0, "") from None
