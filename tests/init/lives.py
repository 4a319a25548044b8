"""Lives of an init, watched from outside: its end by a pidfd, its command's words by a pipe."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import platform
import select
import signal
import struct
import sys
import tempfile
import termios
import time
import tty
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

CLONE_PARENT: Final = 0x00008000
CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
MS_NOSUID_NODEV_NOEXEC: Final = 2 | 4 | 8
MS_REC_PRIVATE: Final = 0x4000 | 0x40000
SI_QUEUE: Final = -1
STDERR: Final = 2
NR_PIDFD_SEND_SIGNAL: Final = 424
NR_CLONE: Final = {"x86_64": 56, "aarch64": 220}[platform.machine()]

COMMAND: Final = (
    "/bin/sh",
    "-c",
    "trap 'echo bye 7; exit 7' TERM; echo ready; read word; echo bye 3; exit 3",
)
"""Says when it is ready, and how it ends: 7 when it is told to, 3 when its input ends."""


class Life:
    """One run of an init whose command has a pipe for input and for output; PID 1 of a namespace, or not.

    Args:
        words: The init's path and arguments; `argv0` goes in the path's place as the name it is called by.
        environment: The whole environment besides PATH.
        pid_1: Whether it gets a PID namespace of its own, with a /proc of its own.
        argv0: The name it is called by.
        terminal: Whether its input and output are a terminal, in raw mode, that is its own to control.
        errors: Whether it has a standard error at all.
    """

    def __init__(
        self,
        words: Sequence[str | Path],
        environment: Mapping[str, str] | None = None,
        *,
        pid_1: bool = True,
        argv0: str | None = None,
        terminal: bool = False,
        errors: bool = True,
    ) -> None:
        arguments = [argv0 or os.fspath(words[0]), *map(str, words[1:])]
        given = {"PATH": os.defpath, **(environment or {})}
        self.heard = b""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as we do
        if terminal:
            self._output, output_write = os.openpty()
            tty.setraw(output_write)
            self._input, input_read = os.dup(self._output), os.dup(output_write)
        else:
            input_read, self._input = os.pipe()
            self._output, output_write = os.pipe()
        user = os.geteuid()
        flags = int(signal.SIGCHLD)
        if pid_1:
            flags |= CLONE_NEWPID | CLONE_NEWNS | (CLONE_NEWUSER if user else 0)
        gate_read, gate_write = os.pipe()  # a user namespace is empty until we have written its maps
        standard = (input_read, output_write, *([self._errors.fileno()] if errors else []))
        self.pid = start_child(flags)
        if self.pid == 0:
            _become(
                lambda: os.execve(words[0], arguments, given),  # noqa: S606 - a shell would be the PID 1 then
                standard,
                (gate_read, gate_write),
                pid_1=pid_1,
                terminal=terminal,
            )
        for descriptor in (input_read, output_write, gate_read):
            os.close(descriptor)
        self.pidfd = os.pidfd_open(self.pid)
        self.status: int | None = None
        if flags & CLONE_NEWUSER:
            Path(f"/proc/{self.pid}/setgroups").write_text("deny")
            Path(f"/proc/{self.pid}/uid_map").write_text(f"0 {user} 1")
            Path(f"/proc/{self.pid}/gid_map").write_text(f"0 {os.getegid()} 1")
        os.close(gate_write)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.end_input()
        if self.status is None:
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
            os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        os.close(self.pidfd)
        os.close(self._output)
        self._errors.close()

    def end_input(self) -> None:
        """Let the command's standard input end; on a terminal, after an empty line."""
        if self._input >= 0:
            if os.isatty(self._input):
                os.write(self._input, b"\n")
            os.close(self._input)
            self._input = -1

    def send(self, number: int) -> None:
        """Signal the init, if it still lives."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def queue(self, number: int, value: int) -> None:
        """Send the init a signal that carries a value: sigqueue(3)."""
        info = struct.pack("iii4xiIQ96x", number, 0, SI_QUEUE, os.getpid(), os.getuid(), value)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syscall(NR_PIDFD_SEND_SIGNAL, self.pidfd, number, info, 0) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def hears(self, words: bytes, seconds: float = 10) -> bool:
        """Whether the command says these words before its output ends, the init ends, or the time is over."""
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        poll.register(self.pidfd, select.POLLIN)
        while words not in self.heard:
            events = dict(poll.poll(max(0, deadline - time.monotonic()) * 1000))
            if self._output in events:
                chunk = self._read()
                if chunk:
                    continue
                poll.unregister(self._output)
            if self.pidfd in events or not events:
                return words in self.heard
        return True

    def ends(self, seconds: float) -> bool:
        """Whether the init ends within the time; `status` is then its exit status, or a negated signal."""
        if self.status is not None:
            return True
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return False
        result = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        if result is None:
            return False
        self.status = result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
        return True

    def output(self) -> bytes:
        """All that the command has said so far."""
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        while poll.poll(0):
            if not self._read():
                break
        return self.heard

    def _read(self) -> bytes:
        try:
            chunk = os.read(self._output, 65536)
        except OSError:  # EIO: the last one has closed the terminal
            chunk = b""
        self.heard += chunk
        return chunk

    def errors(self) -> str:
        """All that was written to the standard error so far."""
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), size, 0).decode(errors="replace")


def start_child(flags: int) -> int:
    """Start a child with these flags of clone(2); returns its number, and 0 in the child.

    The call itself knows nothing of threads, and pytest has one: what that held would be held in the child
    for ever, and setuid(3) would wait there for a thread that does not exist. So fork(3), which takes care
    of both, makes a go-between that has no thread; the child is ours all the same.
    """
    answer, tell = os.pipe()
    sys.stdout.flush()
    go_between = os.fork()
    if go_between == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        pid = int(libc.syscall(NR_CLONE, flags | CLONE_PARENT, 0, 0, 0, 0))
        if pid:
            os.write(tell, struct.pack("ii", pid, ctypes.get_errno()))
            os._exit(0)
        os.close(answer)
        os.close(tell)
        return 0
    os.close(tell)
    pid, error = struct.unpack("ii", os.read(answer, 8))
    os.close(answer)
    os.waitpid(go_between, 0)
    if pid < 0:
        raise OSError(error, f"cannot start a process in a PID namespace: {os.strerror(error)}")
    return int(pid)


def _become(
    execute: Callable[[], object],
    standard: Sequence[int],
    gate: tuple[int, int],
    *,
    pid_1: bool,
    terminal: bool,
) -> None:
    try:
        for target, descriptor in enumerate(standard):
            os.dup2(descriptor, target)
        if len(standard) == STDERR:
            os.close(STDERR)
        # the gate opens when its other end closes: with our copy of it, and with the parent's
        os.close(gate[1])
        os.read(gate[0], 1)
        if terminal:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        if pid_1:
            _mount_own_proc()
        execute()
    finally:
        os._exit(99)


def _mount_own_proc() -> None:
    libc = ctypes.CDLL(None)
    if libc.mount(None, b"/", None, MS_REC_PRIVATE, None) or libc.mount(
        b"proc", b"/proc", b"proc", MS_NOSUID_NODEV_NOEXEC, None
    ):
        os._exit(98)
