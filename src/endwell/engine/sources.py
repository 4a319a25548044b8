"""Where a container's output comes from: pipes and terminals of our own, or the stream of an engine."""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from endwell.records import dataclass

if TYPE_CHECKING:
    import socket

_AT_ONCE = 65536
_FRAME_HEAD = 8
_STREAMS = {0: "stdout", 1: "stdout", 2: "stderr"}


class Source(Protocol):
    """Where output comes from: a descriptor that is polled, and what reading it yields."""

    def fileno(self) -> int:
        """The descriptor to wait for."""
        ...

    def read(self) -> list[tuple[str, bytes]] | None:
        """Return what is there, by stream; empty if nothing is, None at the end. Never waits."""
        ...

    def close(self) -> None:
        """Close the descriptor."""
        ...


@dataclass(slots=True)
class Pipe:
    """One end of a pipe, or a pseudo-terminal's outer end, which it owns."""

    descriptor: int
    stream: str

    def __post_init__(self) -> None:
        os.set_blocking(self.descriptor, False)

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self.descriptor

    def read(self) -> list[tuple[str, bytes]] | None:
        """Return what is there."""
        try:
            piece = os.read(self.descriptor, _AT_ONCE)
        except BlockingIOError:
            return []
        except OSError:
            # A pseudo-terminal says so when nobody has its other end open any more.
            return None
        return [(self.stream, piece)] if piece else None

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.descriptor)


@dataclass(slots=True)
class Attached:
    """The stream of an engine's attach or exec: raw with a terminal, otherwise in frames.

    A frame is the stream's number, three zeros, four bytes of length, and the bytes. Source:
    https://docs.docker.com/reference/api/engine/ (ContainerAttach, stream format).
    """

    stream: socket.socket
    terminal: bool
    rest: bytes = b""
    _owed: int = 0
    _name: str = "stdout"

    def __post_init__(self) -> None:
        self.stream.setblocking(False)  # noqa: FBT003  the standard library's own

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self.stream.fileno()

    def read(self) -> list[tuple[str, bytes]] | None:
        """Return what is there."""
        try:
            piece = self.stream.recv(_AT_ONCE)
        except BlockingIOError:
            return self.unpack(b"")
        except OSError:
            return None
        if not piece:
            return self.unpack(b"") or None
        return self.unpack(piece)

    def unpack(self, piece: bytes) -> list[tuple[str, bytes]]:
        """Take frames, or parts of them, out of what was read."""
        if self.terminal:
            piece, self.rest = self.rest + piece, b""
            return [("stdout", piece)] if piece else []
        content, self.rest = self.rest + piece, b""
        found: list[tuple[str, bytes]] = []
        place = 0
        while place < len(content):
            if not self._owed:
                if len(content) - place < _FRAME_HEAD:
                    break
                self._name = _STREAMS.get(content[place], "stderr")
                self._owed = int.from_bytes(content[place + 4 : place + 8], "big")
                place += _FRAME_HEAD
                continue
            part = content[place : place + self._owed]
            found.append((self._name, part))
            place += len(part)
            self._owed -= len(part)
        self.rest = content[place:]
        return found

    def close(self) -> None:
        """Close the connection."""
        self.stream.close()


def send_all(stream: socket.socket, content: bytes, limit: float = 10.0) -> None:
    """Write to a socket that does not block; TimeoutError if nothing is taken for `limit` seconds."""
    waiting = select.poll()
    waiting.register(stream, select.POLLOUT)
    deadline = time.monotonic() + limit
    while content:
        if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError("it does not read")
        with suppress(BlockingIOError):
            content = content[stream.send(content) :]
