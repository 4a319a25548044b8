"""HTTP/1.1 and HTTP/2 without sockets: the same meaning however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hpack import Decoder, Encoder
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
from hypothesis import given, strategies as st

from endwell.model.traffic import Group, Outcome
from endwell.probe.load.http1 import Http1
from endwell.probe.load.http2 import Http2
from endwell.probe.load.outcomes import Exchange, Happening, State
from endwell.probe.load.tcp import Tcp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from endwell.probe.load.connection import Wire

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def asked(wire: Wire) -> Exchange:
    exchange = Exchange(Group.NEW, 0.0, state=State.OPEN)
    assert wire.free
    wire.ask(exchange, "/path?query")
    exchange.meet(Happening.SENT, 0.0)
    return exchange


def feed(wire: Wire, data: bytes) -> bytes:
    events, reply = wire.receive(data)
    for exchange, happening in events:
        exchange.meet(happening, 1.0)
    return reply


def pieces(text: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


CUTS = st.lists(st.integers(0, 10_000), max_size=8)

# ------------------------------------------------------------------------------------------------- HTTP/1.1

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "then_fin", "outcome", "again"),
    [
        (OK, False, Outcome.OK, True),
        (CHUNKED, False, Outcome.OK, True),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, False, Outcome.OK, True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", False, Outcome.OK, True),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", False, Outcome.OK, True),
        (OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), False, Outcome.OK_CLOSE, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False, Outcome.OK_CLOSE, False),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", True, Outcome.OK_CLOSE, False),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", False, Outcome.ERROR, True),
        (b"HTTP/1.1 503 Not Now\r\nContent-Length: 0\r\n\r\n", False, Outcome.ERROR, True),
        (b"", True, Outcome.DROPPED, False),
        (OK[:-1], True, Outcome.CUT, False),
        (OK[:10], True, Outcome.CUT, False),
        (CHUNKED[:-3], True, Outcome.CUT, False),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n", True, Outcome.CUT, False),
        (b"220 mail.example.com ESMTP\r\n\r\n", False, Outcome.CUT, False),
    ],
)
@given(cuts=CUTS)
def test_an_http1_answer_means_the_same_however_it_is_cut(
    answer: bytes, cuts: list[int], outcome: Outcome, *, then_fin: bool, again: bool
) -> None:
    wire = Http1("127.0.0.1")
    exchange = asked(wire)
    for piece in pieces(answer, cuts):
        feed(wire, piece)
    if then_fin:
        assert exchange.outcome is None
        feed(wire, b"")
    assert exchange.outcome is outcome
    assert wire.free is again
    assert not wire.exchanges


def test_an_http1_request_is_a_plain_get() -> None:
    wire = Http1("127.0.0.1:8080")
    first, second = wire.ask_in_two(Exchange(Group.NEW, 0.0), "/path?query")
    assert b"\r\n\r\n" not in first
    lines = (first + second).split(b"\r\n")
    assert lines[0] == b"GET /path?query HTTP/1.1"
    assert b"Host: 127.0.0.1:8080" in lines
    assert (first + second).endswith(b"\r\n\r\n")
    assert not wire.free


def test_an_http1_connection_is_used_again() -> None:
    wire = Http1("127.0.0.1")
    for _ in range(3):
        exchange = asked(wire)
        feed(wire, OK)
        assert exchange.outcome is Outcome.OK
        assert exchange.status == 200


def test_an_http1_farewell_nobody_asked_for_spoils_the_connection() -> None:
    wire = Http1("127.0.0.1")
    assert feed(wire, b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n") == b""
    assert not wire.free


def test_an_answer_to_half_a_request_is_one_but_the_connection_is_not_used_again() -> None:
    wire = Http1("127.0.0.1")
    exchange = Exchange(Group.HALF_SENT, 0.0, state=State.OPEN)
    wire.ask_in_two(exchange, "/")
    exchange.meet(Happening.PART_SENT, 0.0)
    feed(wire, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
    assert (exchange.outcome, exchange.status, wire.free) == (Outcome.ERROR, 408, False)


# --------------------------------------------------------------------------------------------------- HTTP/2


def head(stream: int, status: str, *flags: str) -> bytes:
    block = Encoder().encode([(":status", status)])
    return HeadersFrame(stream, block, flags=["END_HEADERS", *flags]).serialize()


def body(stream: int, text: bytes = b"hello", *flags: str) -> bytes:
    return DataFrame(stream, text, flags=list(flags)).serialize()


def away(last: int) -> bytes:
    return GoAwayFrame(0, last_stream_id=last).serialize()


WHOLE = head(1, "200") + body(1) + body(1, b"", "END_STREAM")
MANY = 2**31 - 1


@pytest.mark.parametrize(
    ("answer", "then_fin", "outcome"),
    [
        (WHOLE, False, Outcome.OK),
        (head(1, "204", "END_STREAM"), False, Outcome.OK),
        (head(1, "103") + WHOLE, False, Outcome.OK),
        (away(MANY) + WHOLE, False, Outcome.OK_CLOSE),
        (away(MANY) + PingFrame(0, b"12345678").serialize() + away(1) + WHOLE, False, Outcome.OK_CLOSE),
        (away(0), False, Outcome.REFUSED),
        (RstStreamFrame(1, error_code=7).serialize(), False, Outcome.REFUSED),
        (RstStreamFrame(1, error_code=2).serialize(), False, Outcome.RESET),
        (head(1, "200") + RstStreamFrame(1, error_code=2).serialize(), False, Outcome.CUT),
        (head(1, "200") + body(1), True, Outcome.CUT),
        (b"", True, Outcome.DROPPED),
        (head(1, "500", "END_STREAM"), False, Outcome.ERROR),
        (head(1, "404") + body(1, b"", "END_STREAM"), False, Outcome.ERROR),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, Outcome.CUT),
        (PushPromiseFrame(1, 2, Encoder().encode([(":path", "/")])).serialize(), False, Outcome.CUT),
        (body(1, b"", "END_STREAM"), False, Outcome.CUT),
        (head(3, "200", "END_STREAM") + WHOLE, False, Outcome.OK),
    ],
)
@given(cuts=CUTS)
def test_an_http2_answer_means_the_same_however_it_is_cut(
    answer: bytes, cuts: list[int], outcome: Outcome, *, then_fin: bool
) -> None:
    wire = Http2("127.0.0.1")
    exchange = asked(wire)
    for piece in pieces(answer, cuts):
        feed(wire, piece)
    if then_fin:
        assert exchange.outcome is None
        feed(wire, b"")
    assert exchange.outcome is outcome
    assert not wire.exchanges


def frames(text: bytes) -> list[Frame]:
    found = []
    while text:
        frame, length = Frame.parse_frame_header(memoryview(text)[:9])
        frame.parse_body(memoryview(text)[9 : 9 + length])
        found.append(frame)
        text = text[9 + length :]
    return found


def test_http2_opens_both_windows_wide() -> None:
    opening = Http2("127.0.0.1").opening()
    assert opening.startswith(PREFACE)
    settings, window = frames(opening[len(PREFACE) :])
    assert isinstance(settings, SettingsFrame)
    assert settings.settings == {SettingsFrame.ENABLE_PUSH: 0, SettingsFrame.INITIAL_WINDOW_SIZE: 2**31 - 1}
    assert isinstance(window, WindowUpdateFrame)
    assert window.window_increment == 2**31 - 1 - 65_535


@pytest.mark.parametrize("halves", [False, True])
def test_an_http2_request_is_a_plain_get(*, halves: bool) -> None:
    wire = Http2("127.0.0.1:8080")
    exchange = Exchange(Group.NEW, 0.0)
    text = b"".join(wire.ask_in_two(exchange, "/p")) if halves else wire.ask(exchange, "/p")
    found = frames(text)
    assert [type(one) for one in found] == [HeadersFrame, *([ContinuationFrame] if halves else [])]
    assert "END_STREAM" in found[0].flags
    assert "END_HEADERS" in found[-1].flags
    block = b"".join(one.data for one in found if isinstance(one, HeadersFrame | ContinuationFrame))
    headers = {str(name): str(value) for name, value in Decoder().decode(block)}
    assert [headers[f":{name}"] for name in ("method", "scheme", "authority", "path")] == [
        "GET",
        "http",
        "127.0.0.1:8080",
        "/p",
    ]


def test_http2_answers_ping_and_settings_and_not_their_acknowledgements() -> None:
    wire = Http2("127.0.0.1")
    pong, ack = frames(
        feed(wire, PingFrame(0, b"12345678").serialize()) + feed(wire, SettingsFrame(0).serialize())
    )
    assert isinstance(pong, PingFrame)
    assert (pong.opaque_data, "ACK" in pong.flags) == (b"12345678", True)
    assert isinstance(ack, SettingsFrame)
    assert "ACK" in ack.flags
    assert feed(wire, PingFrame(0, b"12345678", flags=["ACK"]).serialize()) == b""
    assert feed(wire, SettingsFrame(0, flags=["ACK"]).serialize()) == b""


def test_http2_sends_no_more_at_once_than_the_server_allows_and_nothing_after_goaway() -> None:
    wire = Http2("127.0.0.1")
    feed(wire, SettingsFrame(0, settings={SettingsFrame.MAX_CONCURRENT_STREAMS: 2}).serialize())
    asked(wire)
    asked(wire)
    assert not wire.free
    feed(wire, WHOLE)
    assert _is_free(wire)
    feed(wire, away(MANY))
    assert not wire.free


def _is_free(wire: Wire) -> bool:
    return wire.free


@given(st.lists(st.sampled_from(["200", "404", "204"]), min_size=1, max_size=20), st.randoms(), CUTS)
def test_http2_answers_find_their_requests_in_any_order(
    statuses: list[str], shuffle: object, cuts: list[int]
) -> None:
    wire = Http2("127.0.0.1")
    requests = [asked(wire) for _ in statuses]
    encoder = Encoder()
    order = list(enumerate(statuses))
    shuffle.shuffle(order)  # type: ignore[attr-defined]
    text = b""
    for index, status in order:
        # One encoder: each head is read with what the heads before it have put into the table.
        block = encoder.encode([(":status", status), ("x-number", str(index)), ("server", "test")])
        text += HeadersFrame(2 * index + 1, block[:3]).serialize()
        text += ContinuationFrame(2 * index + 1, block[3:], flags=["END_HEADERS"]).serialize()
        text += body(2 * index + 1, b"x" * index, "END_STREAM")
    for piece in pieces(text, cuts):
        feed(wire, piece)
    assert [str(one.status) for one in requests] == statuses
    assert all((one.outcome is Outcome.ERROR) == (one.status == 404) for one in requests)


@given(st.integers(0, 21), st.integers(1, 10))
def test_a_goaway_refuses_exactly_the_streams_above_its_last(last: int, number: int) -> None:
    wire = Http2("127.0.0.1")
    requests = [asked(wire) for _ in range(number)]
    feed(wire, away(last))
    for index, one in enumerate(requests):
        assert one.outcome is (Outcome.REFUSED if 2 * index + 1 > last else None)


@given(st.binary(max_size=300))
def test_no_bytes_break_a_wire(data: bytes) -> None:
    for wire in (Http1("127.0.0.1"), Http2("127.0.0.1")):
        exchange = asked(wire)
        feed(wire, data)
        feed(wire, b"")
        assert exchange.outcome is not None


def test_http2_gives_the_window_back_before_it_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("endwell.probe.load.http2._REFILL", 10)
    wire = Http2("127.0.0.1")
    asked(wire)
    assert feed(wire, head(1, "200") + body(1, b"123456789")) == b""
    (refill,) = frames(feed(wire, body(1, b"0")))
    assert isinstance(refill, WindowUpdateFrame)
    assert (refill.stream_id, refill.window_increment) == (0, 10)


# ------------------------------------------------------------------------------------------------------ TCP


def test_a_held_connection_may_speak_and_ends_with_fin() -> None:
    wire = Tcp("127.0.0.1:1")
    exchange = Exchange(Group.IDLE, 0.0, state=State.OPEN)
    wire.hold(exchange)
    exchange.meet(Happening.KEPT, 0.0)
    feed(wire, b"220 welcome\r\n")
    assert exchange.outcome is None
    feed(wire, b"")
    assert exchange.outcome is Outcome.OK_CLOSE


def test_what_is_said_on_a_held_connection_wants_an_answer() -> None:
    wire = Tcp("127.0.0.1:1")
    exchange = Exchange(Group.IDLE, 0.0, state=State.HELD)
    assert wire.ask(exchange, "PING\r\n") == b"PING\r\n"
    exchange.meet(Happening.SENT, 0.0)
    feed(wire, b"+PONG\r\n")
    assert exchange.outcome is Outcome.OK
