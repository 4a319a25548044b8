"""What a pidfd tells beyond the standard library: how a process ended that was never our child."""

from __future__ import annotations

import fcntl
import select
import struct
import time

# struct pidfd_info, first version: mask, cgroup, eleven numbers of process and users, the wait status.
_INFO = struct.Struct("QQ11Ii")
_GET_INFO = 3 << 30 | _INFO.size << 16 | 0xFF << 8 | 11
_EXIT = 1 << 3
# What poll(2) takes, in ms: an int. Longer times are waited for in pieces.
_LONGEST = float(1 << 30)


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


def wait_for_end(pidfd: int, timeout: float | None = None) -> bool:
    """Return whether all threads of a process have ended, waiting for it at most `timeout` seconds."""
    deadline = None if timeout is None else time.monotonic() + timeout
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if poll.poll(None if left is None else min(left * 1000, _LONGEST)):
            return True
        if left == 0.0:
            return False


def is_collected(pidfd: int) -> bool:
    """Whether it has ended and somebody has collected it: its number may mean another one now."""
    return bool(_poll(pidfd) & select.POLLHUP)


def _poll(pidfd: int) -> int:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    found = poll.poll(0)
    return found[0][1] if found else 0
