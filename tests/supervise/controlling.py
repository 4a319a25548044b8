"""A client of the control protocol that knows lines only, so that it can also do what no client should."""

from __future__ import annotations

import array
import json
import os
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from tests.supervise.upping import PATIENCE, Up

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = Any  # what JSON can hold
Value = dict[str, Any]


class Talk:
    """One connection.

    Args:
        place: of the socket.
    """

    def __init__(self, place: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect("\0" + place[1:] if place.startswith("@") else place)
        except OSError:
            self.socket.close()
            raise
        self.socket.settimeout(PATIENCE)  # not before: a queue that is full is waited for
        self._rest = b""
        self._lines: deque[bytes] = deque()
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.socket.close()

    def send(self, do: str, *, descriptors: tuple[int, ...] = (), **arguments: Json) -> int:
        """Ask for something, and return its number."""
        self._number += 1
        names = {name.replace("_", "-"): value for name, value in arguments.items()}
        line = json.dumps({"id": self._number, "do": do, **names}).encode() + b"\n"
        if descriptors:
            rights = array.array("i", descriptors)
            self.socket.sendmsg([line], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        else:
            self.socket.sendall(line)
        return self._number

    def lines(self) -> Iterator[Value]:
        """Yield what comes, until the supervisor closes the connection."""
        while True:
            while self._lines:
                yield json.loads(self._lines.popleft())
            try:
                data = self.socket.recv(1 << 20)
            except ConnectionResetError:
                return
            if not data:
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            self._lines.extend(lines)

    def read(self) -> Value:
        """Return the next line."""
        for value in self.lines():
            return value
        raise EOFError

    def answer(self, number: int) -> tuple[list[Value], Value]:
        """Return what comes for a request: what is more, and the last line."""
        more: list[Value] = []
        for value in self.lines():
            if value["id"] != number:
                continue
            if "more" not in value:
                return more, value
            more.append(value["more"])
        raise EOFError(f"closed before request {number} was answered")

    def ask(self, do: str, **arguments: Json) -> Value:
        """Ask for something, and return its result."""
        _, last = self.answer(self.send(do, **arguments))
        assert "ok" in last, last
        found: Value = last["ok"]
        return found

    def refused(self, do: str, **arguments: Json) -> tuple[str, str]:
        """Ask for something that is not done, and return the kind of the error and its message."""
        _, last = self.answer(self.send(do, **arguments))
        assert "error" in last, last
        return last["error"]["kind"], last["error"]["message"]

    def results(self, do: str, *services: str, **arguments: Json) -> dict[str, str]:
        """Ask for something, and return the kind of each result by label; empty where it is done."""
        found = self.ask(do, services=list(services), **arguments)["results"]
        return {one["label"]: one["kind"] for one in found}

    def rows(self, *services: str) -> dict[str, Value]:
        """Return what `ps` says, by label."""
        return {row["label"]: row for row in self.ask("ps", services=list(services))["services"]}


class Controlled(Up):
    """A supervisor with a socket."""

    def __init__(self, directory: Path, text: str, *arguments: str, **more: Any) -> None:  # noqa: ANN401  Up's
        self.place = str(directory / "s")
        super().__init__(directory, text, "--socket", self.place, *arguments, **more)

    def talk(self) -> Talk:
        """Connect, as soon as it listens."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return Talk(self.place)
            except (FileNotFoundError, ConnectionRefusedError):
                if self.process.poll() is not None or time.monotonic() > until:
                    raise
                os.sched_yield()
