"""How it is noticed that a process is ready, by each of the means there are.

Two of them need something that the process inherits, so each is made before the spawn (`variables`,
`descriptors`), begins after it (`begin`), and is closed at the process's end, or as soon as it is ready. All
belong to one process: what the one before it has sent late does not count for the next.
"""

from __future__ import annotations

import _socket  # socket makes enumerations of hundreds of constants that nobody needs here
import os
import re
import struct
from typing import TYPE_CHECKING, Protocol

from endwell.model.readiness import Means
from endwell.supervise.asking import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.model.readiness import Readiness
    from endwell.supervise.asking import Question, Runner
    from endwell.supervise.streams import Outlets
    from endwell.system.loop import Loop, Timer

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred, man 7 unix
_MOST = 65536
_ONE_QUESTION = 5.0  # seconds; whoever takes longer to answer is asked anew


class Waiting(Protocol):
    """Waiting for one process to be ready."""

    variables: dict[str, str]
    descriptors: dict[int, int]

    def begin(self, outlets: Outlets, user: int) -> None:
        """The process is there, with these outlets, and as this user."""

    def close(self) -> None:
        """Wait no longer."""


class Notified:
    """sd_notify(3): a datagram with READY=1 to the socket that NOTIFY_SOCKET names.

    The socket has no place in a file system, so that none has to be writable; its name is a secret that only
    this process and those it trusts have, and the kernel says who sends: we, root or the service's own user
    may, from our own PID namespace.
    """

    def __init__(self, loop: Loop, ready: Callable[[], None]) -> None:
        self._loop = loop
        self._ready = ready
        self._users = {0, os.getuid()}
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_NONBLOCK)
        self._socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_PASSCRED, 1)
        name = f"endwell-{os.urandom(16).hex()}"
        self._socket.bind(f"\0{name}")
        self.variables = {"NOTIFY_SOCKET": f"@{name}"}
        self.descriptors: dict[int, int] = {}

    def begin(self, _: Outlets, user: int) -> None:
        """As `Waiting.begin`."""
        self._users.add(user)
        self._loop.watch(self._socket.fileno(), self._read)

    def close(self) -> None:
        """As `Waiting.close`."""
        if self._socket.fileno() >= 0:
            self._loop.forget(self._socket.fileno())
            self._socket.close()

    def _read(self) -> None:
        # Descriptors that come along find no room, and are closed by the kernel.
        try:
            message, ancillary, _, _ = self._socket.recvmsg(_MOST, _socket.CMSG_SPACE(_CREDENTIALS.size))
        except OSError:
            return
        for level, kind, data in ancillary:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_CREDENTIALS:
                pid, user, _ = _CREDENTIALS.unpack(data[: _CREDENTIALS.size])
                if pid and user in self._users and b"READY=1" in message.split(b"\n"):
                    self.close()
                    self._ready()


class Newline:
    """s6's way: a newline on a descriptor whose number the service knows.

    Args:
        loop: for waiting.
        number: of the descriptor.
        ready: called when it is.
    """

    def __init__(self, loop: Loop, number: int, ready: Callable[[], None]) -> None:
        self._loop = loop
        self._ready = ready
        self._reading, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(self._writing, True)
        self.variables: dict[str, str] = {}
        self.descriptors = {number: self._writing}

    def begin(self, _: Outlets, __: int) -> None:
        """As `Waiting.begin`."""
        self._close_writing()
        self._loop.watch(self._reading, self._read)

    def close(self) -> None:
        """As `Waiting.close`."""
        self._close_writing()
        if self._reading >= 0:
            self._loop.forget(self._reading)
            os.close(self._reading)
            self._reading = -1

    def _close_writing(self) -> None:
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1

    def _read(self) -> None:
        try:
            text = os.read(self._reading, _MOST)
        except BlockingIOError:
            return
        if not text or b"\n" in text:
            self.close()
        if b"\n" in text:
            self._ready()


class LogLine:
    """A line of its output that a regular expression is found in.

    Args:
        expression: the expression.
        ready: called when it is.
        seen: called once when lines have come, and none of them was it.
    """

    def __init__(self, expression: str, ready: Callable[[], None], seen: Callable[[str], None]) -> None:
        self._seen: Callable[[str], None] | None = seen
        self._search = re.compile(expression.encode()).search
        self._ready: Callable[[], None] | None = ready
        self._begun: dict[str, bytes] = {}
        self.variables: dict[str, str] = {}
        self.descriptors: dict[int, int] = {}

    def begin(self, outlets: Outlets, _: int) -> None:
        """As `Waiting.begin`."""
        outlets.watch(self._look)

    def close(self) -> None:
        """As `Waiting.close`."""
        self._ready = None
        self._begun.clear()

    def _look(self, stream: str, text: bytes) -> None:
        if self._ready is None:
            return
        *lines, begun = (self._begun.get(stream, b"") + text).split(b"\n")
        self._begun[stream] = begun[-_MOST:]
        if any(self._search(line) for line in lines):
            ready = self._ready
            self.close()
            ready()
        elif lines and self._seen is not None:
            seen, self._seen = self._seen, None
            seen("no line matched")


class Asked:
    """It is asked until it gives a good answer.

    Args:
        loop: for waiting.
        readiness: what, and how often.
        run: for commands.
        ready: called when it is.
        seen: called with what is wrong, when that is something else than before.
    """

    def __init__(
        self,
        loop: Loop,
        readiness: Readiness,
        run: Runner,
        ready: Callable[[], None],
        seen: Callable[[str], None],
    ) -> None:
        self._seen = seen
        self._last = ""
        self._loop = loop
        self._readiness = readiness
        self._run = run
        self._ready = ready
        self._question: Question | None = None
        self._timer: Timer | None = None
        self._round = 0
        self.variables: dict[str, str] = {}
        self.descriptors: dict[int, int] = {}

    def begin(self, _: Outlets, __: int) -> None:
        """As `Waiting.begin`."""
        self._ask()

    def close(self) -> None:
        """As `Waiting.close`."""
        self._round += 1
        if self._timer is not None:
            self._timer.cancel()
        if self._question is not None:
            self._question.cancel()
            self._question = None

    def _ask(self) -> None:
        self.close()
        this = self._round

        def answer(good: bool, seen: str) -> None:  # noqa: FBT001  an answer is yes or no
            if this != self._round:
                return
            self.close()
            if good:
                self._ready()
            else:
                self._timer = self._loop.after(self._readiness.every, self._ask)
                self._tell(seen)

        # Before the question: its answer may come at once.
        self._timer = self._loop.after(max(self._readiness.every, _ONE_QUESTION), self._again)
        question = ask(self._readiness.means, self._readiness.value, self._loop, self._run, answer)
        if this == self._round:
            self._question = question

    def _again(self) -> None:
        self._tell(f"no answer within {max(self._readiness.every, _ONE_QUESTION):g} s")
        self._ask()

    def _tell(self, seen: str) -> None:
        """Say what is wrong, once: it is asked many times a second."""
        if seen != self._last:
            self._last = seen
            self._seen(seen)


def waiting_for(
    readiness: Readiness,
    loop: Loop,
    run: Runner,
    ready: Callable[[], None],
    seen: Callable[[str], None],
) -> Waiting:
    """Return what waits for a process to be ready; `seen` is called with what is seen instead.

    Raises:
        OSError: there is no room for another descriptor.
        ValueError: what it needs makes no sense.
    """
    if readiness.means is Means.NOTIFY:
        return Notified(loop, ready)
    if readiness.means is Means.DESCRIPTOR:
        return Newline(loop, int(readiness.value), ready)
    if readiness.means is Means.LOG:
        return LogLine(readiness.value, ready, seen)
    return Asked(loop, readiness, run, ready, seen)
