"""A private instance of the kernel's event tracing: buffers of our own, events of our own, gone with us.

The file system is never put anywhere. fsopen(2) and fsmount(2) give a mount that exists only as a descriptor,
and every path below is opened relative to it: nobody else sees it, and it ends with the descriptor even when
we are killed. What would be left then is the instance, a directory that the kernel keeps. Its name tells
whose it is, by pid and start time, so that the next one who comes can take it away; one that is still read,
the kernel refuses to remove.

Instances inherit the options of the global one, where somebody may have asked for another text: those that
would change what we read are set back. `trace_clock` mono is CLOCK_MONOTONIC, Python's time.monotonic().
Source: Documentation/trace/ftrace.rst and events.rst of the kernel.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import secrets
import select
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "endwell"
KILOBYTES = 4096
_KILOBYTES_OF_ALL = 1 << 16
_LEAST_KILOBYTES = 1 << 10

# One number on every architecture, like all system calls since 5.1.
_SYS_FSOPEN = ctypes.c_long(430)
_SYS_FSCONFIG = ctypes.c_long(431)
_SYS_FSMOUNT = ctypes.c_long(432)
_CLOSE_ON_EXEC = ctypes.c_uint(1)
_CONFIG_CREATE = ctypes.c_uint(6)
_NO_SUID_DEV_EXEC = ctypes.c_uint(2 | 4 | 8)

_TEXT_OPTIONS = ("context-info", "noraw", "nohex", "nobin", "nofields", "norecord-tgid", "nolatency-format")
_AT_ONCE = 1 << 16
# How often to try again to remove what is held, and after how many seconds.
_PATIENCE, _MOMENT = 200, 0.01
_OWNER = re.compile(rf"{PREFIX}-(\d+)-(\d+)-[0-9a-f]+")
_LOST = re.compile(r"^(?:overrun|commit overrun|dropped events): (\d+)$", re.MULTILINE)
_BYTES = re.compile(r"^bytes: (\d+)$", re.MULTILINE)
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def kilobytes_each(processors: int) -> int:
    """Return how large a buffer each processor gets of 64 MB for all; none gets less than 1 MB."""
    return max(_LEAST_KILOBYTES, _KILOBYTES_OF_ALL // processors)


@dataclass(slots=True)
class Tracing:
    """A running instance; `missing` are the events this kernel has not. Ends with `close`, or as a context.

    `start` is a separate step, so that whoever reads can be ready before the first event.
    """

    name: str
    missing: tuple[str, ...]
    pipe: int
    kilobytes: int
    _root: int
    _directory: int
    _open: bool = field(default=True, init=False)

    @classmethod
    def make(cls, events: Mapping[str, str], kilobytes: int = KILOBYTES) -> Tracing:
        """Make an instance for `events`, which does not trace yet.

        Args:
            events: `group/name` with a filter, or with "" for all of them.
            kilobytes: the size of the buffer of each processor.

        Raises:
            OSError: not privileged, or a kernel without event tracing; `filename` tells what was refused.
        """
        root = _mount()
        try:
            _remove_stale(root)
            name = f"{PREFIX}-{os.getpid()}-{_start_time(os.getpid())}-{secrets.token_hex(4)}"
            os.mkdir(f"instances/{name}", 0o700, dir_fd=root)
        except BaseException:
            os.close(root)
            raise
        directory = pipe = -1
        try:
            directory = os.open(f"instances/{name}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=root)
            _write(directory, "tracing_on", "0")
            # Held from now on: the kernel does not let go an instance that is read.
            pipe = os.open("trace_pipe", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
            missing = _prepare(directory, events, kilobytes)
            return cls(name, missing, pipe, kilobytes, root, directory)
        except BaseException:
            for descriptor in (pipe, directory):
                if descriptor >= 0:
                    os.close(descriptor)
            os.rmdir(f"instances/{name}", dir_fd=root)
            os.close(root)
            raise

    def start(self) -> None:
        """Record from now on."""
        _write(self._directory, "tracing_on", "1")

    def condition(self, event: str, text: str) -> None:
        """Set the filter of an event, whether it is enabled or not; one that does not exist is no error."""
        with suppress(FileNotFoundError):
            _write(self._directory, f"events/{event}/filter", text)

    def enable(self, event: str) -> bool:
        """Record one event more, `group/name`; False when this kernel has none of that name."""
        return _enable(self._directory, event)

    def wait(self, timeout: float | None, wake: int) -> bool:
        """Sleep until there is something to read, `timeout` seconds or descriptor `wake` is ready (True)."""
        poll = select.poll()
        poll.register(self.pipe, select.POLLIN)
        poll.register(wake, select.POLLIN)
        ready = poll.poll(None if timeout is None else timeout * 1000)
        return any(descriptor == wake for descriptor, _ in ready)

    def read(self, most: int = 1 << 22) -> bytes:
        """Return what is there, at most about `most` bytes, in whole records; b"" for nothing."""
        pieces: list[bytes] = []
        size = 0
        while size < most:
            try:
                piece = os.read(self.pipe, _AT_ONCE)
            except BlockingIOError:
                break
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)

    def lost(self) -> int:
        """Return how many events the kernel had no room for so far, on all processors."""
        total = 0
        for number in range(os.cpu_count() or 1):
            with suppress(FileNotFoundError):
                total += sum(map(int, _LOST.findall(_read(self._directory, f"per_cpu/cpu{number}/stats"))))
        return total

    def room(self) -> int:
        """Return how many bytes are left to the processor whose buffer is fullest."""
        used = [0]
        for number in range(os.cpu_count() or 1):
            with suppress(FileNotFoundError):
                used += map(int, _BYTES.findall(_read(self._directory, f"per_cpu/cpu{number}/stats")))
        return (self.kilobytes << 10) - max(used)

    def stop(self) -> None:
        """Record nothing more; what is there can still be read."""
        _write(self._directory, "tracing_on", "0")

    def close(self) -> None:
        """Remove the instance, which takes some 30 ms; may be called more than once.

        A process that another thread has forked, and that has not executed yet, still holds our descriptors:
        it is waited for. One that never does leaves an instance of the least size, which the next one of us
        to come takes away after our end.
        """
        if not self._open:
            return
        self._open = False
        with suppress(OSError):  # no file may be opened any more; it is removed all the same
            self.stop()
        pipe, directory, root = self.pipe, self._directory, self._root
        # A number may mean another file soon.
        self.pipe = self._directory = self._root = -1
        os.close(pipe)
        os.close(directory)
        try:
            _remove(root, self.name)
        finally:
            os.close(root)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _remove(root: int, name: str) -> None:
    for _ in range(_PATIENCE):
        try:
            os.rmdir(f"instances/{name}", dir_fd=root)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        else:
            return
        time.sleep(_MOMENT)
    _write(root, f"instances/{name}/buffer_size_kb", "1")


def _mount() -> int:
    """Return a mount of tracefs that is nowhere but in this descriptor."""
    system = _call(_SYS_FSOPEN, b"tracefs", _CLOSE_ON_EXEC)
    try:
        _call(_SYS_FSCONFIG, ctypes.c_int(system), _CONFIG_CREATE, None, None, ctypes.c_int(0))
        return _call(_SYS_FSMOUNT, ctypes.c_int(system), _CLOSE_ON_EXEC, _NO_SUID_DEV_EXEC)
    finally:
        os.close(system)


def _call(*arguments: object) -> int:
    result: int = _libc.syscall(*arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "tracefs")
    return result


def _prepare(directory: int, events: Mapping[str, str], kilobytes: int) -> tuple[str, ...]:
    for option in _TEXT_OPTIONS:
        with suppress(OSError):  # an option that a kernel does not know cannot be on either
            _write(directory, "trace_options", option)
    _write(directory, "trace_clock", "mono")
    _write(directory, "buffer_size_kb", str(kilobytes))
    missing = []
    for event, condition in events.items():
        try:
            if condition:
                _write(directory, f"events/{event}/filter", condition)
        except FileNotFoundError:
            missing.append(event)
            continue
        if not _enable(directory, event):
            missing.append(event)
    return tuple(missing)


def _enable(directory: int, event: str) -> bool:
    try:
        _write(directory, f"events/{event}/enable", "1")
    except FileNotFoundError:
        return False
    return True


def _write(directory: int, path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _read(directory: int, path: str) -> str:
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory), "rb") as file:  # noqa: PTH123
        return file.read().decode()


def _remove_stale(root: int) -> None:
    """Remove the instances of those who were killed; of one that still lives nothing is touched."""
    directory = os.open("instances", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=root)
    try:
        for name in os.listdir(directory):  # noqa: PTH208  pathlib has no listing of a descriptor
            owner = _OWNER.fullmatch(name)
            if owner and _start_time(int(owner[1])) != int(owner[2]):
                # Busy: somebody reads it after all. Not there: somebody else was quicker.
                with suppress(OSError):
                    os.rmdir(name, dir_fd=directory)
    finally:
        os.close(directory)


def _start_time(pid: int) -> int:
    """Return when a process was started, in clock ticks since boot; 0 when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    return int(text.rpartition(b")")[2].split()[19])
