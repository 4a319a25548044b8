"""From figures to Markdown: a row for each system, medians, and ratios to ours of the same rounds."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

BEGIN: Final = "<!-- begin: bench/supervisors -->"
END: Final = "<!-- end: bench/supervisors -->"

# By measure, by figure, by system: one value for each round.
Results = dict[str, dict[str, dict[str, list[float]]]]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        heading: of it.
        measure: and `figure`: where its values are.
        form: of a value, in str.format's words.
        scale: by which a value is multiplied.
        ratio: whether the ratio to ours stands behind it.
    """

    heading: str
    measure: str
    figure: str
    form: str = "{:.2f}"
    scale: float = 1.0
    ratio: bool = True


def table(title: str, columns: Sequence[Column], results: Results, names: Sequence[str], ours: str) -> str:
    """Return a table; empty if nothing of it was measured."""
    there = [column for column in columns if column.measure in results]
    if not there:
        return ""
    lines = [f"| {title} | " + " | ".join(column.heading for column in there) + " |"]
    lines.append("|---" + "|---:" * len(there) + "|")
    for name in names:
        cells = [_cell(results[one.measure].get(one.figure, {}), one, name, ours) for one in there]
        if any(cells):
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(values: Mapping[str, Sequence[float]], column: Column, name: str, ours: str) -> str:
    own = values.get(name)
    if not own:
        return ""
    median = statistics.median(own)
    if math.isinf(median):
        return "not in time"
    text = column.form.format(median * column.scale)
    base = values.get(ours, ())
    if not column.ratio or name == ours or not base:
        return text
    ratios = [one / least for one, least in zip(own, base, strict=False) if least and math.isfinite(least)]
    return f"{text} ({_short(statistics.median(ratios))})" if ratios else text


def _short(ratio: float) -> str:
    if math.isinf(ratio):
        return "∞"
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"  # noqa: PLR2004  digits that mean something


def around(page: Path) -> tuple[str, str]:
    """Return what stands before and after the two markers of a page.

    Raises:
        ValueError: they are not both there, once and in order.
    """
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(
            f"cannot write the tables into {page}: it lacks the lines {BEGIN} and {END}; add them"
        )
    return before, after


def write_between(page: Path, text: str) -> None:
    """Replace what stands between the two markers of a page."""
    before, after = around(page)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
