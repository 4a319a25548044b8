"""What a process has used: /proc/PID/stat and /proc/PID/status, man 5 proc."""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH123

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# In /proc/PID/stat, behind the name.
_STATE, _PARENT, _USER_TIME, _SYSTEM_TIME, _STARTED, _RESIDENT = 0, 1, 11, 12, 19, 21


class Usage(NamedTuple):
    """What is known of a process.

    Args:
        state: one letter, as ps(1) shows it.
        parent: the number of its parent.
        user: the number of its user.
        cpu: seconds of processor time.
        resident: bytes of memory.
        started: seconds since the machine was started.
    """

    state: str
    parent: int
    user: int
    cpu: float
    resident: int
    started: float


def usage(pid: int) -> Usage | None:
    """Return what a process has used; None if it is not there any more."""
    text = _read(f"/proc/{pid}/stat")
    fields = text[text.rfind(b")") + 2 :].split()
    if len(fields) <= _RESIDENT:
        return None
    user = 0
    for line in _read(f"/proc/{pid}/status").split(b"\n"):
        if line.startswith(b"Uid:"):
            user = int(line.split()[2])  # the effective one
            break
    cpu = (int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])) / _TICKS
    started = int(fields[_STARTED]) / _TICKS
    return Usage(
        fields[_STATE].decode(), int(fields[_PARENT]), user, cpu, int(fields[_RESIDENT]) * _PAGE, started
    )


def boot_time() -> float:
    """Return when the machine was started, by the wall clock; 0 if nobody knows."""
    for line in _read("/proc/stat").split(b"\n"):
        if line.startswith(b"btime "):
            return float(line.split()[1])
    return 0.0


def user_names() -> dict[int, str]:
    """Return the names in /etc/passwd: other sources might have to be waited for."""
    found: dict[int, str] = {}
    with contextlib.suppress(OSError), open("/etc/passwd", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            name, _, number, *_ = (*line.split(":"), "", "", "")
            if number.isdecimal():
                found.setdefault(int(number), name)
    return found


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""
