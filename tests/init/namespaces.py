"""A process in a PID namespace of its own, as PID 1 or below one; its /proc is its own, foreign, or none."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import struct
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from tests.init.lives import (
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    MS_NOSUID_NODEV_NOEXEC,
    MS_REC_PRIVATE,
    start_child,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED: Final = 99
"""Exit status of a process that did not become what it should."""
_RESET: Final = tuple(set(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33})


class Proc(Enum):
    """What is mounted on /proc."""

    OWN = "of its own PID namespace"
    NONE = "nothing"
    FOREIGN = "of another PID namespace"


def mount(source: str | None, target: str, kind: str | None, flags: int = 0, options: str = "") -> None:
    """Mounts something; raises OSError. The arguments are those of the system call."""
    libc = ctypes.CDLL(None, use_errno=True)
    words = [word.encode() if word is not None else None for word in (source, target, kind)]
    if libc.mount(*words, ctypes.c_ulong(flags), options.encode()):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), target)


def close_on_exec(first: int) -> None:
    """Have every descriptor from `first` on closed when something is executed; close_range(2)."""
    close_range, close_range_cloexec = 436, 4
    ctypes.CDLL(None).syscall(close_range, first, 0x7FFFFFFF, close_range_cloexec)


class Member:
    """A process that was started in a fresh PID namespace.

    Args:
        first: PID 1 of the namespace, our child.
        pid: the process, by its number outside; it may be the same.
        statuses: where PID 1 tells the wait status of the process below it; -1 when they are the same.
    """

    def __init__(self, first: int, pid: int, statuses: int) -> None:
        self.pid = pid
        self._first = os.pidfd_open(first)
        self.pidfd = self._first if pid == first else os.pidfd_open(pid)
        self._statuses = statuses
        self._status: int | None = None

    def ended(self, seconds: float) -> bool:
        """Whether it ends within the time."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def status(self) -> int:
        """Its exit status, negative the signal that ended it."""
        if self._status is None and self._statuses >= 0:
            self._status = os.waitstatus_to_exitcode(struct.unpack("i", os.read(self._statuses, 4))[0])
        if self._status is None:
            result = os.waitid(os.P_PIDFD, self._first, os.WEXITED)
            assert result is not None
            self._status = result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
        return self._status

    def close(self) -> None:
        """Kill the whole namespace."""
        if self._status is None or self._statuses >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
            os.waitid(os.P_PIDFD, self._first, os.WEXITED)
        for descriptor in {self._first, self.pidfd, self._statuses} - {-1}:
            os.close(descriptor)


def start(become: Callable[[], None], *, proc: Proc = Proc.OWN, below: bool = False) -> Member:
    """Start a process that calls `become`, which executes something, in a PID namespace of its own."""
    user, group = os.geteuid(), os.getegid()
    gate_read, gate_write = os.pipe()
    statuses_read, statuses_write = os.pipe()
    flags = CLONE_NEWPID | CLONE_NEWNS | (CLONE_NEWUSER if user else 0)
    first = start_child(flags | signal.SIGCHLD)
    if first == 0:
        _begin(become, (gate_read, gate_write), proc, statuses_write if below else -1)
    os.close(gate_read)
    os.close(statuses_write)
    if user:
        Path(f"/proc/{first}/setgroups").write_text("deny")
        Path(f"/proc/{first}/uid_map").write_text(f"0 {user} 1")
        Path(f"/proc/{first}/gid_map").write_text(f"0 {group} 1")
    if not below:
        os.close(gate_write)
        os.close(statuses_read)
        return Member(first, first, -1)
    os.write(gate_write, b"1")
    os.read(statuses_read, 4)  # the process below exists, and waits for us
    pid = int(Path(f"/proc/{first}/task/{first}/children").read_text().split()[0])
    member = Member(first, pid, statuses_read)
    os.close(gate_write)
    return member


def _begin(become: Callable[[], None], gate: tuple[int, int], proc: Proc, statuses: int) -> NoReturn:
    try:
        os.close(gate[1])
        os.read(gate[0], 1)
        for number in _RESET:  # Python ignores SIGPIPE and SIGXFSZ
            signal.signal(number, signal.SIG_DFL)
        mount(None, "/", None, MS_REC_PRIVATE)
        if proc is Proc.OWN:
            mount("proc", "/proc", "proc", MS_NOSUID_NODEV_NOEXEC)
        if proc is Proc.NONE:
            mount("none", "/proc", "tmpfs")
        os.setsid()  # no terminal of whoever runs the tests
        if statuses < 0:
            become()
        _be_first(become, gate[0], statuses)
    except BaseException as error:  # noqa: BLE001 - it must not go on in a copy of the test
        os.write(2, f"the test could not start its init: {error!r}\n".encode())
    finally:
        os._exit(FAILED)


def _be_first(become: Callable[[], None], gate: int, statuses: int) -> NoReturn:
    """PID 1 that reaps, hears nothing, and tells how the process below it ended."""
    child = os.fork()
    if child == 0:
        os.read(gate, 1)
        become()
    os.write(statuses, struct.pack("i", 0))
    os.closerange(0, statuses)  # the end of the output must not wait for us
    os.closerange(statuses + 1, 1024)
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            os._exit(0)
        if pid == child:
            os.write(statuses, struct.pack("i", status))
