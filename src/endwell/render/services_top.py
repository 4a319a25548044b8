"""The table of `endwell top`: the processes of each service, those that one has started below it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from endwell.render.ages import span
from endwell.render.columns import columns
from endwell.render.lines import written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from endwell.render.lines import Piece

Process: TypeAlias = Mapping[str, Any]

HEADINGS = ("NAME", "PID", "PPID", "USER", "S", "%CPU", "TIME", "RSS", "COMMAND")
_NUMBERS = ("PID", "PPID", "%CPU", "TIME", "RSS")
_STEP = 1024
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def top_text(
    processes: Sequence[Process],
    now: float,
    before: tuple[Sequence[Process], float] | None = None,
    *,
    width: int | None = None,
) -> str:
    """Return the table.

    Args:
        processes: as the supervisor has answered.
        now: when, in seconds since the epoch.
        before: what it has answered before that, and when: %CPU is of the time between; None: of its whole
            life.
        width: of the terminal; None: of no terminal.
    """
    earlier = {} if before is None else {_who(one): one["cpu"] for one in before[0]}
    rows: list[list[Piece]] = []
    for process, depth in _trees(processes):
        used, since = process["cpu"], process["started"]
        if before is not None and _who(process) in earlier:
            used, since = used - earlier[_who(process)], before[1]
        share = 100 * max(used, 0) / (now - since) if now > since else 0.0
        texts = (
            process["label"],
            process["pid"],
            process["ppid"],
            process["user"],
            process["state"],
            f"{share:.1f}",
            span(process["cpu"]),
            size(process["rss"]),
            "  " * depth + process["command"],
        )
        rows.append([(str(text), "") for text in texts])
    return written(columns(HEADINGS, rows, width=width, right=_NUMBERS), color=False)


def size(number: int) -> str:
    """Return a number of bytes as docker has it: `512B`, `3.4MiB`, `12GiB`."""
    value, at = float(number), 0
    while round(value) >= _STEP and at < len(_SIZES) - 1:
        value, at = value / _STEP, at + 1
    return f"{value:.3g}{_SIZES[at]}" if value < 1000 else f"{value:.0f}{_SIZES[at]}"  # noqa: PLR2004


def _who(process: Process) -> tuple[int, float]:
    return process["pid"], process["started"]


def _trees(processes: Sequence[Process]) -> Iterator[tuple[Process, int]]:
    """Yield each with its depth, parents before their children; services stay in their order."""
    of: dict[str, dict[int, Process]] = {}
    for process in processes:
        of.setdefault(process["label"], {})[process["pid"]] = process
    for own in of.values():
        children: dict[int, list[Process]] = {}
        for process in own.values():
            children.setdefault(process["ppid"], []).append(process)
        stack = [(one, 0) for one in reversed(list(own.values())) if one["ppid"] not in own]
        while stack:
            process, depth = stack.pop()
            yield process, depth
            stack += [(one, depth + 1) for one in reversed(children.get(process["pid"], []))]
