"""One client: HTTP/1.1 and 1.0, as many requests as it likes, none of which may be too long or take too long.

What is limited is what a client can make us hold: the head of a request, its body, and the time it takes to
send them, or to take what we send. What is not limited is how long it may say nothing between two requests,
since supervisord's clients keep a connection for days and do not expect it to be closed; nor how long an
answer may take, since to wait for a stop is what they ask for.
"""

from __future__ import annotations

import asyncio
import contextlib
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import h11

from endwell import __version__
from endwell.gateway.message import Answered, Asked, problem

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping

    Handler = Callable[[Asked], Coroutine[None, None, Answered]]
    # Asked before the body is read: a refusal, or None.
    Gate = Callable[[Asked], Answered | None]

HEAD = 16 << 10  # bytes
BODY = 1 << 20  # bytes: what is asked for becomes a line for the supervisor, and that is its limit
FIRST = 60.0  # seconds until a new client says anything
SENDING = 10.0  # seconds for a head, and as many for a body
TAKING = 30.0  # seconds in which the client has to take something of what we send
HALF_CLOSED = 1.0  # seconds for the answer to a client that says no more: it may have gone altogether
LINGERING = 2.0  # seconds in which we take what a refused client goes on sending, so that it hears of that
_PIECE = 65536
_MOST_LINGERED = 8 << 20

T = TypeVar("T")


class _Hangup(Exception):  # noqa: N818  the client's right
    """The client has gone, or is as good as gone."""


class Connection:
    """A client.

    Args:
        reader: from it.
        writer: to it.
        handler: answers a request.
        gate: says who may ask at all.

    Attributes:
        asked: how many requests have come and may be answered.
        idle: whether none of them is being answered.
        used: when it came, or when one was last answered, on the loop's clock.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler, gate: Gate
    ) -> None:
        self.asked = 0
        self.idle = True
        self.used = asyncio.get_running_loop().time()
        self._last = self._streaming = False
        self._reader = reader
        self._writer = writer
        self._handler = handler
        self._gate = gate
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD)
        self._ahead = bytearray()  # what has come and is not yet looked at

    async def serve(self) -> None:
        """Answer until one of the two sides has enough."""
        # A protocol error of our own is a mistake in a header, or that the client has left: all end the same.
        try:
            with contextlib.suppress(OSError, TimeoutError, _Hangup, h11.ProtocolError):
                while not self._last and await self._turn():
                    pass
        finally:
            self._writer.close()

    def leave(self) -> None:
        """End it when the request that is being answered is; at once if there is none, or no end of it."""
        self._last = True
        if self.idle or self._streaming:
            self.hang_up()

    def hang_up(self) -> None:
        """End it at once."""
        self._writer.transport.abort()

    # -------------------------------------------------------------------------------------------- one request

    async def _turn(self) -> bool:
        """Take one request and answer it; returns whether another one may follow."""
        if not await self._begun():
            return False
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD)
        try:
            asked = await self._request()
        except h11.RemoteProtocolError as error:
            asked = problem(HTTPStatus(error.error_status_hint), close=True)
        if isinstance(asked, Answered):
            await self._send(asked)
        else:
            await self._send(await self._while_there(self._handler(asked)), whole=asked.method != "HEAD")
        self._ahead[:0] = self._http.trailing_data[0]
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            return True
        if self._http.their_state in (h11.SEND_BODY, h11.ERROR):
            await self._linger()
        return False

    async def _begun(self) -> bool:
        """Wait until a request begins; empty lines before it are nothing, and some clients send them."""
        self.idle = True
        self.used = asyncio.get_running_loop().time()
        async with asyncio.timeout(None if self.asked else FIRST):
            while not (begun := self._ahead.lstrip(b"\r\n")):
                piece = await self._reader.read(_PIECE)
                if not piece:
                    return False
                self._ahead[:] = piece
        self._ahead = begun
        return True

    async def _request(self) -> Asked | Answered:
        """Read a request, or return what is to be answered if it cannot be taken."""
        async with asyncio.timeout(SENDING):
            self._http.receive_data(bytes(self._ahead))
            self._ahead.clear()
            event = await self._event()
        if not isinstance(event, h11.Request):
            raise _Hangup
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
        method, target = event.method.decode("latin-1"), event.target.decode("latin-1")
        if not _plain(target, headers):
            return problem(HTTPStatus.BAD_REQUEST, close=True)
        if (refusal := self._gate(Asked(method=method, target=target, headers=headers))) is not None:
            return refusal
        if int(headers.get("content-length", "0")) > BODY:
            return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, close=True)
        if self._http.they_are_waiting_for_100_continue:
            await self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
        body = bytearray()
        async with asyncio.timeout(SENDING):
            while isinstance(event := await self._event(), h11.Data):
                body += event.data
                if len(body) > BODY:
                    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, close=True)
        if not isinstance(event, h11.EndOfMessage):
            raise _Hangup
        self.asked += 1
        self.idle = False
        return Asked(method=method, target=target, headers=headers, body=bytes(body))

    async def _event(self) -> object:
        """Return what comes next of a request."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            piece = await self._reader.read(_PIECE)
            if not piece:
                raise _Hangup
            self._http.receive_data(piece)
        return event

    # --------------------------------------------------------------------------------------------- one answer

    async def _while_there(self, work: Coroutine[None, None, T]) -> T:
        """Wait for what is done for the client, and have it cancelled when the client goes away."""
        working = asyncio.ensure_future(work)
        going = asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait((working, going), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise _Hangup
            return working.result()
        finally:
            for task in (working, going):
                if not task.done():
                    task.cancel()
                    await asyncio.wait((task,))

    async def _gone(self) -> None:
        """Read ahead, as far as there is room, to hear of the client's going away."""
        while len(self._ahead) < HEAD:
            piece = await self._reader.read(_PIECE)
            if not piece:
                await asyncio.sleep(HALF_CLOSED)
                return
            self._ahead += piece
        await asyncio.Event().wait()  # it has more to ask than we want to hear now, so it is there

    async def _send(self, answer: Answered, *, whole: bool = True) -> None:
        """Send an answer; `whole` is whether its body, too."""
        body = answer.body
        headers = [("Server", f"endwell/{__version__}"), ("Date", formatdate(usegmt=True)), *answer.headers]
        if isinstance(body, bytes):
            headers.append(("Content-Length", str(len(body))))
        if answer.close or self._last:
            headers.append(("Connection", "close"))
        status, reason = answer.status.value, answer.status.phrase
        await self._write(self._http.send(h11.Response(status_code=status, reason=reason, headers=headers)))
        if whole and isinstance(body, bytes):
            for begin in range(0, len(body), _PIECE):
                await self._write(self._http.send(h11.Data(data=body[begin : begin + _PIECE])))
        elif whole and not isinstance(body, bytes):
            await self._while_there(self._stream(body))
        await self._write(self._http.send(h11.EndOfMessage()))

    async def _stream(self, body: AsyncGenerator[bytes, None]) -> None:
        self._streaming = True
        async with contextlib.aclosing(body):
            async for piece in body:
                await self._write(self._http.send(h11.Data(data=piece)))

    async def _write(self, data: bytes | None) -> None:
        self._writer.write(data or b"")
        async with asyncio.timeout(TAKING):
            await self._writer.drain()

    async def _linger(self) -> None:
        """Take what is still on its way: closed now, the connection would be reset, and our answer lost."""
        self._writer.write_eof()
        taken = 0
        async with asyncio.timeout(LINGERING):
            while taken < _MOST_LINGERED and (piece := await self._reader.read(_PIECE)):
                taken += len(piece)


def _plain(target: str, headers: Mapping[str, str]) -> bool:
    """Whether everybody on the way reads a request as we do: where it ends, and what it is about."""
    if {"content-length", "transfer-encoding"} <= headers.keys():
        return False
    try:
        urlsplit(target)
    except ValueError:
        return False
    return True
