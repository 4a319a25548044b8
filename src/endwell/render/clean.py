r"""Text of the guest, made harmless, and measured in the cells of a terminal.

A process names itself as it likes, and prints what it likes: escape sequences that move the cursor,
right-to-left marks that turn a line around, bytes that are no text. Whatever comes from inside passes through
`clean` before a person sees it: each such character is written out (`\x1b`, `\u202e`), so that it is seen and
does nothing.
"""

from __future__ import annotations

import unicodedata

# Control, format (bidi marks, zero width), surrogate, private, unassigned; line and paragraph separators.
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me"})
_MOST_MARKS = 2  # on one letter: more only serve to write over the lines above
_PRINTABLE = range(0x20, 0x7F)
_BYTE, _PLANE = 0xFF, 0xFFFF
_LOST_BYTES = range(0xDC80, 0xDD00)  # where surrogateescape keeps bytes that are no UTF-8


def clean(text: str, *, ascii: bool = False) -> str:  # noqa: A002  the word for it
    """Return `text` with every character written out that could do more than be seen; tabs become a space.

    Args:
        text: anything.
        ascii: write out everything that is not ASCII, too.
    """
    if text.isascii() and text.isprintable():
        return text
    pieces: list[str] = []
    marks = 0
    for letter in text:
        category = unicodedata.category(letter)
        marks = marks + 1 if category in _MARKS else 0
        if letter == "\t":
            pieces.append(" ")
        elif category in _HARMFUL or marks > _MOST_MARKS or (ascii and not letter.isascii()):
            pieces.append(_written(ord(letter)))
        elif 0xFE00 <= ord(letter) <= 0xFE0F:  # noqa: PLR2004  variation selectors
            continue  # they change the width of what is before them, each terminal in its own way
        else:
            pieces.append(letter)
    return "".join(pieces)


def _written(code: int) -> str:
    if code in _LOST_BYTES:
        return f"\\x{code - 0xDC00:02x}"
    if code == 0x0A:  # noqa: PLR2004  a line feed
        return "\\n"
    if code <= _BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _PLANE else f"\\U{code:08x}"


def cells(text: str) -> int:
    """Return how many cells of a terminal clean `text` takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(letter: str) -> int:
    if unicodedata.category(letter) in _MARKS:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def fit(text: str, room: int, *, ascii: bool = False) -> str:  # noqa: A002  the word for it
    """Return clean `text`, cut with an ellipsis when it takes more than `room` cells."""
    if cells(text) <= room:
        return text
    ellipsis = ".." if ascii else "…"
    left = room - len(ellipsis)
    if left < 0:
        return ellipsis[:room]
    kept: list[str] = []
    for letter in text:
        left -= _cells(letter)
        if left < 0:
            break
        kept.append(letter)
    return "".join(kept) + ellipsis


def pad(text: str, room: int, *, ascii: bool = False) -> str:  # noqa: A002  the word for it
    """Return clean `text` in exactly `room` cells: cut, or filled with spaces."""
    text = fit(text, room, ascii=ascii)
    return text + " " * (room - cells(text))


def wrap(text: str, room: int) -> list[str]:
    """Return clean `text` in lines of at most `room` cells, broken at spaces; a longer word is broken."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if cells(joined) <= room:
            line = joined
            continue
        if line:
            lines.append(line)
        rest = word
        while cells(rest) > room:
            head = fit(rest, room, ascii=True).removesuffix("..") or rest[:1]
            lines.append(head)
            rest = rest[len(head) :]
        line = rest
    return [*lines, line] if line or not lines else lines
