"""endwell.render.clean: text of the guest can be seen, and can do nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, strategies as st

from endwell.render.clean import cells, clean, fit, pad, wrap
from tests.unit.render.strategies import texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\tb\nc\r", "a b\\nc\\x0d"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u200b\ufeff\u2028", "\\u200b\\ufeff\\u2028"),
        ("\udcff", "\\xff"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\x9b1m", "\\x9b1m"),
        ("caf\u00e9 日本 \U0001f980", "caf\u00e9 日本 \U0001f980"),
        ("z\u0300\u0301\u0302", "z\u0300\u0301\\u0302"),
        ("\u2764\ufe0f", "\u2764"),
    ],
)
def test_writes_out_what_is_more_than_seen(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(texts)
def test_clean_text_has_only_letters_and_stays(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert all(unicodedata.category(letter)[0] != "C" for letter in once)
    assert clean(text, ascii=True).isascii()


@given(texts, st.integers(0, 20), st.booleans())
def test_fits_and_pads(text: str, room: int, ascii: bool) -> None:  # noqa: A002, FBT001
    text = clean(text, ascii=ascii)
    assert cells(fit(text, room, ascii=ascii)) <= room
    assert cells(pad(text, room, ascii=ascii)) == room
    if cells(text) <= room:
        assert fit(text, room) == text


@given(st.lists(texts, max_size=5), st.integers(2, 20))
def test_wraps_and_loses_no_letter(words: list[str], room: int) -> None:
    text = clean(" ".join(words))
    lines = wrap(text, room)
    assert all(cells(line) <= room for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_wide_letters_take_two_cells() -> None:
    assert cells("日本") == 4
    assert pad("日本語", 5) == "日本…"
    assert cells("e\u0301") == 1
