"""The gateway's side of the control protocol: many requests at a time on one connection to the supervisor."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from typing import TYPE_CHECKING, Any

from endwell.model.control import ControlError, Kind, decode, encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Self

    from endwell.model.control import Value

# A line of the supervisor's; the longest are lists of all services and pieces of log files.
LONGEST = 64 << 20
# What of a stream waits for whoever has asked for it: if he is that slow, he hears no more.
_MOST_WAITING = 4096


class Gone(Exception):  # noqa: N818  it is no mistake of anybody
    """The supervisor has ended, or does not talk to us any more."""


class Control:
    """The supervisor, to be asked.

    Args:
        reader: from it.
        writer: to it.

    Attributes:
        over: whether nothing more can be asked.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._requests: dict[int, Request] = {}
        self.over = False

    async def listen(self) -> None:
        """Take answers until the supervisor has no more of them; whoever waits for one hears that."""
        try:
            while line := await self._reader.readline():
                self._take(decode(line))
        except (OSError, ValueError, ControlError):
            pass  # whoever sends that is no supervisor any more
        finally:
            self.over = True
            for request in self._requests.values():
                request.fail(Gone())
            self._requests.clear()
            self._writer.close()

    def leave(self) -> None:
        """Ask nothing more: the supervisor cancels what is under way, and says so."""
        self.over = True
        if self._writer.can_write_eof():
            self._writer.write_eof()

    async def ask(self, do: str, **arguments: object) -> Value:
        """Ask, and return the answer.

        Cancelled, it cancels the request.

        Raises:
            ControlError: the supervisor refuses.
            Gone: it is not there any more.
        """
        with self.open(do, **arguments) as request:
            return await request.answer()

    def open(self, do: str, **arguments: object) -> Request:
        """Ask for something that is answered bit by bit; to be used in a `with`.

        Raises:
            Gone: the supervisor is not there any more.
        """
        if self.over:
            raise Gone
        number = next(self._numbers)
        request = self._requests[number] = Request(self, number)
        self._writer.write(encode({"id": number, "do": do, **arguments}))
        return request

    def forget(self, number: int) -> None:
        """Take no more answers to this request."""
        if self._requests.pop(number, None) is not None and not self.over:
            self._writer.write(encode({"id": next(self._numbers), "do": "cancel", "of": number}))

    def _take(self, value: Value) -> None:
        number = value.get("id")
        request = self._requests.get(number) if isinstance(number, int) else None
        if request is None:
            return  # cancelled
        if "more" in value:
            request.more(value["more"])
            return
        del self._requests[request.number]
        if "error" in value:
            error = _error(value["error"])
            # We have asked for nothing like that: the supervisor answers nobody any more.
            request.fail(Gone() if self.over and error.kind is Kind.CANCELLED else error)
        else:
            request.end(value.get("ok") or {})


class Request:
    """One that is under way; leaving the `with` before its end cancels it.

    Args:
        control: whom it was made to.
        number: its own.
    """

    def __init__(self, control: Control, number: int) -> None:
        self.number = number
        self._control = control
        self._waiting: deque[Value] = deque()
        self._news = asyncio.Event()
        self._end: asyncio.Future[Value] = asyncio.get_running_loop().create_future()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._control.forget(self.number)
        self._end.cancel()

    async def answer(self) -> Value:
        """Return what the request has ended with.

        Raises:
            ControlError: the supervisor refuses.
            Gone: it is not there any more.
        """
        return await self._end

    async def __aiter__(self) -> AsyncIterator[Value]:
        """Go through what comes before the end; then, see `answer`."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._end.done():
                return
            self._news.clear()
            await self._news.wait()

    # ------------------------------------------------------------------------------------------ for `Control`

    def more(self, value: Value) -> None:
        """Take a part of the answer."""
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(value)
            self._news.set()
            return
        self._control.forget(self.number)
        self.fail(ControlError(Kind.FAILED, "too slow for what comes"))

    def end(self, value: Value) -> None:
        """Take the end of the answer."""
        if not self._end.done():
            self._end.set_result(value)
            self._news.set()

    def fail(self, error: Exception) -> None:
        """Take a refusal, or that there is nobody any more."""
        if not self._end.done():
            self._end.set_exception(error)
            self._end.exception()  # whether somebody waits for it is not ours to care about
            self._news.set()


def _error(value: dict[str, Any]) -> ControlError:
    try:
        kind = Kind(value.get("kind"))
    except ValueError:
        kind = Kind.FAILED
    return ControlError(kind, str(value.get("message", "")), map(str, value.get("problems") or ()))
