"""A connection of the load without a socket: in which order its bytes go out."""

from __future__ import annotations

import asyncio

from hyperframe.frame import (
    ContinuationFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from endwell.model.traffic import Group
from endwell.probe.load.connection import Connection
from endwell.probe.load.options import http_target
from endwell.probe.load.outcomes import Exchange, State

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PING = PingFrame(0, b"12345678").serialize()


class Sent(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.text = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        self.text += data

    def frames(self) -> list[type[Frame]]:
        """Of which kind the frames are that have been written behind the preface."""
        left, found = self.text.removeprefix(PREFACE), list[type[Frame]]()
        while left:
            frame, length = Frame.parse_frame_header(memoryview(left)[:9])
            found.append(type(frame))
            left = left[9 + length :]
        return found


def test_nothing_comes_between_the_halves_of_an_http2_head() -> None:
    """The server's settings may come just then; whoever acknowledges them within a head is thrown out."""
    sent = Sent()
    connection = Connection(http_target("http://127.0.0.1/", version=2), lambda _: None)
    connection.connection_made(sent)
    exchange = Exchange(Group.HALF_SENT, 0.0, state=State.OPEN)
    rest = connection.ask_half(exchange, "/")
    connection.data_received(SettingsFrame(0).serialize() + PING)
    before = [SettingsFrame, WindowUpdateFrame, HeadersFrame]
    assert sent.frames() == before
    connection.ask_rest(exchange, rest)
    connection.data_received(PING)
    assert sent.frames() == [*before, ContinuationFrame, SettingsFrame, PingFrame, PingFrame]
