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
- Whoever is not root gets no_new_privs: nobody below may become a user whom we could not kill.

What it cannot do is said in the witness of `probe.approximation`.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import struct
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from endwell.system import libc
from endwell.system.descent import children, descendants
from endwell.system.launch import Inside, Launch, LaunchError, away, read_report
from endwell.system.membership import namespace_of
from endwell.system.pidfd import has_ended, wait_for_end

if TYPE_CHECKING:
    from typing import NoReturn

_STATUS = struct.Struct("i")
# How often a keeper looks, in ms, whether those whom its program has left behind have ended.
_LOOK = 50


class Kept:
    """A program and its keeper: `pid` is its number, and stays its own until `reap` has a status.

    `pidfd` is readable when it has ended: the first one with everything below it, one that entered alone.
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
        self._keeper = self._main = self._done = self._gate = self._report = -1
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._statuses, statuses = os.pipe2(os.O_CLOEXEC)
        self._report, report = os.pipe2(os.O_CLOEXEC)
        gate, self._gate = os.pipe2(os.O_CLOEXEC)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            with warnings.catch_warnings():
                # As in system.namespace: the child is made single-threaded by os.fork, and only prepares.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._keeper = os.fork()
            if not self._keeper:
                _become_keeper(launch, (report, gate, statuses, theirs.fileno()), self._outer(), until)
            self._done = os.pidfd_open(self._keeper)
            os.close(report)
            report = -1
            self.pid = int(read_report(self._report, until_end=False))
            # It cannot be collected before the gate is opened: it waits there.
            self._main = os.pidfd_open(self.pid)
        except BaseException:
            self.end()
            raise
        finally:
            for descriptor in (report, gate, statuses):
                if descriptor >= 0:
                    os.close(descriptor)
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        self.pidfd = self._done if until < 0 else self._main
        self.identity = namespace_of("self") or (0, 0)

    def _outer(self) -> tuple[int, ...]:
        return (self._orders.fileno(), self._statuses, self._report, self._gate)

    @property
    def closed(self) -> bool:
        """Whether nothing of it remains."""
        return self._done < 0

    def release(self) -> None:
        """Let it, held so far, go on to its exec."""
        gate, self._gate = self._gate, -1
        os.write(gate, b"\n")
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
        if self._status is None and self._main >= 0:
            try:
                signal.pidfd_send_signal(self._main, number)
            except ProcessLookupError:
                return

    def reap(self, *, block: bool = True) -> int | None:
        """Return its exit code, negative its signal, or None while it runs and `block` is false."""
        if self._status is None and self._done >= 0:
            poll = select.poll()
            poll.register(self._statuses, select.POLLIN)
            if block or poll.poll(0):
                told = os.read(self._statuses, _STATUS.size)
                # Silence: the keeper was killed, and the first one with it.
                self._status = os.waitstatus_to_exitcode(_STATUS.unpack(told)[0]) if told else -signal.SIGKILL
        return self._status

    def members(self) -> tuple[int, ...]:
        """Return the processes there are now: for looking at, not for killing."""
        if self._done < 0:
            return ()
        below = tuple(pid for pid, _ in descendants(self._keeper))
        return below + tuple(pid for session in self._sessions for pid in session.members())

    def enter(self, launch: Launch) -> Entered:
        """Start another process beside it, as `docker exec` does; see `Namespace.enter`."""
        if self._main < 0 or has_ended(self._main):
            raise LaunchError("enter", errno.ESRCH)
        self._sessions = [session for session in self._sessions if not session.over()]
        session = Entered(launch, until=self._main)
        self._sessions.append(session)
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
        self._orders.close()
        for name in ("_gate", "_report"):
            if getattr(self, name) >= 0:
                os.close(getattr(self, name))
                setattr(self, name, -1)
        if self._done >= 0:
            self.reap()
            os.waitpid(self._keeper, 0)
            os.close(self._done)
            self._done = self.pidfd = -1
        if self._main >= 0:
            os.close(self._main)
            self._main = -1
        if self._statuses >= 0:
            os.close(self._statuses)
            self._statuses = -1

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
        if self._status is None or not has_ended(self._done):
            return False
        self.end()
        return True


def _become_keeper(
    launch: Launch, pipes: tuple[int, int, int, int], outer: tuple[int, ...], until: int
) -> NoReturn:
    report, gate, statuses, orders = pipes

    def work(inside: Inside) -> None:
        inside.step = "become a subreaper"
        libc.set_child_subreaper()
        if os.geteuid():
            libc.set_no_new_privileges()
        inside.step = "fork"
        main = os.fork()
        if main:
            inside.tell(str(main))
            _keep(main, away(statuses), away(orders), until if until < 0 else away(until))
            os._exit(0)
        inside.step = "prepare"
        libc.set_child_subreaper()
        os.setsid()
        inside.wait_at_the_gate()
        inside.become()

    try:
        # Only our caller may hold the outer ends: its death must open the gate, and is the order to end.
        for descriptor in outer:
            os.close(descriptor)
        inside = Inside.take(replace(launch, listener_needed=False), gate, report)
    except BaseException:  # noqa: BLE001  whatever it is must not go on in a copy of the caller
        os._exit(1)
    inside.guarded(work)


def _keep(main: int, statuses: int, orders: int, until: int) -> None:
    """Wait for the end of the first one, or an order, or the end of `until`; then end what is left."""
    pidfd = os.pidfd_open(main)
    kept = {statuses, orders, pidfd, until}
    for first, last in _between(sorted(kept - {-1})):
        libc.close_from(first, last)
    poll = select.poll()
    for descriptor in kept - {statuses, -1}:
        poll.register(descriptor, select.POLLIN)
    ended = {descriptor for descriptor, _ in poll.poll()}
    if until >= 0 and ended == {pidfd}:
        # One that entered has ended; those it has left behind go on, as in a container.
        os.write(statuses, _STATUS.pack(os.waitpid(main, 0)[1]))
        poll.unregister(pidfd)
        while not poll.poll(_LOOK):
            if not _collect():
                return
        end_descendants()
        return
    if pidfd not in ended:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        # Only when it has ended are its children ours.
        wait_for_end(pidfd)
    # The last one to be collected, as PID 1 is.
    end_descendants(last=main)
    os.write(statuses, _STATUS.pack(os.waitpid(main, 0)[1]))


def _collect() -> bool:
    """Collect who has ended; whether there is somebody left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def end_descendants(last: int = 0) -> None:
    """Kill everybody below us and collect all of our children but `last`, which has to have ended.

    Those whom we may not signal are left alone: they have become somebody else, which only root can.
    """
    us, refused = os.getpid(), set[int]()
    while left := children(us) - {last} - refused:
        killed = set[int]()
        # The children come first: even where there are more than we may open, each turn ends some.
        for pid, pidfd in descendants(us):
            try:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            except PermissionError:
                refused.add(pid)
            except ProcessLookupError:  # its own parent has collected it just now
                pass
            else:
                killed.add(pid)
        for child in left & killed:
            os.waitpid(child, 0)


def _between(kept: list[int]) -> list[tuple[int, int]]:
    """Return the ranges of descriptors from 3 on that are not kept."""
    starts = [3, *(descriptor + 1 for descriptor in kept)]
    ends = [*(descriptor - 1 for descriptor in kept), 0xFFFFFFFF]
    return [(first, last) for first, last in zip(starts, ends, strict=True) if first <= last]
