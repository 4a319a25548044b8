"""endwell.machine.escapes: colors are left out, wherever the pieces are cut."""

from __future__ import annotations

from hypothesis import given, strategies as st

from endwell.machine.escapes import Escapes

SEQUENCES = [
    b"\x1b[0m",
    b"\x1b[1;31m",
    b"\x1b[38;5;196m",
    b"\x1b[K",
    b"\x1b[?25l",
    b"\x1b]0;a title\x07",
    b"\x1bM",
    b"\x1b(B",
    b"\x1b]8;;http://x\x1b\\",
]
PARTS = st.lists(st.sampled_from([*SEQUENCES, b"text", b"\n", b"[0m", b"m", b"\xc3\xa4"]))


@given(PARTS, st.data())
def test_what_is_no_sequence_stays_wherever_it_is_cut(parts: list[bytes], data: st.DataObject) -> None:
    text = b"".join(parts)
    escapes, out, begin = Escapes(), b"", 0
    while begin < len(text):
        size = data.draw(st.integers(1, 7))
        out += escapes.strip(text[begin : begin + size])
        begin += size
    assert out + escapes.rest() == b"".join(part for part in parts if part not in SEQUENCES)


@given(st.lists(st.binary(max_size=300)))
def test_nothing_is_held_for_long(pieces: list[bytes]) -> None:
    escapes = Escapes()
    for piece in pieces:
        escapes.strip(piece)
        assert len(escapes.rest()) <= 256


def test_what_only_begins_like_one_is_not_lost() -> None:
    escapes = Escapes()
    assert escapes.strip(b"a\x1b[31") == b"a"
    assert escapes.rest() == b"\x1b[31"
