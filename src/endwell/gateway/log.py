"""What a process has written: in a log file, or as much of it as the supervisor has kept.

A log file is read here and not by the supervisor, which has more to do: clients ask for all of it at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from endwell.gateway import files
from endwell.gateway.faults import FaultError
from endwell.model.faults import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from endwell.gateway.control import Control

HEAD = 1024  # bytes of what is there already that are shown to who follows, as supervisord does
_HELD_LINES = 10


class Log(Protocol):
    """One stream of a process, or the supervisor's own log."""

    async def read(self, offset: int, length: int) -> str:
        """Return a part: from an offset or, below zero, from so many bytes before the end; 0 is all.

        Raises:
            FaultError: BAD_ARGUMENTS, NO_FILE or FAILED.
        """

    async def tail(self, offset: int, length: int) -> tuple[str, int, bool]:
        """Return the end for somebody who has seen it up to an offset: text, next offset, whether cut.

        Raises:
            FaultError: NO_FILE or FAILED.
        """


class FileLog:
    """A log file.

    Args:
        path: of it.
        temporary: it is an AUTO file: supervisord makes them before anybody writes, so none is missing.
    """

    def __init__(self, path: str, *, temporary: bool = False) -> None:
        self._path = path
        self._temporary = temporary

    async def read(self, offset: int, length: int) -> str:
        """As `Log.read`."""
        try:
            return _text(await asyncio.to_thread(files.read, self._path, offset, length))
        except FaultError as error:
            if self._temporary and error.code is Fault.NO_FILE:
                return ""
            raise

    async def tail(self, offset: int, length: int) -> tuple[str, int, bool]:
        """As `Log.tail`."""
        data, end, overflow = await asyncio.to_thread(files.tail, self._path, offset, length)
        return _text(data), end, overflow


class HeldLog:
    """What goes to the container's own output, of which the supervisor keeps the last part.

    Offsets count from the beginning of what is kept.

    Args:
        control: the supervisor.
        name: of the process.
        stream: `stdout` or `stderr`.
    """

    def __init__(self, control: Control, name: str, stream: str) -> None:
        self._control = control
        self._name = name
        self._stream = stream

    async def read(self, offset: int, length: int) -> str:
        """As `Log.read`."""
        begin, end = files.part(len(kept := await self._kept()), offset, length)
        return _text(kept[begin:end])

    async def tail(self, offset: int, length: int) -> tuple[str, int, bool]:
        """As `Log.tail`."""
        begin, end, overflow = files.last_part(len(kept := await self._kept()), offset, length)
        return _text(kept[begin:end]), len(kept), overflow

    async def _kept(self) -> bytes:
        pieces = held(self._control, self._name, self._stream, follow=False)
        return b"".join([piece async for piece in pieces])


class NoLog:
    """Output that goes nowhere."""

    async def read(self, offset: int, length: int) -> str:  # noqa: ARG002  there is nothing of it
        """As `Log.read`."""
        raise FaultError(Fault.NO_FILE)

    async def tail(self, offset: int, length: int) -> tuple[str, int, bool]:  # noqa: ARG002  likewise
        """As `Log.tail`."""
        raise FaultError(Fault.NO_FILE)


async def held(control: Control, name: str, stream: str, *, follow: bool) -> AsyncGenerator[bytes, None]:
    """Go through the lines a process has written to the container's output.

    Args:
        control: the supervisor, which keeps the last of them.
        name: of the process.
        stream: `stdout` or `stderr`.
        follow: only a few of them, and then those that come.
    """
    tail = _HELD_LINES if follow else None
    with control.open("logs", services=[name], tail=tail, follow=follow) as request:
        async for line in request:
            if line.get("stream") == stream and "text" in line:
                yield f"{line['text']}\n".encode(errors="surrogateescape")


def _text(data: bytes) -> str:
    # A part of a file may begin within a character, and programs write what they like.
    return data.decode(errors="replace")
