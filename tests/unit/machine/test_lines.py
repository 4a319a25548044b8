"""endwell.machine.lines: whole lines, whatever the pieces."""

from __future__ import annotations

from hypothesis import given, strategies as st

from endwell.machine.lines import Lines

TEXT = st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\xc3\xa4", b"\xf0\x9f\x90\x8d", b"\x00"])).map(
    b"".join
)
PIECES = st.lists(TEXT)


@given(PIECES)
def test_all_comes_out_in_order_and_only_whole_lines_before_the_end(pieces: list[bytes]) -> None:
    lines = Lines()
    out = [lines.feed(piece) for piece in pieces]
    assert all(one.endswith(b"\n") for one in out if one)
    held = lines.held
    rest = lines.rest()
    assert len(rest) == held
    assert b"\n" not in rest
    assert b"".join(out) + rest == b"".join(pieces)
    assert not lines.held


@given(PIECES, st.integers(4, 12))
def test_long_lines_come_in_pieces_and_nothing_is_held_beyond_the_bound(
    pieces: list[bytes], most: int
) -> None:
    lines = Lines(most)
    out = []
    for piece in pieces:
        out.append(lines.feed(piece))
        assert lines.held <= max(most - 1, len(piece), 3)
        assert out[-1].endswith(b"\n") or not out[-1] or len(out[-1]) > most - 4
    assert b"".join(out) + lines.rest() == b"".join(pieces)


@given(st.text("aä🐍", min_size=20), st.integers(1, 7), st.integers(4, 12))
def test_a_piece_of_a_long_line_ends_where_a_character_does(text: str, size: int, most: int) -> None:
    data = text.encode()
    lines = Lines(most)
    out = [lines.feed(data[at : at + size]) for at in range(0, len(data), size)]
    assert "".join(one.decode() for one in (*out, lines.rest())) == text


def test_what_is_no_text_is_no_reason_to_hold_it() -> None:
    lines = Lines(4)
    assert lines.feed(b"\x80\x80\x80\x80\x80") == b"\x80\x80\x80\x80\x80"
