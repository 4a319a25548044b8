"""As much of a Redis client as the demo needs, over a unix socket."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

Reply = str | int | list[str] | None


class Store:
    """A connection to the store; waits up to ten seconds for the store to listen."""

    def __init__(self, path: Path) -> None:
        give_up = time.monotonic() + 10
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(path))
            except OSError:
                connection.close()
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.02)
            else:
                break
        self._connection = connection
        self._file = connection.makefile("rwb")

    def ask(self, *words: str) -> Reply:
        """Send one command and return its reply."""
        self.send(*words)
        return self.reply()

    def send(self, *words: str) -> None:
        """Send one command without waiting for its reply, so that many can be on their way."""
        self._file.write(f"*{len(words)}\r\n".encode())
        for word in words:
            self._file.write(f"${len(word)}\r\n{word}\r\n".encode())

    def reply(self) -> Reply:
        """Return the reply to the oldest command that has none yet."""
        self._file.flush()
        line = self._file.readline().decode().rstrip("\r\n")
        if not line:
            raise ConnectionError("the store has left")
        kind, rest = line[0], line[1:]
        if kind == ":":
            return int(rest)
        if kind == "*":
            return [str(self.reply()) for _ in range(int(rest))] if rest != "-1" else None
        if kind == "$":
            return self._file.read(int(rest) + 2)[:-2].decode() if rest != "-1" else None
        if kind == "-":
            raise ConnectionError(rest)
        return rest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._connection.close()
