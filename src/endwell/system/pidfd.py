"""What a pidfd tells beyond the standard library: how a process ended that was never our child."""

from __future__ import annotations

import fcntl
import select
import struct

# struct pidfd_info, first version: mask, cgroup, eleven numbers of process and users, the wait status.
_INFO = struct.Struct("QQ11Ii")
_GET_INFO = 3 << 30 | _INFO.size << 16 | 0xFF << 8 | 11
_EXIT = 1 << 3


def exit_status(pidfd: int) -> int | None:
    """Return the exit code, negative the signal, of a process that has ended and has been collected.

    None while that is not so, and on kernels before 6.15. Source: PIDFD_GET_INFO in linux/pidfd.h.
    """
    asked = bytearray(_INFO.pack(_EXIT, *[0] * 13))
    try:
        fcntl.ioctl(pidfd, _GET_INFO, asked)
    except OSError:
        return None
    mask: int = _INFO.unpack(asked)[0]
    status: int = _INFO.unpack(asked)[-1]
    if not mask & _EXIT:
        return None
    return -(status & 0x7F) if status & 0x7F else status >> 8 & 0xFF


def has_ended(pidfd: int) -> bool:
    """Whether all threads of a process have ended; PID 1 only does when nobody else is left."""
    return bool(_poll(pidfd))


def wait_for_end(pidfd: int) -> None:
    """Return when all threads of a process have ended."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.poll()


def is_collected(pidfd: int) -> bool:
    """Whether it has ended and somebody has collected it: its number may mean another one now."""
    return bool(_poll(pidfd) & select.POLLHUP)


def _poll(pidfd: int) -> int:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    found = poll.poll(0)
    return found[0][1] if found else 0
