"""endwell.machine.capture_mode: messages are taken out of output, wherever the pieces are cut."""

from __future__ import annotations

from hypothesis import given, strategies as st

from endwell.machine.capture_mode import BEGIN, END, CaptureMode

# Whole tokens, what begins like one, and what looks like one.
PARTS = [BEGIN, END, BEGIN[:-1], END[:5], b"<", b"<!--", b"<<!--XSUPERVISOR", b"text", b"\n", b"-->", b"\xff"]


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut data into pieces of these sizes, over and over."""
    pieces, at, turn = [], 0, 0
    while at < len(data):
        pieces.append(data[at : at + sizes[turn % len(sizes)]])
        at += len(pieces[-1])
        turn += 1
    return pieces


def feed(capture: CaptureMode, data: bytes) -> tuple[bytes, list[bytes]]:
    """Return what is left, and the messages."""
    pieces = capture.feed(data)
    return b"".join(one.text for one in pieces if not one.message), [
        one.text for one in pieces if one.message
    ]


def expected(data: bytes, most: int) -> tuple[bytes, list[bytes]]:
    """Say the same of data that is there at once: what is left, and the messages."""
    left, messages = b"", list[bytes]()
    while BEGIN in data:
        before, _, rest = data.partition(BEGIN)
        left += before
        if END not in rest:
            return left + rest[-most:] if most < len(rest) else left + rest, messages
        message, _, data = rest.partition(END)
        messages.append(message[max(0, len(message) - most) :])
    return left + data, messages


@given(
    st.lists(st.sampled_from(PARTS), max_size=12).map(b"".join),
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
)
def test_messages_are_found_wherever_the_pieces_are_cut(data: bytes, sizes: list[int]) -> None:
    capture, left, messages = CaptureMode(1000), b"", []
    for piece in cut(data, sizes):
        out, found = feed(capture, piece)
        left += out
        messages += found
    assert (left + capture.rest(), messages) == expected(data, 1000)


@given(
    st.binary(max_size=100).filter(lambda one: (one + END).index(END) == len(one)),
    st.integers(1, 120),
    st.lists(st.integers(1, 50), min_size=1, max_size=3),
)
def test_of_a_long_message_the_newest_is_kept(message: bytes, most: int, sizes: list[int]) -> None:
    capture, found = CaptureMode(most), []
    for piece in cut(BEGIN + message + END, sizes):
        found += feed(capture, piece)[1]
    assert found == [message[max(0, len(message) - most) :]]


def test_only_what_may_begin_a_token_is_held_back() -> None:
    capture = CaptureMode(10)
    assert feed(capture, b"a < b") == (b"a < b", [])
    assert feed(capture, b"text<!--X") == (b"text", [])
    assert feed(capture, b"MAS-->") == (b"<!--XMAS-->", [])
    assert feed(capture, b"short") == (b"short", [])


def test_who_ends_within_a_message_has_not_sent_it() -> None:
    capture = CaptureMode(100)
    assert feed(capture, b"a" + BEGIN + b"half a message" + END[:7]) == (b"a", [])
    assert capture.rest() == b"half a message" + END[:7]
    assert feed(capture, b"b" + END) == (b"b" + END, [])


def test_little_is_held_of_a_message_without_an_end() -> None:
    capture = CaptureMode(64)
    capture.feed(BEGIN)
    for _ in range(100):
        assert feed(capture, b"x" * 1000) == (b"", [])
    assert len(capture.rest()) == 64


def test_what_is_said_stays_in_its_order() -> None:
    said = CaptureMode(10).feed(b"a" + BEGIN + b"one" + END + b"b" + BEGIN + END + BEGIN + b"two" + END)
    assert said == [(b"a", False), (b"one", True), (b"b", False), (b"", True), (b"two", True)]
