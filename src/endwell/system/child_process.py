"""A program that was started, for as long as it is not collected."""

from __future__ import annotations

import os
import signal

from endwell.model.process import End
from endwell.model.signals import Signal
from endwell.records import dataclass


@dataclass(frozen=True, slots=True)
class Process:
    """A child of ours that nobody has collected.

    Args:
        pid: its number, which is its process group's as well.
        pidfd: a descriptor that stands for it.
    """

    pid: int
    pidfd: int

    def send(self, number: int) -> bool:
        """Send a signal; returns whether it is there to hear it."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def send_group(self, number: int) -> bool:
        """Send a signal to its process group; to be called only while it is not collected."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return self.send(number)
        return True

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.pidfd)


def next_ended() -> tuple[int, End] | None:
    """Collect any child that has ended; return its number and how it ended, None if there is none."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return None
    if found is None:
        return None
    if found.si_code == os.CLD_EXITED:
        return found.si_pid, End(code=found.si_status)
    return found.si_pid, End(signal=Signal(found.si_status))
