"""HTTP/1.1 as a client speaks it, without a socket: bytes out, bytes in, and what they mean for a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11

from endwell.probe.load.outcomes import Happening, State

if TYPE_CHECKING:
    from endwell.probe.load.outcomes import Exchange

_BAD = 400


class Http1:
    """One connection; one request at a time.

    Args:
        authority: what goes into `Host`.
    """

    def __init__(self, authority: str, scheme: str = "http") -> None:
        del scheme  # HTTP/1.1 does not say it
        self._authority = authority
        self._connection = h11.Connection(h11.CLIENT)
        self._exchange: Exchange | None = None
        self._status = 0
        self._spoiled = False

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The requests that have no outcome yet."""
        return (self._exchange,) if self._exchange else ()

    @property
    def free(self) -> bool:
        """Whether a request may be sent now."""
        return not self._spoiled and self._exchange is None and self._connection.our_state is h11.IDLE

    def opening(self) -> bytes:
        """Return what is sent at first."""
        return b""

    def ask(self, exchange: Exchange, path: str) -> bytes:
        """Return the bytes of a request."""
        return b"".join(self.ask_in_two(exchange, path))

    def ask_in_two(self, exchange: Exchange, path: str) -> tuple[bytes, bytes]:
        """Return the bytes of a request in two parts; the first ends within the head."""
        self._exchange = exchange
        headers = [("Host", self._authority), ("User-Agent", "endwell-probe"), ("Accept", "*/*")]
        text = self._connection.send(h11.Request(method="GET", target=path, headers=headers)) or b""
        text += self._connection.send(h11.EndOfMessage()) or b""
        return text[: len(text) // 2], text[len(text) // 2 :]

    def receive(self, data: bytes) -> tuple[list[tuple[Exchange, Happening]], bytes]:
        """Return what the bytes mean for the request, and what is to be sent; b"" is FIN."""
        if self._exchange is None:
            # Nothing was asked: a farewell such as 408, or an end. Nobody may ask here any more.
            self._spoiled = True
            return [], b""
        exchange = self._exchange
        found: list[Happening] = [Happening.BYTES] if data else []
        try:
            self._connection.receive_data(data)
            last = self._read(exchange, fin=not data)
        except h11.RemoteProtocolError:
            self._spoiled = True
            last = Happening.NONSENSE if data else Happening.FIN
        if last is None and not data:
            last = Happening.FIN
        if last is not None:
            found.append(last)
            self._exchange = None
        return [(exchange, one) for one in found], b""

    def _read(self, exchange: Exchange, *, fin: bool) -> Happening | None:
        while True:
            event = self._connection.next_event()
            if isinstance(event, h11.Response):
                exchange.status = self._status = event.status_code
            elif isinstance(event, h11.EndOfMessage):
                return self._answered(exchange, fin=fin)
            elif isinstance(event, h11.ConnectionClosed):
                return Happening.FIN
            elif event is h11.NEED_DATA or event is h11.PAUSED:
                return None

    def _answered(self, exchange: Exchange, *, fin: bool) -> Happening:
        early = exchange.state is State.SENDING
        closing = fin or self._connection.their_state in {h11.MUST_CLOSE, h11.CLOSED}
        if closing or early:
            self._spoiled = True
        else:
            self._connection.start_next_cycle()
        if self._status >= _BAD:
            return Happening.ANSWERED_BADLY
        return Happening.ANSWERED_LAST if closing else Happening.ANSWERED
