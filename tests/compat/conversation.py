"""A running init, and what can be said to it."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.compat.case import NAMESPACE, UNDER_SHELL

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from tests.compat.case import Observation, Place


@contextlib.contextmanager
def deadline(seconds: float, what: Callable[[], str]) -> Iterator[None]:
    """Ends whatever blocks inside after so many seconds with TimeoutError."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"{what()}: nothing more happened within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def until(fact: Callable[[], bool]) -> None:
    """Waits for a fact of the kernel that nobody announces. The deadline around it ends the wait."""
    while not fact():
        os.sched_yield()


def state_of(pid: int) -> str:
    """The letter of /proc/PID/stat, or "" when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Conversation:
    """A running init: what it and its command say, and what can be done to it."""

    def __init__(
        self, process: subprocess.Popen[bytes], program: Path, streams: Mapping[str, int], place: Place
    ) -> None:
        self.process = process
        self.program = program
        self.place = place
        self.notes: Observation = {}
        self.streams = streams
        self.said: dict[str, bytes] = dict.fromkeys(streams, b"")
        self._read = 0
        self._lines: list[str] = []
        self._selector = selectors.DefaultSelector()
        self._pidfds: list[int] = []
        self._ended = False
        self._pidfds.append(os.pidfd_open(process.pid))
        self._selector.register(self._pidfds[0], selectors.EVENT_READ, "")
        for name, fd in streams.items():
            self._selector.register(fd, selectors.EVENT_READ, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._kill()
        self.process.wait()
        self._selector.close()
        for pidfd in self._pidfds:
            os.close(pidfd)
        for fd in self.streams.values():
            os.close(fd)

    def _listen(self) -> bool:
        """Reads what comes next; False at the end of all streams."""
        if not self._selector.get_map():
            return False
        for key, _events in self._selector.select():
            if not key.data:
                self._ended = True
                self._selector.unregister(key.fd)
                continue
            try:
                chunk = os.read(key.fd, 65536)
            except OSError:  # EIO: the last process has closed its side of the terminal
                chunk = b""
            if not chunk:
                self._selector.unregister(key.fd)
                continue
            whole = self.said[key.data] + chunk
            old = self.said[key.data].count(b"\n")
            self._lines += [line.decode() for line in whole.split(b"\n")[old:-1]]
            self.said[key.data] = whole
        return True

    def hear(self, pattern: str) -> re.Match[str]:
        """Waits for the next line, of whatever stream, that holds the pattern."""
        while True:
            while self._read < len(self._lines):
                self._read += 1
                if found := re.search(pattern, self._lines[self._read - 1]):
                    return found
            if not self._listen():
                raise AssertionError(f"{pattern!r} was never said; all that was said: {self.said}")

    def ready(self) -> list[int]:
        """Waits until the observers listen: main, and its family if it has one.

        They are ended with the conversation, whatever becomes of the init.
        """
        pids = [int(word) for word in self.hear(r"ready ([\d ]+)")[1].split()]
        if self.place not in NAMESPACE:
            self._pidfds += map(os.pidfd_open, pids)
        return pids

    @property
    def init(self) -> int:
        """The init's pid as we see it."""
        if self.place not in NAMESPACE | UNDER_SHELL:
            return self.process.pid
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        until(lambda: bool(children.read_text()))
        return int(children.read_text().split()[0])

    def send(self, number: int) -> None:
        """Signals the init."""
        os.kill(self.init, number)

    def heard(self, number: int, who: str = "main") -> None:
        """Waits until the observer has received a signal."""
        # An init that job control stops in the midst of a line of its own has written the beginning of that.
        self.hear(rf"^(\[[A-Z]*)?{who} heard {number}$")

    def type(self, keys: bytes) -> None:
        """Writes to the terminal as a person would."""
        os.write(self.streams["stdout"], keys)

    def stopped(self) -> int:
        """Waits until the init, our child, has stopped itself; returns the stop signal."""
        result = os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if result is None or result.si_code != os.CLD_STOPPED:
            raise AssertionError(f"the init ended instead of stopping; it said {self.said}")
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        return result.si_status

    def finish(self) -> None:
        """Waits for the init's end, then for that of everybody who holds its streams."""
        while not self._ended and self._listen():
            pass
        self.process.wait()
        self._kill()
        while self._listen():
            pass

    def _kill(self) -> None:
        for pidfd in self._pidfds:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
