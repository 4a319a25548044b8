"""Wait until a container is ready to be stopped."""

from __future__ import annotations

import math
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from endwell.engine.interruptions import for_threads
from endwell.model.timeline import Ready
from endwell.probe.glance import exists, is_outsider, look, outside, ports
from endwell.probe.network import enter, is_ours
from endwell.probe.ready_check import Command, FileThere, HttpUrl, LogLine, Pause, Settled, TcpPort
from endwell.probe.settling import Settling

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from endwell.engine.output import Line
    from endwell.probe.load.options import Target
    from endwell.probe.ready_check import ReadyCheck

_TICK = 0.01  # seconds between two looks
_EXEC_AGAIN = 0.2  # seconds between two commands
_ONE_TRY = 5.0  # seconds that one connection or answer may take
_BAD = 400


class Room(Protocol):
    """What the waiting has to know of a container, and may do in it."""

    @property
    def lines(self) -> Sequence[Line]:
        """What it has printed, oldest first; where that was too much, some of it."""
        ...

    def members(self) -> tuple[int, ...]:
        """Return its processes by our numbers; empty where we cannot see them."""
        ...

    def ended(self) -> bool:
        """Whether it has ended."""
        ...

    def wait(self, timeout: float) -> None:
        """Return after `timeout` seconds, or earlier when it has printed something or ended."""
        ...

    def root(self) -> Path:
        """Return where its files are (`/proc/PID/root`)."""
        ...

    def exec(self, command: tuple[str, ...], timeout: float) -> int | None:
        """Run a command inside and return its status; None when it took longer than `timeout` seconds."""
        ...


def wait_until_ready(
    check: ReadyCheck, room: Room, timeout: float = 30.0, clock: Callable[[], float] = time.monotonic
) -> Ready:
    """Wait until the container is ready, has ended, or `timeout` seconds have passed.

    Returns:
        what it was, and when, in seconds of the monotonic clock; `at` is None when it did not become ready.

    Args:
        check: what to wait for.
        room: the container.
        timeout: seconds.
        clock: tells the time; for tests.

    Raises:
        ValueError: a process outside of the container answers.
    """
    begun = clock()
    tries = _tries(check, room, begun, timeout)
    while True:
        # In this order: what it printed last, or wrote before its end, counts.
        ended = room.ended()
        found = tries(clock())
        now = clock()
        if found:
            return Ready(found, now)
        if ended or now >= begun + timeout:
            return Ready(str(check), None)
        following = min(now + _TICK, begun + timeout)
        while (left := following - clock()) > 0 and not room.ended():
            room.wait(left)


def _tries(check: ReadyCheck, room: Room, begun: float, timeout: float) -> Callable[[float], str | None]:
    """Return what is asked at every tick: why the container is ready, or None."""
    name = str(check)
    holds: Callable[[float], bool]
    match check:
        case LogLine():
            holds = _Log(check.pattern, room).holds
        case TcpPort(host=""):
            holds = lambda _: check.port in ports(room.members())  # noqa: E731  as short as its siblings
        case TcpPort():
            holds = _Repeated(room, check, lambda: _connect(check.host, check.port)).holds
        case HttpUrl():
            holds = _Repeated(room, check.target, lambda: _get(check.target)).holds
        case Command():
            holds = _Inside(room, check.text, begun + timeout).holds
        case FileThere():
            holds = lambda _: exists(room.root(), check.path)  # noqa: E731  likewise
        case Pause():
            holds = lambda now: now >= begun + check.seconds  # noqa: E731  likewise
        case Settled():
            settling = Settling(begun)
            return lambda now: settling.look(look(room.members(), room.lines, now))
    return lambda now: name if holds(now) else None


class _Log:
    """Lines of output, each looked at once, or a second time if it came at the same instant as the last."""

    def __init__(self, pattern: re.Pattern[str], room: Room) -> None:
        self._pattern = pattern
        self._room = room
        self._since = -math.inf

    def holds(self, _: float) -> bool:
        since = self._since
        for line in reversed(self._room.lines):
            if line.at < since:
                break
            if self._pattern.search(line.text):
                return True
            self._since = max(self._since, line.at)
        return False


class _Inside:
    """A command that runs inside until it succeeds."""

    def __init__(self, room: Room, text: str, deadline: float) -> None:
        self._room = room
        self._command = ("/bin/sh", "-c", text)
        self._deadline = deadline
        self._again = -math.inf

    def holds(self, now: float) -> bool:
        if now < self._again or self._room.ended():
            return False
        self._again = now + _EXEC_AGAIN
        return self._room.exec(self._command, max(0.0, self._deadline - now)) == 0


class _Repeated:
    """A question asked from the container's network, in a thread, which may enter that and take its time.

    Args:
        room: the container.
        target: what is asked.
        question: the asking.
    """

    def __init__(self, room: Room, target: TcpPort | Target, question: Callable[[], bool]) -> None:
        self._room = room
        self._target = target
        self._question = question
        self._thread: threading.Thread | None = None
        self._answer = False

    def holds(self, _: float) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return False
        if not self._answer:
            thread = threading.Thread(target=self._ask, args=(self._room.members(),), daemon=True)
            with for_threads():
                thread.start()
            self._thread = thread
        if self._answer and is_outsider(self._room.members(), self._target.host, self._target.port):
            raise ValueError(f"cannot wait for {self._target}: {outside(self._target.port)}")
        return self._answer

    def _ask(self, members: tuple[int, ...]) -> None:
        # Whatever a server in its first moments answers, it is not ready; there is another question.
        with suppress(Exception):
            if members and not is_ours(network := f"/proc/{min(members)}/ns/net"):
                enter(network)
            self._answer = self._question()


def _connect(host: str, port: int) -> bool:
    with socket.create_connection((host, port), timeout=_ONE_TRY):
        return True


def _get(target: Target) -> bool:
    import http.client  # noqa: PLC0415  20 ms that most probes do not need

    connection = http.client.HTTPConnection(target.host, target.port, timeout=_ONE_TRY)
    try:
        connection.request("GET", target.path, headers={"Host": target.authority})
        return connection.getresponse().status < _BAD
    finally:
        connection.close()
