"""The seccomp filter that holds a caller until we have looked, and the listener that tells of it.

A filter with SECCOMP_RET_USER_NOTIF stops the calling thread at the system call. While it is held nothing of
what it wants has happened yet: the masks of the process it wants to signal are those that decide the signal's
fate, its own memory holds the arguments, and its children are still its children. Then it is told to
CONTINUE, and the kernel does the call as if nothing had been. Only the calls that end lives, send signals or
change programs are held; all others pass at full speed.

Nobody who holds a listener may leave earlier than the processes that are filtered: with the last descriptor
closed every held or later call fails with ENOSYS. A process may have one listener in all its filters, so a
program that installs one itself gets EBUSY under ours.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import struct
from typing import Final

from endwell.records import dataclass
from endwell.system import libc

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Name: the number on x86_64, on aarch64. Later calls have one number everywhere.
CALLS: Final = {
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "execve": (59, 221),
    "execveat": (322, 281),
    "exit_group": (231, 94),
}
RT_SIGTIMEDWAIT: Final = {"x86_64": 128, "aarch64": 137}

_SET_MODE_FILTER, _GET_NOTIF_SIZES = 1, 3
_NEW_LISTENER, _WAIT_KILLABLE_RECV = 1 << 3, 1 << 5
_RET_ALLOW, _RET_USER_NOTIF, _RET_ERRNO = 0x7FFF0000, 0x7FC00000, 0x00050000
_LOAD_WORD, _JUMP_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x15, 0x45, 0x06
# What tells a call of x32 from the one that has its number on x86_64; no other machine has such numbers.
_X32 = 1 << 30
_NR_OFFSET, _ARCH_OFFSET = 0, 4

# id, pid, flags, nr, arch, instruction pointer, six arguments; and id, value, error, flags.
_NOTIFICATION = struct.Struct("QIIiIQ6Q")
_RESPONSE = struct.Struct("QqiI")
_CONTINUE = 1


def _ioctl(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("!") << 8 | number


_RECEIVE = _ioctl(3, 0, _NOTIFICATION.size)
_SEND = _ioctl(3, 1, _RESPONSE.size)
_ID_VALID = _ioctl(1, 2, 8)
_SET_FLAGS = _ioctl(1, 4, 8)
_SYNC_WAKE_UP = 1


class UnknownMachineError(OSError):
    """Nobody has told us the numbers of this machine's system calls."""

    def __init__(self, machine: str) -> None:
        super().__init__(errno.ENOTSUP, f"no filter for {machine}: only {', '.join(_AUDIT_ARCH)} are known")


@dataclass(frozen=True, slots=True)
class Notification:
    """A thread that is held at a call: its number as we see it, the call's name, and its six arguments."""

    identity: int
    tid: int
    call: str
    arguments: tuple[int, ...]


def program(machine: str, *, confined: bool = False) -> bytes:
    """Return the filter for a machine as the kernel's BPF instructions.

    Args:
        machine: what `uname` calls it.
        confined: calls by another ABI, such as those of a 32-bit program, fail with ENOSYS, as they do on a
            kernel that was built without it. Otherwise they pass unseen.

    Raises:
        UnknownMachineError: it is neither x86_64 nor aarch64.
    """
    numbers = numbers_of(machine)
    lines = [
        (_LOAD_WORD, 0, 0, _ARCH_OFFSET),
        # A call by another ABI has other numbers: nothing here is about it.
        (_JUMP_EQUAL, 0, len(numbers) + 4, _AUDIT_ARCH[machine]),
        (_LOAD_WORD, 0, 0, _NR_OFFSET),
        (_JUMP_SET, len(numbers) + 2, 0, _X32),
        *((_JUMP_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)),
        (_RETURN, 0, 0, _RET_ALLOW),
        (_RETURN, 0, 0, _RET_USER_NOTIF),
        (_RETURN, 0, 0, _RET_ERRNO | errno.ENOSYS if confined else _RET_ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def numbers_of(machine: str) -> dict[int, str]:
    """Return the numbers of the held calls on a machine, and their names; or UnknownMachineError."""
    if machine not in _AUDIT_ARCH:
        raise UnknownMachineError(machine)
    column = list(_AUDIT_ARCH).index(machine)
    return {numbers[column]: name for name, numbers in CALLS.items()}


def install(*, confined: bool = False) -> int:
    """Filter the calling thread, its later children and whatever they become; return the listener.

    Sets no_new_privs only where the kernel insists on it: without CAP_SYS_ADMIN in our user namespace.
    `confined` is what `program` says.

    Raises:
        OSError: the kernel refuses; EBUSY means that a filter of ours has a listener already.
    """
    code = ctypes.create_string_buffer(program(os.uname().machine, confined=confined))
    instructions = ctypes.create_string_buffer(
        struct.pack("HP", (len(code) - 1) // 8, ctypes.addressof(code))
    )
    for flags in (_NEW_LISTENER | _WAIT_KILLABLE_RECV, _NEW_LISTENER):
        try:
            return _install(flags, instructions)
        except OSError as error:
            # Before 5.19 a signal can interrupt who is held: the call then comes a second time.
            if error.errno != errno.EINVAL or flags == _NEW_LISTENER:
                raise
    raise AssertionError  # the loop returns or raises


def _install(flags: int, instructions: ctypes.Array[ctypes.c_char]) -> int:
    try:
        return libc.seccomp(_SET_MODE_FILTER, flags, instructions)
    except PermissionError:
        libc.set_no_new_privileges()
        return libc.seccomp(_SET_MODE_FILTER, flags, instructions)


class Listener:
    """The descriptor of a listener; knows how to ask it. Closed with `close`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._names = numbers_of(os.uname().machine)
        sizes = ctypes.create_string_buffer(6)
        libc.seccomp(_GET_NOTIF_SIZES, 0, sizes)
        # A newer kernel may write more than we know of.
        self._room = max(_NOTIFICATION.size, struct.unpack("HHH", sizes.raw)[0])
        with contextlib.suppress(OSError):
            fcntl.ioctl(descriptor, _SET_FLAGS, _SYNC_WAKE_UP)  # since 6.6; faster: caller and we on one core

    def fileno(self) -> int:
        """Return the descriptor, for poll: readable when somebody is held, hung up when nobody is left."""
        return self._descriptor

    def receive(self) -> Notification | None:
        """Return who is held; waits until there is somebody; None when he has gone meanwhile."""
        buffer = bytearray(self._room)
        try:
            fcntl.ioctl(self._descriptor, _RECEIVE, buffer)
        except (FileNotFoundError, InterruptedError):
            return None
        identity, tid, _, number, _, _, *arguments = _NOTIFICATION.unpack_from(buffer)
        return Notification(identity, tid, self._names.get(number, str(number)), tuple(arguments))

    def valid(self, notification: Notification) -> bool:
        """Whether it is still held: what was read about its number meanwhile is about it."""
        try:
            fcntl.ioctl(self._descriptor, _ID_VALID, struct.pack("Q", notification.identity))
        except FileNotFoundError:
            return False
        return True

    def release(self, notification: Notification) -> bool:
        """Let it go on with its call; false when it was gone, and so has not made the call."""
        return self._respond(notification, 0, _CONTINUE)

    def answer(self, notification: Notification, error: int) -> bool:
        """Answer its call instead of the kernel: 0, or an error number; false when it was gone."""
        return self._respond(notification, -error, 0)

    def _respond(self, notification: Notification, error: int, flags: int) -> bool:
        try:
            response = _RESPONSE.pack(notification.identity, 0, error, flags)
            fcntl.ioctl(self._descriptor, _SEND, bytearray(response))
        except FileNotFoundError:
            return False
        return True

    def close(self) -> None:
        """Close it: from now on a held call fails with ENOSYS."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
