"""From figures to a Markdown table: medians, and ratios of medians with how far they can be trusted."""

from __future__ import annotations

import random
import statistics
from typing import TYPE_CHECKING, Final

from bench.inits.measures import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bench.inits.measures import Figures

BEGIN: Final = "<!-- begin: bench/inits -->"
END: Final = "<!-- end: bench/inits -->"
RESAMPLES: Final = 400

Row = tuple[str, dict[str, str]]
"""What is measured, and one cell per contender; who has no figure has no cell."""


def medians(title: str, figures: Figures, form: str = "{:.0f}") -> Row:
    """A row of medians."""
    return title, {name: form.format(statistics.median(values)) for name, values in figures.items() if values}


def percentiles(title: str, figures: Figures, percent: int, form: str = "{:.0f}") -> Row:
    """A row of percentiles."""
    return title, {
        name: form.format(statistics.quantiles(values, n=100)[percent - 1])
        for name, values in figures.items()
        if len(values) > 1
    }


def over(figures: Figures, base: str = PLAIN) -> Figures:
    """What each adds to `base` in the same round."""
    below = figures[base]
    return {
        name: [value - least for value, least in zip(values, below, strict=True)]
        for name, values in figures.items()
        if name != base
    }


def ratios(title: str, figures: Figures, base: str) -> Row | None:
    """A row of ratios of medians to `base`, each with its 95 % interval from resampling whole rounds."""
    if base not in figures:
        return None
    pick = random.Random(1)  # noqa: S311  # resampling, nothing secret
    count = len(figures[base])
    samples = [pick.choices(range(count), k=count) for _ in range(RESAMPLES)]
    below = [_median_of(figures[base], sample) for sample in samples]
    cells = {}
    for name, values in figures.items():
        if name == base:
            cells[name] = "1"
            continue
        spread = sorted(
            _median_of(values, sample) / least for sample, least in zip(samples, below, strict=True) if least
        )
        ratio = statistics.median(values) / statistics.median(figures[base])
        low, high = spread[len(spread) // 40], spread[-1 - len(spread) // 40]
        cells[name] = f"{ratio:.2f} ({low:.2f} to {high:.2f})"
    return title, cells


def _median_of(values: Sequence[float], sample: Iterable[int]) -> float:
    return statistics.median([values[index] for index in sample])


def markdown(rows: Iterable[Row | None], columns: Sequence[str]) -> str:
    """The table: a row per measure, a column per contender; a row without a cell is left out."""
    lines = ["| | " + " | ".join(columns) + " |", "|---" + "|---:" * len(columns) + "|"]
    for row in rows:
        if row is not None and row[1]:
            title, cells = row
            lines.append(f"| {title} | " + " | ".join(cells.get(name, "") for name in columns) + " |")
    return "\n".join(lines)


def write_between(page: Path, text: str) -> None:
    """Replace what stands between the two markers of `page`; both must be there, once and in order."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(
            f"cannot write the table into {page}: it lacks the lines {BEGIN} and {END}; add them"
        )
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
