"""Start a program where no PID namespace can be made, as near to PID 1 as an ordinary process comes.

Inside a plain container `unshare` is refused. What is left is the tree of processes:

    we ──fork──► the keeper ──fork──► the first one
                  │ subreaper           │ subreaper, leads a session, waits at the gate, exec
                  │ waits, then ends all that is below it

- The first one is a subreaper, as PID 1 is: orphans below it become its children, and stay zombies if it does
  not collect them.
- The keeper is one too: what is left when the first one has ended becomes the keeper's, which kills it as the
  kernel does at the end of a namespace. It has no other children, so all that is below it is the program's:
  what it kills is its own uncollected child, or descends from one by lists of children and pidfds. It never
  climbs, and no number is ever a target.
- The keeper ends all of it also when we have gone: it waits at a socket whose other end only we hold. It has
  every signal blocked; only SIGKILL gets through, and then the first one's parent-death signal ends that.
- What enters later has a keeper of its own, which also waits for the first one's end.
- What any of them sends by a call passes a seccomp filter, whose listener decides instead of the kernel.
  Without it nothing is started, and calls by another ABI, which it does not understand, fail. What is not
  kept in is a signal that the kernel sends for them, to whomever fcntl's F_SETOWN has named.
- Whoever is not root gets no_new_privs: nobody below may become a user whom we could not kill.

What it cannot do is said in the witness of `probe.approximation`.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from endwell.system.descent import descendants
from endwell.system.fork import fork
from endwell.system.keeper import STATUS, become_keeper
from endwell.system.launch import LaunchError, read_report
from endwell.system.membership import namespace_of
from endwell.system.pidfd import has_ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.system.launch import Launch


class Kept:
    """A program and its keeper: `pid` is its number, and stays its own until `reap` has a status.

    `pidfd` is readable when it has ended: the first one with everything below it, one that entered alone.
    Every call may come from any thread: one may wait for its end while another one brings it about.
    """

    def __init__(self, launch: Launch, *, until: int = -1) -> None:
        """Start it, held before its exec until `release`.

        Args:
            launch: what to start.
            until: a pidfd: everything below the keeper ends with that process. -1: it is the first one.

        Raises:
            LaunchError: a process was refused.
        """
        self._status: int | None = None
        self._sessions: list[Entered] = []
        self._keeper = 0
        self._main = self._done = self.pidfd = -1
        self._orders = self._statuses = self._gate = self._report = -1
        # One who collects it, and nobody who signals through a descriptor that is being closed.
        self._reaping = threading.Lock()
        self._sending = threading.Lock()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._start(launch, until)
        except OSError as error:
            self.end()
            if isinstance(error, LaunchError):
                raise
            raise LaunchError("prepare", error.errno or errno.EIO) from error
        except BaseException:
            self.end()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        self.pidfd = self._done if until < 0 else self._main
        self.identity = namespace_of("self") or (0, 0)

    def _start(self, launch: Launch, until: int) -> None:
        # When this is left none of the keeper's ends is ours any more: the silence of a keeper that has
        # ended is what `reap` understands.
        with ExitStack() as inner:
            statuses, report, gate, orders = self._connect(inner)
            self._keeper = fork()
            if not self._keeper:
                outer = (self._orders, self._statuses, self._report, self._gate)
                become_keeper(launch, (report, gate, statuses, orders), outer, until)
        self._done = os.pidfd_open(self._keeper)
        self.pid = int(read_report(self._report, until_end=False))
        # It cannot be collected before the gate is opened: it waits there.
        self._main = os.pidfd_open(self.pid)

    def _connect(self, inner: ExitStack) -> tuple[int, int, int, int]:
        """Make what we and the keeper talk over; the ends that it gets are closed with the stack."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._orders, orders = ours.detach(), theirs.detach()
        inner.callback(os.close, orders)
        self._statuses, statuses = os.pipe2(os.O_CLOEXEC)
        inner.callback(os.close, statuses)
        self._report, report = os.pipe2(os.O_CLOEXEC)
        inner.callback(os.close, report)
        gate, self._gate = os.pipe2(os.O_CLOEXEC)
        inner.callback(os.close, gate)
        return statuses, report, gate, orders

    @property
    def closed(self) -> bool:
        """Whether nothing of it remains."""
        return not self._keeper

    def release(self) -> None:
        """Let it, held so far, go on to its exec."""
        gate, self._gate = self._gate, -1
        try:
            with suppress(BrokenPipeError):  # killed while it was held: its status says so
                os.write(gate, b"\n")
        finally:
            os.close(gate)

    def confirm(self) -> None:
        """Return when it has become the command; raise LaunchError when it could not."""
        report, self._report = self._report, -1
        try:
            read_report(report, until_end=True)
        except OSError:
            self.close()
            raise
        finally:
            os.close(report)

    def send(self, number: int) -> None:
        """Send it a signal; one that has ended is no error."""
        with self._sending:
            if self._status is None and self._main >= 0:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._main, number)

    def reap(self, *, block: bool = True) -> int | None:
        """Return its exit code, negative its signal, or None while it runs and `block` is false."""
        if not self._reaping.acquire(blocking=block):
            return None
        try:
            if self._status is None and self._statuses >= 0:
                poll = select.poll()
                poll.register(self._statuses, select.POLLIN)
                if block or poll.poll(0):
                    told = os.read(self._statuses, STATUS.size)
                    # Silence: the keeper was killed, and the first one with it.
                    self._status = (
                        os.waitstatus_to_exitcode(STATUS.unpack(told)[0]) if told else -signal.SIGKILL
                    )
            return self._status
        finally:
            self._reaping.release()

    def members(self) -> tuple[int, ...]:
        """Return the processes there are now: for looking at, not for killing."""
        with self._sending:
            below = tuple(pid for pid, _ in descendants(self._keeper)) if self._keeper else ()
        return below + tuple(pid for session in self._sessions for pid in session.members())

    def enter(self, launch: Launch, entering: Callable[[int], object] | None = None) -> Entered:
        """Start another process beside it, as `docker exec` does; see `Namespace.enter`."""
        with self._sending:
            if self._main < 0 or has_ended(self._main):
                raise LaunchError("enter", errno.ESRCH)
            # One of our own: it may be closed meanwhile.
            first = os.dup(self._main)
        try:
            self._sessions = [session for session in self._sessions if not session.over()]
            session = Entered(launch, until=first)
        finally:
            os.close(first)
        self._sessions.append(session)
        if entering is not None:
            entering(session.pid)
        session.release()
        session.confirm()
        return session

    def close(self) -> None:
        """End it with SIGKILL, and all that is below its keeper, and wait until they are gone."""
        for session in self._sessions:
            session.end()
        self.end()

    def end(self) -> None:
        """Give the order to end, and wait until it is done."""
        with self._sending:
            self._let_go("_orders", "_gate", "_report")
        # Whoever else waits for it now gets its answer.
        self.reap()
        with self._reaping, self._sending:
            if self._keeper:
                os.waitpid(self._keeper, 0)
                self._keeper = 0
            self._let_go("_done", "_main", "_statuses")
            self.pidfd = -1

    def _let_go(self, *names: str) -> None:
        for name in names:
            descriptor = getattr(self, name)
            if descriptor >= 0:
                setattr(self, name, -1)
                os.close(descriptor)

    def __del__(self) -> None:
        self.end()


class Entered(Kept):
    """A program beside the first one: what it leaves behind goes on, as in a container, until that ends."""

    def close(self) -> None:
        """End the program alone with SIGKILL if it still runs."""
        self.send(signal.SIGKILL)
        self.reap()

    def over(self) -> bool:
        """Whether nothing of it remains; let go of it then."""
        with self._sending:
            if self._status is None or (self._keeper and not has_ended(self._done)):
                return False
        self.end()
        return True
