"""Start a program as PID 1 of a fresh PID namespace, the way a container engine does.

Three processes take part:

    we ──fork──► the middle one: unshare(user?, mount, pid), clone with CLONE_PARENT ──► the first one
     │                │ tells its pid and ends                                                │
     ▼                ▼                                                                       ▼
    open a pidfd on the first one, let the observers attach, open the gate ───────────► mount /proc, exec

- The middle one is needed because `unshare` moves the future children of its caller, and for a user namespace
  the caller itself, for good. It is forked by `os.fork`, which puts libc's and Python's locks in order even
  when other threads run, so that it has one thread and may call clone3 directly.
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
import fcntl
import os
import signal
import stat
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from endwell.system import libc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Descriptors that must survive the shuffling of 0, 1 and 2 wait above these numbers.
_OUT_OF_THE_WAY = 10
_LAST_SIGNAL = 64


class LaunchError(OSError):
    """A program could not be started in a namespace of its own; `step` names what failed."""

    def __init__(self, step: str, number: int) -> None:
        super().__init__(number, os.strerror(number))
        self.step = step


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to start: the command, its whole environment, its directory, and its descriptors 0, 1, 2."""

    command: Sequence[str]
    environment: Mapping[str, str]
    directory: str = "/"
    stdin: int
    stdout: int
    stderr: int


@dataclass(slots=True)
class Namespace:
    """A PID namespace of our own and the process that is PID 1 in it; ends with the object.

    `pid` is PID 1's number as seen from outside; it stays its own until `reap` has returned a status. The
    thread that called `hold` must outlive the namespace: the kernel counts its end as our death.
    """

    pid: int
    pidfd: int
    identity: tuple[int, int]
    _gate: int
    _report: int
    _status: int | None = field(default=None, init=False)

    def release(self) -> None:
        """Let PID 1, held so far, go on to its exec."""
        gate, self._gate = self._gate, -1
        os.write(gate, b"\n")
        os.close(gate)

    def confirm(self) -> None:
        """Return when PID 1 has become the command; raise LaunchError when it could not."""
        report, self._report = self._report, -1
        try:
            _read_report(report, until_end=True)
        except LaunchError:
            self.close()
            raise
        finally:
            os.close(report)

    def send(self, number: int) -> None:
        """Send a signal to PID 1 alone, from outside; a PID 1 that has ended is no error."""
        if self._status is None and self.pidfd >= 0:
            try:
                signal.pidfd_send_signal(self.pidfd, number)
            except ProcessLookupError:
                return

    def reap(self, *, block: bool = True) -> int | None:
        """Return PID 1's exit code, negative its signal, or None while it runs and `block` is false."""
        if self._status is None:
            options = os.WEXITED | (0 if block else os.WNOHANG)
            ended = os.waitid(os.P_PIDFD, self.pidfd, options)
            if ended is not None:
                exited = ended.si_code == os.CLD_EXITED
                self._status = ended.si_status if exited else -ended.si_status
        return self._status

    def members(self) -> tuple[int, ...]:
        """Return the processes in the namespace now, by outside numbers: for looking at, not for killing."""
        return tuple(
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdecimal() and _namespace_of(entry.name) == self.identity
        )

    def close(self) -> None:
        """End PID 1 with SIGKILL, and so all processes of the namespace, and wait until they are gone."""
        for descriptor in (self._gate, self._report):
            if descriptor >= 0:
                os.close(descriptor)
        self._gate = self._report = -1
        if self.pidfd >= 0:
            self.send(signal.SIGKILL)
            self.reap()
            os.close(self.pidfd)
            self.pidfd = -1

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
        with warnings.catch_warnings():
            # 3.12 warns about forking with threads; the module's docstring says why this fork may.
            warnings.simplefilter("ignore", DeprecationWarning)
            middle = os.fork()
        if not middle:
            _become_middle(launch, report_inside, gate_inside, gate)
        os.close(report_inside)
        report_inside = -1
        pid = int(_read_report(report, until_end=False))
        namespace = _namespace_of(str(pid))
        return Namespace(pid, os.pidfd_open(pid), namespace or (0, 0), gate, report)
    except BaseException:
        os.close(report)
        os.close(gate)
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


def _namespace_of(pid: str) -> tuple[int, int] | None:
    try:
        found = os.stat(f"/proc/{pid}/ns/pid")  # noqa: PTH116  called for every process of the machine
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


def _read_report(report: int, *, until_end: bool) -> bytes:
    text = b""
    while until_end or not text.endswith(b"\n"):
        piece = os.read(report, 512)
        if not piece:
            break
        text += piece
    step, _, number = text.decode().strip().rpartition(" ")
    if step:
        raise LaunchError(step, int(number))
    if not until_end and not number:
        raise LaunchError("the process between us and PID 1 was killed", errno.ECHILD)
    return text


def _become_middle(launch: Launch, report: int, gate: int, outside: int) -> NoReturn:
    """Run the middle process, and after the clone the first one; neither ever returns to the caller."""
    step = ["prepare"]
    try:
        # The only copy of the gate's outer end has to be our caller's: its death must open the gate.
        os.close(outside)
        descriptors = [
            fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)
            for number in (launch.stdin, launch.stdout, launch.stderr, gate, report)
        ]
        report = descriptors.pop()
        _unshare(step)
        step[0] = "clone3"
        first = libc.clone_sibling()
        if first:
            os.write(report, b"%d\n" % first)
            os._exit(0)
        _become_first(launch, descriptors, report, step)
    except OSError as error:
        os.write(report, f"{step[0]} {error.errno or errno.EIO}\n".encode())
    except BaseException:  # noqa: BLE001  whatever it is must not go on in a copy of the caller
        os.write(report, f"{step[0]} {errno.EINVAL}\n".encode())
    finally:
        os._exit(1)


def _unshare(step: list[str]) -> None:
    user, group = os.geteuid(), os.getegid()
    flags = libc.CLONE_NEWNS | libc.CLONE_NEWPID
    step[0] = "unshare"
    if not user:
        libc.unshare(flags)
        return
    libc.unshare(flags | libc.CLONE_NEWUSER)
    step[0] = "map the user"
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        Path("/proc/self", name).write_text(text)


def _become_first(launch: Launch, descriptors: list[int], report: int, step: list[str]) -> NoReturn:
    """Turn the process that is PID 1 already into the command."""
    step[0] = "prepare"
    libc.set_parent_death_signal(signal.SIGKILL)
    gate = descriptors.pop()
    if not os.read(gate, 1):
        os._exit(1)
    os.setsid()
    step[0] = "mount /proc"
    # In a user namespace the mounts are locked together: private is allowed, and keeps ours from the host.
    libc.mount("none", "/", "", libc.MS_REC | libc.MS_PRIVATE)
    libc.mount("proc", "/proc", "proc", libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC)
    step[0] = "prepare"
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number, inheritable=True)
    libc.close_from(3, report - 1)
    libc.close_from(report + 1)
    os.umask(stat.S_IWGRP | stat.S_IWOTH)
    step[0] = "chdir"
    os.chdir(launch.directory)
    step[0] = "exec"
    for number in range(1, _LAST_SIGNAL + 1):
        libc.reset_disposition(number)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.execvpe(launch.command[0], list(launch.command), dict(launch.environment))  # noqa: S606  our business
