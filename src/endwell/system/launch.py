"""What is to be started in a namespace, and the last steps of a process before it becomes that.

Both who becomes PID 1 (`system.namespace`) and who enters later (`system.enter`) end here. The order of the
steps matters: the filter is installed while we may still do so without no_new_privs, so before the user
changes; the parent-death signal is asked for again after it, because the kernel forgets it with the change.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import socket
import stat
import termios
from typing import TYPE_CHECKING, NoReturn

from endwell.records import dataclass
from endwell.system import libc, limits, seccomp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# Descriptors that must survive the shuffling of 0, 1 and 2 wait above these numbers.
_OUT_OF_THE_WAY = 10
_LAST_SIGNAL = 64
# Nobody sends it any more: a filter that is refused is an error.


class LaunchError(OSError):
    """A program could not be started in a namespace; `step` names what failed."""

    def __init__(self, step: str, number: int) -> None:
        super().__init__(number, os.strerror(number))
        self.step = step


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to start, and what it finds.

    Args:
        command: the program and its arguments.
        environment: all of its environment.
        directory: where it starts.
        stdin: its descriptor 0; likewise `stdout` and `stderr`.
        stdout: its descriptor 1.
        stderr: its descriptor 2.
        listener: a Unix socket on which it sends, just before its exec, the listener of a seccomp filter that
            shows what it and its descendants send, execute and exit with; None for no filter.
        confined: nothing but that filter keeps its signals in, so that no call may go round it.
        terminal: `stdin` is a terminal, which becomes its controlling one, as with `docker run -t`.
        user: user, group and further groups it runs as, without capabilities unless that is root.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    directory: str = "/"
    stdin: int
    stdout: int
    stderr: int
    listener: int | None = None
    confined: bool = False
    terminal: bool = False
    user: tuple[int, int, tuple[int, ...]] | None = None


@dataclass(slots=True)
class Inside:
    """The descriptors a process has while it prepares, out of the way of 0, 1, 2, and the step it is at."""

    launch: Launch
    standard: tuple[int, ...]
    gate: int
    report: int
    listener: int
    step: str = "prepare"

    @classmethod
    def take(cls, launch: Launch, gate: int, report: int) -> Inside:
        """Duplicate what the launch names to where nothing is in the way; an error is told as well."""
        try:
            standard = tuple(away(number) for number in (launch.stdin, launch.stdout, launch.stderr))
            listener = -1 if launch.listener is None else away(launch.listener)
            return cls(launch, standard, away(gate), away(report), listener)
        except OSError as error:
            _tell(report, f"prepare {error.errno or errno.EIO}")
            raise

    def guarded(self, work: Callable[[Inside], None]) -> NoReturn:
        """Do the work and end, whatever happens: nothing may go on in a copy of the caller's program."""
        try:
            work(self)
        except OSError as error:
            self.tell(f"{self.step} {error.errno or errno.EIO}")
        except BaseException:  # noqa: BLE001  whatever it is must not go on in a copy of the caller
            self.tell(f"{self.step} {errno.EINVAL}")
        finally:
            os._exit(1)

    def tell(self, line: str) -> None:
        """Write a line for `read_report`."""
        _tell(self.report, line)

    def wait_at_the_gate(self) -> None:
        """Ask to end with our parent, and go on when it says so; end when it has ended."""
        libc.set_parent_death_signal(signal.SIGKILL)
        if not os.read(self.gate, 1):
            os._exit(1)

    def become(self) -> NoReturn:
        """Turn into the command; raises OSError at `step`."""
        launch = self.launch
        self.step = "prepare"
        for number, descriptor in enumerate(self.standard):
            os.dup2(descriptor, number, inheritable=True)
        if launch.terminal:
            self.step = "take the terminal"
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        if self.listener >= 0:
            self.step = "confine" if launch.confined else "seccomp"
            _send_listener(self.listener, confined=launch.confined)
        self.step = "prepare"
        limits.give_back()
        libc.close_from(3, self.report - 1)
        libc.close_from(self.report + 1)
        os.umask(stat.S_IWGRP | stat.S_IWOTH)
        if launch.user is not None:
            self.step = "become the user"
            _become_user(*launch.user)
            libc.set_parent_death_signal(signal.SIGKILL)
            if _nobody_reads(self.report):
                os._exit(1)
        self.step = "chdir"
        os.chdir(launch.directory)
        self.step = "exec"
        for number in range(1, _LAST_SIGNAL + 1):
            libc.reset_disposition(number)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execvpe(launch.command[0], list(launch.command), dict(launch.environment))  # noqa: S606  our business


def read_report(report: int, *, until_end: bool) -> bytes:
    """Return the number a process tells, or b"" when it has become the command; LaunchError if it failed."""
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


def away(number: int) -> int:
    """Duplicate a descriptor to where nothing is in the way."""
    try:
        return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)
    except OSError as error:
        if error.errno == errno.EINVAL:  # what it says where no number that high may be had
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE)) from None
        raise


def _tell(report: int, line: str) -> None:
    os.write(report, f"{line}\n".encode())


def _send_listener(door: int, *, confined: bool) -> None:
    with socket.socket(fileno=door) as connection:
        listener = seccomp.install(confined=confined)
        try:
            socket.send_fds(connection, [b"listener"], [listener])
        finally:
            # At once: while nobody else has one, our own exit would wait for us for ever.
            os.close(listener)


def _become_user(user: int, group: int, groups: tuple[int, ...]) -> None:
    """Change for good; going from user 0 to another clears all capabilities but the bounding set."""
    if (os.getuid(), os.getgid()) == (user, group) and set(groups) <= {group}:
        return  # a user namespace with one user refuses even this
    for number in range(3):
        # As runc does: without it `echo >/dev/stderr` is refused, a pipe belongs to whoever made it.
        if stat.S_ISFIFO(os.fstat(number).st_mode) or os.isatty(number):
            os.fchown(number, user, -1)
    os.setgroups(groups)
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def _nobody_reads(report: int) -> bool:
    poll = select.poll()
    poll.register(report, 0)
    return bool(poll.poll(0))
