"""The processes of a PID namespace, as /proc of the host has them: by what they are in, never by a climb."""

from __future__ import annotations

import os
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.machine.question import Found
from endwell.parse.procfs import read_command, read_stat, read_status

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where an ELF file says how long its words are, and what it says for ours.
_KIND = slice(4, 5)
_OURS = bytes((struct.calcsize("P") // 4,))
HERTZ = os.sysconf("SC_CLK_TCK")


def command_line(pid: int) -> tuple[str, ...]:
    """Return the command line of a process; OSError when it has gone."""
    return read_command(Path(f"/proc/{pid}/cmdline").read_bytes())


def namespace_of(pid: int) -> tuple[int, int] | None:
    """Return the identity of the PID namespace of a process; None when it has gone."""
    try:
        found = os.stat(f"/proc/{pid}/ns/pid")  # noqa: PTH116  called for whatever executes on this machine
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_foreign(pid: int) -> bool:
    """Whether a process executes a program of another word size than ours: a 32-bit one."""
    try:
        with open(f"/proc/{pid}/exe", "rb", buffering=0) as file:  # noqa: PTH123  called for every program
            return file.read(_KIND.stop)[_KIND] not in {b"", _OURS}
    except OSError:
        return False


def members(identity: tuple[int, int]) -> Iterator[Found]:
    """Yield every process in a PID namespace; those that end meanwhile are left out."""
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal() and namespace_of(int(entry.name)) == identity:
            with suppress(OSError, ValueError, IndexError):
                yield find(int(entry.name))


def find(pid: int) -> Found:
    """Return what /proc shows of a process; OSError or ValueError when it has gone."""
    place = Path(f"/proc/{pid}")
    status = read_status((place / "status").read_text(errors="replace"))
    stat = read_stat((place / "stat").read_text(errors="replace"))
    # Since boot, a clock that also counts the time asleep; told in ticks.
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - stat.started / HERTZ
    threads = tuple(int(name) for name in os.listdir(place / "task"))  # noqa: PTH208  numbers, not paths
    argv = read_command((place / "cmdline").read_bytes())
    return Found(time.monotonic() - age, pid, status.inside, status.ppid, threads, status.name, argv)
