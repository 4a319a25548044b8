"""Plain TCP as a client holds it: nothing is asked, or one thing is said and anything back is the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.probe.load.outcomes import Happening, State

if TYPE_CHECKING:
    from endwell.probe.load.outcomes import Exchange


class Tcp:
    """One connection that is held."""

    def __init__(self, authority: str, scheme: str = "") -> None:
        del authority, scheme
        self._exchange: Exchange | None = None

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The connection itself, until it has ended or been answered on."""
        return (self._exchange,) if self._exchange else ()

    @property
    def free(self) -> bool:
        """A held connection is never free for somebody else."""
        return False

    def opening(self) -> bytes:
        """Return what is sent at first."""
        return b""

    def hold(self, exchange: Exchange) -> None:
        """Keep the connection for `exchange`."""
        self._exchange = exchange

    def ask(self, exchange: Exchange, path: str) -> bytes:
        """Return the bytes that say `path`."""
        self._exchange = exchange
        return path.encode()

    def ask_in_two(self, exchange: Exchange, path: str) -> tuple[bytes, bytes]:
        """Return the same in two parts."""
        text = self.ask(exchange, path)
        return text[: len(text) // 2], text[len(text) // 2 :]

    def receive(self, data: bytes) -> tuple[list[tuple[Exchange, Happening]], bytes]:
        """Return what the bytes mean for the connection; b"" is FIN."""
        if self._exchange is None:
            return [], b""
        exchange = self._exchange
        answered = bool(data) and exchange.state is State.WAITING
        if answered or not data:
            self._exchange = None
        found = (
            [Happening.BYTES, Happening.ANSWERED]
            if answered
            else [Happening.BYTES if data else Happening.FIN]
        )
        return [(exchange, one) for one in found], b""
