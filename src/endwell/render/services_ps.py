"""The table of `endwell ps`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from endwell.render.clean import clean, fit
from endwell.render.columns import columns
from endwell.render.lines import written
from endwell.render.services_status import color_of, status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from endwell.render.lines import Piece
    from endwell.render.services_status import Row

HEADINGS = ("NAME", "STATUS", "PID", "RESTARTS", "COMMAND")
_LONGEST_STATUS = 60  # of one that gives a reason; `ps --no-trunc` and `ps --json` say all of it


def ps_text(
    rows: Sequence[Row], now: float, *, width: int | None, color: bool = False, whole: bool = False
) -> str:
    """Return the table.

    Args:
        rows: of the replicas, in the order they are shown.
        now: seconds since the epoch.
        width: of the terminal; None: of no terminal.
        color: whether the status is in color.
        whole: cut nothing.
    """
    lines = columns(
        HEADINGS,
        [_cells(row, now, whole=whole) for row in rows],
        width=None if whole else width,
        right=("PID", "RESTARTS"),
    )
    return written(lines, color=color)


def _cells(row: Row, now: float, *, whole: bool) -> list[Piece]:
    said = status(row, now)
    return [
        (row["label"], ""),
        (said if whole else fit(clean(said), _LONGEST_STATUS), color_of(row)),
        (str(row["pid"] or "-"), ""),
        (str(row["restarts"]), ""),
        (shlex.join(row["command"]), ""),
    ]
