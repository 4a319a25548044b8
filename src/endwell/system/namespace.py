"""Start a program as PID 1 of a fresh PID namespace, the way a container engine does.

Three processes take part:

    we ──fork──► the middle one: unshare(user?, mount, pid), clone with CLONE_PARENT ──► the first one
     │                │ tells its pid and ends                                                │
     ▼                ▼                                                                       ▼
    open a pidfd on the first one, let the observers attach, open the gate ──────► mount /proc, wait, exec

- The middle one is needed because `unshare` moves the future children of its caller, and for a user namespace
  the caller itself, for good. It is forked by `system.fork`, which puts libc's and Python's locks in order
  even when other threads run, so that it has one thread and may call clone3 directly.
- CLONE_PARENT makes the first one *our* child: nobody has to relay its exit status, and runc does the same.
- Every signal is blocked from before the fork until just before the exec. Otherwise a Ctrl-C would raise
  KeyboardInterrupt in a copy of the caller's program, which would then unwind its own clean-up a second time.
- The first one waits at a pipe whose other end only we hold. If we die before the gate opens it reads the end
  of the file and leaves; if we die later its parent-death signal ends it, and with it the kernel ends the
  namespace.
- A failure comes back over a close-on-exec pipe as "step errno"; the end of that pipe says that exec has
  succeeded.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.records import dataclass, field
from endwell.system import libc
from endwell.system.enter import Session, enter
from endwell.system.fork import fork
from endwell.system.launch import Inside, Launch, LaunchError, read_report
from endwell.system.membership import members, namespace_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

__all__ = ["Launch", "LaunchError", "Namespace", "Session", "hold"]


_MOUNTED = "mounted"


@dataclass(slots=True)
class Namespace:
    """A PID namespace of our own and the process that is PID 1 in it; ends with the object.

    `pid` is PID 1's number as seen from outside; it stays its own until `reap` has returned a status. The
    thread that called `hold` must outlive the namespace: the kernel counts its end as our death. Other calls
    may come from any thread: one may wait for its end while another one brings it about.
    """

    pid: int
    pidfd: int
    identity: tuple[int, int]
    _gate: int
    _report: int
    _status: int | None = field(default=None, init=False)
    _sessions: list[Session] = field(default_factory=list, init=False)
    # One who collects it, and nobody who signals through a descriptor that is being closed.
    _reaping: threading.Lock = field(default_factory=threading.Lock, init=False)
    _sending: threading.Lock = field(default_factory=threading.Lock, init=False)

    def release(self) -> None:
        """Let PID 1, held so far, go on to its exec."""
        gate, self._gate = self._gate, -1
        os.write(gate, b"\n")
        os.close(gate)

    def confirm(self) -> None:
        """Return when PID 1 has become the command; raise LaunchError when it could not."""
        report, self._report = self._report, -1
        try:
            read_report(report, until_end=True)
        except LaunchError:
            self.close()
            raise
        finally:
            os.close(report)

    def send(self, number: int) -> None:
        """Send a signal to PID 1 alone, from outside; a PID 1 that has ended is no error."""
        with self._sending:
            if self._status is None and self.pidfd >= 0:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self.pidfd, number)

    def reap(self, *, block: bool = True) -> int | None:
        """Return PID 1's exit code, negative its signal, or None while it runs and `block` is false."""
        if not self._reaping.acquire(blocking=block):
            return None
        try:
            if self._status is None:
                options = os.WEXITED | (0 if block else os.WNOHANG)
                ended = os.waitid(os.P_PIDFD, self.pidfd, options)
                if ended is not None:
                    exited = ended.si_code == os.CLD_EXITED
                    self._status = ended.si_status if exited else -ended.si_status
            return self._status
        finally:
            self._reaping.release()

    def members(self) -> tuple[int, ...]:
        """Return the processes in the namespace now, by outside numbers: for looking at, not for killing."""
        return members(self.identity)

    def enter(self, launch: Launch, entering: Callable[[int], object] | None = None) -> Session:
        """Start another process in the namespace, as `docker exec` does; returns when it has been exec'd.

        It is no child of PID 1, leads a session of its own, and ends with the namespace and with the thread
        that called. It is collected at once when it ends, so that it never holds the namespace's end up.
        `entering` is called with its number outside before it executes.

        Raises:
            LaunchError: PID 1 has ended (step `enter`), or the command cannot be executed.
        """
        self._sessions = [session for session in self._sessions if not session.closed]
        with self._sending:
            if self.pidfd < 0:
                raise LaunchError("enter", errno.ESRCH)
            # One of our own: it may be closed meanwhile.
            first = os.dup(self.pidfd)
        try:
            session = enter(first, launch, entering)
        finally:
            os.close(first)
        self._sessions.append(session)
        return session

    def close(self) -> None:
        """End PID 1 with SIGKILL, and so all processes of the namespace, and wait until they are gone."""
        with self._sending:
            for descriptor in (self._gate, self._report):
                if descriptor >= 0:
                    os.close(descriptor)
            self._gate = self._report = -1
        self.send(signal.SIGKILL)
        self.reap()
        with self._reaping, self._sending:
            if self.pidfd >= 0:
                os.close(self.pidfd)
                self.pidfd = -1
        for session in self._sessions:
            session.close()

    def __del__(self) -> None:
        self.close()


def hold(launch: Launch) -> Namespace:
    """Make a fresh PID and mount namespace whose PID 1 is ready to exec the command and waits for `release`.

    As root the user namespace stays the caller's; otherwise a new one maps the caller to root. PID 1 leads a
    session of its own, has every signal at its default action and none blocked, umask 022 and no descriptors
    but 0, 1, 2.

    Raises:
        LaunchError: a namespace, the mapping of users or a process was refused.
    """
    report, report_inside = os.pipe2(os.O_CLOEXEC)
    gate_inside, gate = os.pipe2(os.O_CLOEXEC)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    middle = pid = 0
    try:
        middle = fork()
        if not middle:
            _become_middle(launch, report_inside, gate_inside, gate)
        os.close(report_inside)
        report_inside = -1
        pid, failure = _read_start(report)
        if failure is not None:
            raise failure  # noqa: TRY301  it is cleaned up here
        namespace = namespace_of(pid)
        return Namespace(pid, os.pidfd_open(pid), namespace or (0, 0), gate, report)
    except BaseException:
        os.close(report)
        os.close(gate)  # the first one, if there is one, waits for it, or has failed
        if pid:
            os.waitpid(pid, 0)
        raise
    finally:
        if report_inside >= 0:
            os.close(report_inside)
        os.close(gate_inside)
        if middle:
            os.waitpid(middle, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _become_middle(launch: Launch, report: int, gate: int, outside: int) -> NoReturn:
    """Run the middle process, and after the clone the first one; neither ever returns to the caller."""
    try:
        # The only copy of the gate's outer end has to be our caller's: its death must open the gate.
        os.close(outside)
        inside = Inside.take(launch, gate, report)
    except BaseException:  # noqa: BLE001  whatever it is must not go on in a copy of the caller
        os._exit(1)
    inside.guarded(_be_middle)


def _be_middle(inside: Inside) -> None:
    user, group = os.geteuid(), os.getegid()
    flags = libc.CLONE_NEWNS | libc.CLONE_NEWPID
    inside.step = "unshare"
    libc.unshare(flags if not user else flags | libc.CLONE_NEWUSER)
    if user:
        inside.step = "map the user"
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path("/proc/self", name).write_text(text)
    inside.step = "clone3"
    first = libc.clone_sibling()
    if first:
        inside.tell(str(first))
        os._exit(0)
    os.setsid()
    inside.step = "mount /proc"
    # In a user namespace the mounts are locked together: private is allowed, and keeps ours from the host.
    libc.mount("none", "/", "", libc.MS_REC | libc.MS_PRIVATE)
    libc.mount("proc", "/proc", "proc", libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC)
    inside.step = "prepare"
    inside.tell(_MOUNTED)
    inside.wait_at_the_gate()
    inside.become()


def _read_start(report: int) -> tuple[int, LaunchError | None]:
    """Return PID 1's number, and why it cannot go on: two lines, in any order, if the middle one succeeds."""
    text = b""
    while text.count(b"\n") < len(("its number", "that it is mounted")) and (piece := os.read(report, 512)):
        text += piece
    lines = text.decode().splitlines()
    pid = next((int(line) for line in lines if line.isdecimal()), 0)
    failed = next((line.rpartition(" ") for line in lines if " " in line), None)
    if failed is not None:
        return pid, LaunchError(failed[0], int(failed[2]))
    if _MOUNTED not in lines or not pid:
        return pid, LaunchError("the process between us and PID 1 was killed", errno.ECHILD)
    return pid, None
