"""A table as docker prints its lists: headings in capitals, columns as wide as they need, no rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.render.clean import cells, clean, fit, pad

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from endwell.render.lines import Line, Piece

_GAP = "   "
_LEAST = 8  # of the last column: less of it says nothing


def columns(
    headings: Sequence[str],
    rows: Sequence[Sequence[Piece]],
    *,
    width: int | None = None,
    right: Sequence[str] = (),
) -> Iterator[Line]:
    """Yield the lines of a table; what services say of themselves is made harmless.

    Args:
        headings: one for each column.
        rows: the cells with their colors, as many as headings.
        width: of the terminal: the last column is cut to what is left of it; None: nothing is cut.
        right: the headings of columns with numbers, which stand on the right.
    """
    shown = [[(clean(text), style) for text, style in row] for row in rows]
    widths = [
        max([len(heading), *(cells(row[at][0]) for row in shown)]) for at, heading in enumerate(headings)
    ]
    if width is not None:
        before = sum(widths[:-1]) + len(_GAP) * (len(headings) - 1)
        widths[-1] = min(widths[-1], max(width - before, _LEAST))
    numbers = {at for at, heading in enumerate(headings) if heading in right}
    for row in [[(heading, "") for heading in headings], *shown]:
        line: Line = []
        for at, (text, style) in enumerate(row):
            if at:
                line.append((_GAP, ""))
            blank = " " * max(widths[at] - cells(text), 0) if at in numbers else ""
            line.append((blank, ""))
            line.append((fit(text, widths[at]) if at in numbers else pad(text, widths[at]), style))
        yield line
