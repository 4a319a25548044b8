"""Lines of a terminal in pieces: a piece is a text and its color, so that layout never counts escapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Piece: TypeAlias = tuple[str, str]  # the text, and SGR parameters or nothing
Line: TypeAlias = list[Piece]


def written(lines: Iterable[Line], *, color: bool) -> str:
    """Return the lines as text, without spaces at their ends, each with a line feed."""
    return "".join(f"{_colored(line) if color else _plain(line)}\n" for line in lines)


def _plain(line: Line) -> str:
    return "".join(text for text, _ in line).rstrip()


def _colored(line: Line) -> str:
    left = len(_plain(line))
    pieces: list[str] = []
    for text, style in line:
        kept = text[: max(0, left)]
        left -= len(text)
        if kept:
            pieces.append(f"\x1b[{style}m{kept}\x1b[0m" if style and kept.strip() else kept)
    return "".join(pieces)
