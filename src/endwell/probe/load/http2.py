"""HTTP/2 as a client speaks it, without a socket: just as much of RFC 9113 as an honest GET needs.

The `h2` library is not used because it refuses what servers do around a GOAWAY, above all a PING after it,
and a client that breaks off there would blame the server. What is easily taken for a loss and is none:

- The default window of 64 KiB stalls an answer that nobody acknowledges: both windows are opened wide.
- GOAWAY comes in two: the first with the highest stream number there is, which only says that the end is
  near, the second with the last stream that will be answered.
- A server may close the connection as soon as it has answered the last stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpack import Decoder, Encoder
from hpack.exceptions import HPACKError
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from endwell.probe.load.outcomes import Happening

if TYPE_CHECKING:
    from endwell.probe.load.outcomes import Exchange

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEAD = 9
_LARGEST_FRAME = 16_384  # what we have allowed by not saying otherwise
_WINDOW = 2**31 - 1
_DEFAULT_WINDOW = 65_535
_REFILL = 2**29
_REFUSED_STREAM = 7
_BAD = 400
_FINAL = 200


class Http2:
    """One connection with as many requests at once as the server allows.

    Args:
        authority: what goes into `:authority`.
        scheme: http or https.
    """

    def __init__(self, authority: str, scheme: str = "http") -> None:
        self._authority = authority
        self._scheme = scheme
        self._encoder = Encoder()
        self._decoder = Decoder()
        self._open: dict[int, Exchange] = {}
        self._next = 1
        self._most = 100  # until the server says what it allows
        self._buffer = b""
        self._block: tuple[int, bool, bytes] | None = None  # stream, whether it ends it, what has come
        self._taken = 0
        self._leaving = False
        self._spoiled = False

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The requests that have no outcome yet."""
        return tuple(self._open.values())

    @property
    def free(self) -> bool:
        """Whether a request may be sent now."""
        return not self._leaving and not self._spoiled and len(self._open) < self._most

    def opening(self) -> bytes:
        """Return what is sent at first: the preface, our settings, a window for the whole connection."""
        settings = SettingsFrame(
            0, settings={SettingsFrame.ENABLE_PUSH: 0, SettingsFrame.INITIAL_WINDOW_SIZE: _WINDOW}
        )
        window = WindowUpdateFrame(0, window_increment=_WINDOW - _DEFAULT_WINDOW)
        return _PREFACE + settings.serialize() + window.serialize()

    def ask(self, exchange: Exchange, path: str) -> bytes:
        """Return the bytes of a request."""
        stream, block = self._head(exchange, path)
        return HeadersFrame(stream, block, flags=["END_HEADERS", "END_STREAM"]).serialize()

    def ask_in_two(self, exchange: Exchange, path: str) -> tuple[bytes, bytes]:
        """Return the bytes of a request in two parts; the first ends within the head."""
        stream, block = self._head(exchange, path)
        half = len(block) // 2
        return (
            HeadersFrame(stream, block[:half], flags=["END_STREAM"]).serialize(),
            ContinuationFrame(stream, block[half:], flags=["END_HEADERS"]).serialize(),
        )

    def _head(self, exchange: Exchange, path: str) -> tuple[int, bytes]:
        stream, self._next = self._next, self._next + 2
        self._open[stream] = exchange
        headers = [
            (":method", "GET"),
            (":scheme", self._scheme),
            (":authority", self._authority),
            (":path", path),
            ("user-agent", "endwell-probe"),
            ("accept", "*/*"),
        ]
        return stream, self._encoder.encode(headers)

    def receive(self, data: bytes) -> tuple[list[tuple[Exchange, Happening]], bytes]:
        """Return what the bytes mean for which request, and what is to be sent; b"" is FIN."""
        if not data:
            return self._end_all(Happening.FIN), b""
        if self._spoiled:
            return [], b""
        self._buffer += data
        found: list[tuple[Exchange, Happening]] = []
        reply = b""
        try:
            while (frame := self._frame()) is not None:
                events, answer = self._take(frame)
                found += events
                reply += answer
        except (HyperframeError, HPACKError, ValueError, IndexError):
            self._spoiled = True
            # What was sent was answered with something that is no HTTP/2: the answer never ends.
            found += self._end_all(Happening.NONSENSE)
        return found, reply

    def _end_all(self, happening: Happening) -> list[tuple[Exchange, Happening]]:
        found = [(exchange, happening) for exchange in self._open.values()]
        self._open.clear()
        return found

    def _frame(self) -> Frame | None:
        if len(self._buffer) < _HEAD:
            return None
        frame, length = Frame.parse_frame_header(memoryview(self._buffer)[:_HEAD])
        if length > _LARGEST_FRAME:
            raise ValueError("a frame is longer than we allowed")
        if len(self._buffer) < _HEAD + length:
            return None
        body, self._buffer = self._buffer[_HEAD : _HEAD + length], self._buffer[_HEAD + length :]
        frame.parse_body(memoryview(body))
        return frame

    def _take(self, frame: Frame) -> tuple[list[tuple[Exchange, Happening]], bytes]:
        if self._block is not None and not isinstance(frame, ContinuationFrame):
            raise ValueError("a head was interrupted")
        found: list[tuple[Exchange, Happening]] = []
        reply = b""
        match frame:
            case HeadersFrame() | PushPromiseFrame():
                found = self._headers(frame)
            case ContinuationFrame():
                found = self._continued(frame)
            case DataFrame():
                found, reply = self._data(frame)
            case SettingsFrame() if "ACK" not in frame.flags:
                reply = self._settings(frame)
            case PingFrame() if "ACK" not in frame.flags:
                reply = PingFrame(0, frame.opaque_data, flags=["ACK"]).serialize()
            case RstStreamFrame():
                found = self._reset(frame)
            case GoAwayFrame():
                found = self._go_away(frame)
        return found, reply

    def _reset(self, frame: RstStreamFrame) -> list[tuple[Exchange, Happening]]:
        refused = frame.error_code == _REFUSED_STREAM
        return self._finish(frame.stream_id, Happening.UNPROCESSED if refused else Happening.STREAM_RESET)

    def _go_away(self, frame: GoAwayFrame) -> list[tuple[Exchange, Happening]]:
        self._leaving = True
        above = [stream for stream in self._open if stream > frame.last_stream_id]
        return [(self._open.pop(stream), Happening.UNPROCESSED) for stream in above]

    def _headers(self, frame: HeadersFrame | PushPromiseFrame) -> list[tuple[Exchange, Happening]]:
        if isinstance(frame, PushPromiseFrame):
            raise ValueError("a push, which we forbade")  # noqa: TRY004  it is the server's error
        self._block = (frame.stream_id, "END_STREAM" in frame.flags, frame.data)
        return self._head_of_answer() if "END_HEADERS" in frame.flags else self._bytes(frame.stream_id)

    def _continued(self, frame: ContinuationFrame) -> list[tuple[Exchange, Happening]]:
        if self._block is None or self._block[0] != frame.stream_id:
            raise ValueError("a head was continued that was not begun")
        stream, last, block = self._block
        self._block = (stream, last, block + frame.data)
        return self._head_of_answer() if "END_HEADERS" in frame.flags else []

    def _head_of_answer(self) -> list[tuple[Exchange, Happening]]:
        assert self._block is not None  # noqa: S101  both callers have set it
        stream, last, block = self._block
        self._block = None
        # Also of streams we have forgotten: every head changes the table that the next one is read with.
        headers = {_text(name): _text(value) for name, value in self._decoder.decode(block)}
        exchange = self._open.get(stream)
        if exchange is None:
            return []
        status = int(headers.get(":status", "0"))
        if status >= _FINAL:
            exchange.status = status
        return self._bytes(stream) + (self._answered(stream) if last else [])

    def _data(self, frame: DataFrame) -> tuple[list[tuple[Exchange, Happening]], bytes]:
        self._taken += frame.flow_controlled_length
        refill = b""
        if self._taken >= _REFILL:
            refill = WindowUpdateFrame(0, window_increment=self._taken).serialize()
            self._taken = 0
        found = self._bytes(frame.stream_id)
        if "END_STREAM" in frame.flags:
            found += self._answered(frame.stream_id)
        return found, refill

    def _settings(self, frame: SettingsFrame) -> bytes:
        self._most = frame.settings.get(SettingsFrame.MAX_CONCURRENT_STREAMS, self._most)
        if SettingsFrame.HEADER_TABLE_SIZE in frame.settings:
            self._encoder.header_table_size = min(4096, frame.settings[SettingsFrame.HEADER_TABLE_SIZE])
        return SettingsFrame(0, flags=["ACK"]).serialize()

    def _bytes(self, stream: int) -> list[tuple[Exchange, Happening]]:
        return [(self._open[stream], Happening.BYTES)] if stream in self._open else []

    def _answered(self, stream: int) -> list[tuple[Exchange, Happening]]:
        exchange = self._open.get(stream)
        if exchange is None:
            return []
        if exchange.status is None:
            return self._finish(stream, Happening.NONSENSE)
        if exchange.status >= _BAD:
            return self._finish(stream, Happening.ANSWERED_BADLY)
        return self._finish(stream, Happening.ANSWERED_LAST if self._leaving else Happening.ANSWERED)

    def _finish(self, stream: int, happening: Happening) -> list[tuple[Exchange, Happening]]:
        exchange = self._open.pop(stream, None)
        return [] if exchange is None else [(exchange, happening)]


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
