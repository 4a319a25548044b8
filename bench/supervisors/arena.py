"""Where a supervisor runs under measurement, with everything it starts below us, seen and ended by us."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

RECORD = struct.Struct("=qiHH")
PATIENCE = 60.0
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_LOOK = 0.002  # seconds between two looks at what was reported: the reports carry their own times
_TICK = os.sysconf("SC_CLK_TCK")


class TooLateError(Exception):
    """What was waited for has not come."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a guest has said.

    Args:
        at: when, in seconds of the monotonic clock.
        pid: who.
        number: which service it is.
        what: one letter, see guest.c.
    """

    at: float
    pid: int
    number: int
    what: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What some processes have used so far: seconds of a processor, and how often they were switched off."""

    seconds: float
    switches: int


def become_subreaper() -> None:
    """Have all orphans below us come to us."""
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)


class Arena:
    """A supervisor at work.

    Args:
        command: how it is started.
        directory: where it runs and `fifo` is.
        guest: the guests' program: who runs it is no part of the supervisor.
        environment: added to a small one.
        stdout: its stdout and stderr; None for a file in the directory.
    """

    def __init__(
        self,
        command: Sequence[str],
        directory: Path,
        guest: Path,
        environment: dict[str, str],
        stdout: int | None = None,
    ) -> None:
        self.reports: list[Report] = []
        self._guest = str(guest)
        self._fifo = os.open(directory / "fifo", os.O_RDONLY | os.O_NONBLOCK)
        self._rest = b""
        self._log = directory / "output"
        with self._log.open("wb") as log:
            target = log.fileno() if stdout is None else stdout
            self.began = time.monotonic()
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=target,
                cwd=directory,
                env={"PATH": os.environ["PATH"], "HOME": str(directory), **environment},
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        while pids := below(os.getpid()):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._collect()
            time.sleep(_LOOK)
        os.close(self._fifo)
        self.process.returncode = 0

    # ------------------------------------------------------------------------------------------------ reports

    def wait_for(self, number: int, what: str, patience: float = PATIENCE) -> list[Report]:
        """Wait until so many reports of a kind have come; return all of that kind."""
        until = time.monotonic() + patience
        while len(found := [one for one in self.reports if one.what == what]) < number:
            if not self.read():
                if time.monotonic() > until:
                    raise TooLateError(f"{len(found)} of {number} {what!r} in {patience:g} s: {self.said()}")
                time.sleep(_LOOK)
        return found

    def read(self) -> bool:
        """Take what was reported meanwhile; return whether there was anything."""
        try:
            data = self._rest + os.read(self._fifo, 65536)
        except BlockingIOError:
            return False
        whole = len(data) // RECORD.size * RECORD.size
        self._rest = data[whole:]
        self.reports += [
            Report(at / 1e9, pid, number, chr(what))
            for at, pid, number, what in RECORD.iter_unpack(data[:whole])
        ]
        return bool(whole)

    def read_all(self) -> None:
        """Take all that was reported meanwhile: a guest that cannot report waits."""
        while self.read():
            pass

    def said(self) -> str:
        """The end of what the supervisor has said."""
        return self._log.read_text(errors="replace")[-500:]

    # ------------------------------------------------------------------------------------------------ the end

    def end(self, number: int = signal.SIGTERM, patience: float = PATIENCE) -> float:
        """Ask it to stop; return after how many seconds nobody was left."""
        began = time.monotonic()
        os.kill(self.process.pid, number)
        self.gone(patience)
        return time.monotonic() - began

    def end_amid_reports(self, number: int) -> float:
        """As `end`, while reports go on coming."""
        began = time.monotonic()
        os.kill(self.process.pid, number)

        def over() -> bool:
            self.read_all()
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return True
            return False

        return until(over) - began

    def gone(self, patience: float = PATIENCE) -> None:
        """Wait until nobody is left below us."""

        def late(*_: object) -> None:
            raise TooLateError(f"not over after {patience:g} s: {self.said()}")

        before = signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, patience)
        try:
            while True:
                # What a guest cannot get rid of keeps it from ending.
                os.waitpid(-1, 0)
        except ChildProcessError:
            return
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    # ------------------------------------------------------------------------------------------ what it costs

    def own(self) -> list[int]:
        """The supervisor's own processes: all below us but the guests."""
        return [pid for pid in below(os.getpid()) if _program(pid) not in {self._guest, ""}]

    def memory(self) -> float:
        """Megabytes of the proportional share of the supervisor's own processes."""
        return sum(proportional(pid) for pid in self.own()) / 1024

    def usage(self) -> Usage:
        """What the supervisor's own processes have used so far; services that have ended do not count."""
        pids = self.own()
        return Usage(sum(map(_seconds, pids)), sum(map(_switches, pids)))

    @staticmethod
    def _collect() -> None:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def below(root: int) -> list[int]:
    """Everybody below a process, those who have ended and were not collected included."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208  names are all we want
        if entry.isdecimal() and (text := _text(f"/proc/{entry}/stat")):
            parents.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(entry))
    found: list[int] = []
    open_ = [root]
    while open_:
        children = parents.get(open_.pop(), [])
        found += children
        open_ += children
    return found


def proportional(pid: int) -> int:
    """Kilobytes of a process's proportional share of memory."""
    found = re.search(r"^Pss:\s+(\d+)", _text(f"/proc/{pid}/smaps_rollup"), re.MULTILINE)
    return int(found[1]) if found else 0


def until(true: Callable[[], bool], patience: float = PATIENCE) -> float:
    """Wait until something holds; return when that was seen."""
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            raise TooLateError(f"it did not come in {patience:g} s")
        time.sleep(_LOOK / 2)
    return time.monotonic()


def _program(pid: int) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115  for hundreds
    return ""


def _seconds(pid: int) -> float:
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if not fields:
        return 0.0
    nanoseconds = _text(f"/proc/{pid}/schedstat").split()
    return int(nanoseconds[0]) / 1e9 if nanoseconds else (int(fields[11]) + int(fields[12])) / _TICK


def _switches(pid: int) -> int:
    return sum(
        int(count)
        for task in _entries(f"/proc/{pid}/task")
        for count in re.findall(r"ctxt_switches:\s+(\d+)", _text(f"{task}/status"))
    )


def _entries(path: str) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from Path(path).iterdir()


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  for thousands
            return file.read()
    except OSError:
        return ""
