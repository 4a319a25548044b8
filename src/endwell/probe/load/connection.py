"""One connection: what the kernel reports of it, told to the requests that are on it."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
import time
from functools import cache
from typing import TYPE_CHECKING, Protocol

from endwell.probe.load.http1 import Http1
from endwell.probe.load.http2 import Http2
from endwell.probe.load.outcomes import Happening
from endwell.probe.load.tcp import Tcp

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.probe.load.options import Target
    from endwell.probe.load.outcomes import Exchange


class Wire(Protocol):
    """A protocol without a socket; see http1, http2, tcp."""

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """What is on the connection and has no outcome yet."""
        ...

    @property
    def free(self) -> bool:
        """Whether a request may be sent now, as far as the protocol goes."""
        ...

    def opening(self) -> bytes:
        """Return what is sent at first."""
        ...

    def ask(self, exchange: Exchange, path: str) -> bytes:
        """Return the bytes of a request."""
        ...

    def ask_in_two(self, exchange: Exchange, path: str) -> tuple[bytes, bytes]:
        """Return the bytes of a request in two parts; the first ends within the head."""
        ...

    def receive(self, data: bytes) -> tuple[list[tuple[Exchange, Happening]], bytes]:
        """Return what the bytes mean for which request, and what is to be sent; b"" is FIN."""
        ...


_WIRES: dict[str, Callable[[str, str], Wire]] = {"http/1.1": Http1, "http/2": Http2, "tcp": Tcp}


class Connection(asyncio.Protocol):
    """A connection to the target; `changed` is called with it whenever something came of a request."""

    def __init__(self, target: Target, changed: Callable[[Connection | None], None]) -> None:
        self.wire = _WIRES[target.protocol](target.authority, target.scheme)
        self._changed = changed
        self._transport: asyncio.Transport | None = None
        self._ended = False
        self._replies: bytes | None = None  # that wait for the rest of a head, which nothing may interrupt

    @property
    def alive(self) -> bool:
        """Whether the connection stands, as far as the kernel knows at this moment.

        FIN may have come that the event loop has not read: a careful client looks before it sends.
        """
        if self._ended or self._transport is None or self._transport.is_closing():
            return False
        descriptor = self._transport.get_extra_info("socket").fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLRDHUP)
        return not poll.poll(0)

    @property
    def free(self) -> bool:
        """Whether a request may be sent on it now."""
        return self.wire.free and self.alive

    def ask(self, exchange: Exchange, path: str) -> None:
        """Send a request."""
        text = self.wire.ask(exchange, path)
        exchange.meet(Happening.SENT, time.monotonic())
        self._write(text)

    def ask_half(self, exchange: Exchange, path: str) -> bytes:
        """Send the first half of a request's head; return the rest."""
        first, second = self.wire.ask_in_two(exchange, path)
        exchange.meet(Happening.PART_SENT, time.monotonic())
        self._write(first)
        self._replies = b""
        return second

    def ask_rest(self, exchange: Exchange, rest: bytes) -> None:
        """Send the rest of a request, unless it has ended meanwhile."""
        if exchange.outcome is None:
            exchange.meet(Happening.SENT, time.monotonic())
            self._write(rest + (self._replies or b""))
            self._replies = None

    def hold(self, exchange: Exchange) -> None:
        """Keep a TCP connection open for `exchange`."""
        assert isinstance(self.wire, Tcp)  # noqa: S101  the other protocols have something to ask
        self.wire.hold(exchange)
        exchange.meet(Happening.KEPT, time.monotonic())

    def close(self) -> None:
        """Close the connection; nobody waits for anything on it."""
        self._ended = True
        if self._transport is not None:
            self._transport.abort()

    def _write(self, text: bytes) -> None:
        if self._transport is not None and text:
            self._transport.write(text)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what the protocol begins with."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  a stream's always is
        self._transport = transport
        self._write(self.wire.opening())

    def data_received(self, data: bytes) -> None:
        """Tell the requests what the bytes mean."""
        self._receive(data)

    def eof_received(self) -> None:
        """FIN: nothing more will come."""
        self._ended = True
        self._receive(b"")

    def connection_lost(self, error: Exception | None) -> None:
        """RST if there is an error; otherwise FIN was seen before, or we have closed ourselves."""
        self._ended = True
        reset = isinstance(error, ConnectionError)
        at = time.monotonic()
        for exchange in self.wire.exchanges:
            exchange.meet(Happening.RST if reset else Happening.FIN, at)
        self._changed(self)

    def _receive(self, data: bytes) -> None:
        at = time.monotonic()
        events, reply = self.wire.receive(data)
        for exchange, happening in events:
            exchange.meet(happening, at)
        if self._replies is None:
            self._write(reply)
        else:
            self._replies += reply
        self._changed(self)


async def dial(
    target: Target, address: str, changed: Callable[[Connection | None], None], exchange: Exchange | None
) -> Connection | None:
    """Connect; returns None when that failed, which `exchange` is told.

    Args:
        target: whom to speak to.
        address: the number that the target's name stands for.
        changed: see `Connection`.
        exchange: the request for which it is, if it is for one.
    """
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connecting = socket.socket(family, socket.SOCK_STREAM)
    connecting.setblocking(False)  # noqa: FBT003  the socket module's own way
    connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        await loop.sock_connect(connecting, (address, target.port))
        _, connection = await loop.create_connection(
            lambda: Connection(target, changed),
            sock=connecting,
            ssl=_context(target) if target.secure else None,
            server_hostname=target.host if target.secure else None,
        )
    except OSError as error:
        connecting.close()
        if exchange is not None:
            for happening in _failed(target, error):
                exchange.meet(happening, time.monotonic())
        changed(None)
        return None
    except BaseException:
        connecting.close()
        raise
    if exchange is not None:
        exchange.meet(Happening.CONNECTED, time.monotonic())
    return connection


def _failed(target: Target, error: OSError) -> tuple[Happening, ...]:
    if not isinstance(error, ConnectionResetError):
        return (Happening.NO_ENTRY,)
    # It was accepted, and reset before we had looked: who holds a connection has lost it.
    accepted = (Happening.CONNECTED, Happening.KEPT) if target.protocol == "tcp" else ()
    return (*accepted, Happening.RST)


@cache
def _context(target: Target) -> ssl.SSLContext:
    """Whoever probes their own container need not ask who it is; certificates are made for other names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2" if target.protocol == "http/2" else "http/1.1"])
    return context
