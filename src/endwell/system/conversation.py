"""A client of the control protocol that waits: one connection, requests, and what is answered.

For programs of their own, never for the supervisor, which waits for nobody. Whom one talks to is asked of
the kernel: a place that anybody may write to, such as /tmp, can hold the socket of anybody. So a supervisor
that was looked for is taken only when it is of the same user, or root's; to name one is the caller's choice.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from endwell.model.control import ControlError, Kind, decode, encode, places
from endwell.system.credentials import peer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self

_CHUNK = 1 << 18
_COLUMNS = 8
_ACCEPTS = "00010000"  # __SO_ACCEPTCON: somebody listens
_OURS = re.compile(r"^@endwell-\d+$|endwell[^/]*\.sock$")

Message = dict[str, Any]


class Tried(NamedTuple):
    """A place where no supervisor was found, and why; empty: there is nothing at all."""

    place: str
    why: str


class NobodyError(Exception):
    """There is no supervisor to talk to.

    Args:
        tried: where it was looked for.
    """

    def __init__(self, tried: Sequence[Tried]) -> None:
        super().__init__(", ".join(one.place for one in tried))
        self.tried = tuple(tried)


class RefusedError(Exception):
    """The answer is an error.

    Args:
        kind: one of the protocol's words.
        message: one line for people.
        problems: further lines.
    """

    def __init__(self, kind: str, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.problems = tuple(problems)


class OverError(Exception):
    """The supervisor has closed the connection before it has answered: it has ended, or has no more time."""


class Conversation:
    """A connection to a supervisor.

    Args:
        connection: is closed with it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._begun = bytearray()
        self._came: deque[Message] = deque()
        self._last = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def fileno(self) -> int:
        """The descriptor: it can be read when `receive` need not wait."""
        return self._connection.fileno()

    def send(self, do: str, arguments: Message | None = None, descriptors: Sequence[int] = ()) -> int:
        """Ask for something and return its number, without waiting for the answer.

        Args:
            do: what.
            arguments: of it; those that are None are left out.
            descriptors: that go with it.

        Raises:
            OverError: nobody is there any more.
        """
        self._last += 1
        said = {name: value for name, value in (arguments or {}).items() if value is not None}
        line = encode({"id": self._last, "do": do, **said})
        try:
            if descriptors:
                line = line[socket.send_fds(self._connection, [line], list(descriptors)) :]
            self._connection.sendall(line)
        except (BrokenPipeError, ConnectionResetError):
            raise OverError from None
        return self._last

    def receive(self) -> list[Message]:
        """Wait until something has come, and return all of it.

        Raises:
            OverError: nothing comes any more.
            ControlError: it is not in the words of the protocol.
        """
        messages: list[Message] = []
        while not messages:
            messages = self._read()
        return messages

    def ask(self, do: str, arguments: Message | None = None) -> Message:
        """Ask for something and return its answer.

        Raises:
            RefusedError: it is an error.
            OverError: there is none.
        """
        asked = self.send(do, arguments)
        while True:
            for message in self.receive():
                if message.get("id") in {asked, None} and "more" not in message:
                    return answer(message)

    def follow(self, do: str, arguments: Message | None = None) -> Iterator[list[Message]]:
        """Ask for something of which there is more and more; yield it as it comes, until it is all.

        Raises:
            RefusedError: as `ask`.
            OverError: as `ask`.
        """
        asked = self.send(do, arguments)
        while True:
            more: list[Message] = []
            for message in self.receive():
                if message.get("id") not in {asked, None}:
                    continue
                if "more" in message:
                    more.append(message["more"])
                    continue
                if more:
                    yield more
                answer(message)
                return
            if more:
                yield more

    def _read(self) -> list[Message]:
        try:
            data = self._connection.recv(_CHUNK)
        except ConnectionResetError:
            data = b""
        if not data:
            raise OverError
        if b"\n" not in data:
            self._begun += data
            return []
        whole, _, begun = data.rpartition(b"\n")
        lines = bytes(self._begun) + whole
        self._begun = bytearray(begun)
        return _decoded(lines)


def _decoded(lines: bytes) -> list[Message]:
    """Return what lines say; read as one value, which takes half the time of reading each."""
    if b"\n" not in lines:
        return [decode(lines)]
    found: list[Message] = decode(b'{"lines":[' + lines.replace(b"\n", b",") + b"]}")["lines"]
    if not all(isinstance(one, dict) for one in found):
        raise ControlError(Kind.MALFORMED, "a line is not an object")
    return found


def answer(message: Message) -> Message:
    """Return what is answered.

    Raises:
        RefusedError: it is an error.
        ControlError: it is neither an answer nor an error.
    """
    error, found = message.get("error"), message.get("ok")
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        raise RefusedError(str(error.get("kind")), error["message"], error.get("problems", ()))
    if not isinstance(found, dict):
        raise ControlError(Kind.MALFORMED, "it says neither `ok` nor `error`")
    return found


def connect(place: str | None = None) -> Conversation:
    """Connect to the supervisor at a place, or to the first one that is found.

    Args:
        place: a path, or a name of the abstract namespace with an @ before it; None: where one may be.

    Raises:
        NobodyError: there is none.
    """
    if place is not None:
        return _connect([place], any_user=True)
    return _connect(places(os.geteuid(), os.environ), any_user=False)


def elsewhere() -> tuple[str, ...]:
    """Return places with a name like ours where somebody listens, for people to choose from.

    They are those of our network namespace, whoever they belong to and wherever their files are.
    """
    try:
        with open("/proc/net/unix", errors="replace") as file:  # noqa: PTH123  all else goes without pathlib
            return _listening(file)
    except OSError:
        return ()


def _listening(table: Iterable[str]) -> tuple[str, ...]:
    """Read /proc/net/unix: Num RefCount Protocol Flags Type St Inode Path."""
    rows = (line.split(maxsplit=7) for line in table)
    found = [row[7].rstrip("\n") for row in rows if len(row) == _COLUMNS and row[3] == _ACCEPTS]
    return tuple(one for one in dict.fromkeys(found) if _OURS.search(one))


def _connect(candidates: Sequence[str], *, any_user: bool) -> Conversation:
    tried: list[Tried] = []
    for place in candidates:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            connection.connect(b"\0" + os.fsencode(place[1:]) if place.startswith("@") else place)
            owner = peer(connection).user
        except OSError as error:
            connection.close()
            tried.append(Tried(place, _reason(place, error)))
            continue
        if any_user or owner in {0, os.geteuid()}:
            return Conversation(connection)
        connection.close()
        tried.append(Tried(place, f"it belongs to user {owner}: name it with --socket to trust it"))
    raise NobodyError(tried)


def _reason(place: str, error: OSError) -> str:
    if error.errno in {errno.ENOENT, errno.ENOTDIR} or (
        error.errno == errno.ECONNREFUSED and place.startswith("@")
    ):
        return ""
    if error.errno == errno.ECONNREFUSED:
        return "nobody listens there any more"
    return error.strerror or str(error)  # a path that is too long has no number
