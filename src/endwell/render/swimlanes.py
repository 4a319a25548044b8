"""A lane per process, in the cells of a terminal."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING

from endwell.model.signals import CHLD, KILL
from endwell.model.timeline import Fate
from endwell.records import dataclass, field
from endwell.render.axis import Axis, axis, ticks
from endwell.render.clean import clean, fit, pad, wrap
from endwell.render.document import executions
from endwell.render.family import Lane, foremost, lanes, passing, zombie
from endwell.render.glyphs import (
    BOLD,
    BORN,
    COLORS,
    CYAN,
    DIM,
    EXECUTED,
    GRACE,
    MANY,
    RED,
    RUN,
    SIGNALS,
    STOP,
    ZOMBIE,
    Glyph,
    end,
)
from endwell.render.words import HEARINGS, Hearing, counted, ended, look, seconds

if TYPE_CHECKING:
    from endwell.model.process import Process
    from endwell.model.report import Report
    from endwell.render.lines import Line
    from endwell.render.options import Options

ROOM = 24  # more processes than this, and those that are alike share a lane
MOST = 60  # lanes
_DEEPEST = 6  # levels of indentation
# What in one cell would contradict each other.
TELLING = frozenset({Hearing.HEARD, Hearing.ACTED, Hearing.UNHEARD})
_END = 11  # cells for how it ended: `never told`, `killed by 7`


@dataclass(slots=True)
class _Cell:
    glyph: Glyph | None = None
    style: str = ""


@dataclass(slots=True)
class _Chart:
    """The widths of the columns, and what the lanes share."""

    report: Report
    ascii: bool
    number: int
    label: int
    width: int
    axis: Axis
    first: Process | None
    executed: dict[int, list[float]]
    used: set[Glyph] = field(default_factory=set)

    def column(self, at: float) -> int:
        return min(self.width - 1, int(self.axis.place(at) * self.width))

    def draw(self, glyph: Glyph) -> str:
        return glyph.ascii if self.ascii else glyph.unicode


def swimlanes(report: Report, options: Options) -> list[Line]:
    """Return the picture: a line of labels, a lane per process, and a legend of the marks that were used."""
    every = lanes(report.processes, ROOM, passing(report))
    shown = foremost(report, every, MOST)
    chart = _chart(report, options, shared=any(len(lane.members) > 1 for lane in shown))
    drawn = [_header(chart), *(_lane(chart, lane) for lane in shown)]
    if len(shown) < len(every):
        hidden = sum(len(lane.members) for lane in every) - sum(len(lane.members) for lane in shown)
        more = counted(hidden, "more process", "more processes")
        drawn.append([(f"{'':{chart.number}} {'...' if chart.ascii else '…'} {more}", DIM)])
    return [*drawn, *_legend(chart, options.width)]


def _chart(report: Report, options: Options, *, shared: bool) -> _Chart:
    number = max([len(str(one.pid)) for one in report.processes] or [1]) + shared
    label = min(30, max(12, options.width * 3 // 10 - number - 1))
    width = max(8, options.width - number - 1 - label - 1 - 1 - _END)
    return _Chart(
        report,
        options.ascii,
        number,
        label,
        width,
        axis(report, 1.5 / width),
        next((one for one in report.processes if one.pid == 1), None),
        executions(report),
    )


def _header(chart: _Chart) -> Line:
    """The labels of the axis: the stop signal over its column, the grace, and where there is room others."""
    stop = chart.report.timeline.stop
    row = [_Cell() for _ in range(chart.width + 1 + _END)]
    texts: list[tuple[int, str, str]] = []
    if stop.asked:
        texts.append((chart.column(0.0), stop.signal.name.removeprefix("SIG"), f"{BOLD};{CYAN}"))
        if _grace(chart):
            texts.append((chart.column(stop.grace), f"grace {seconds(stop.grace)}", RED))
    labelled = (0.0, stop.grace) if _grace(chart) else (0.0,)
    texts += [(chart.column(at), label, DIM) for at, label in ticks(chart.axis, 9 / chart.width, *labelled)]
    for column, text, style in texts:
        start = max(0, min(column, len(row) - len(text)))
        if any(cell.glyph for cell in row[max(0, start - 1) : start + len(text) + 1]):
            continue
        for place, letter in enumerate(text, start):
            row[place] = _Cell(Glyph(letter, letter, "", 0), style)
    return [(" " * (chart.number + 1 + chart.label + 1), ""), *_pieces(chart, row)]


def _grace(chart: _Chart) -> bool:
    stop = chart.report.timeline.stop
    return stop.asked and not math.isinf(stop.grace) and stop.grace <= chart.axis.end


def _lane(chart: _Chart, lane: Lane) -> Line:
    members = [chart.report.processes[index] for index in lane.members]
    row = [_Cell() for _ in range(chart.width)]
    if chart.report.timeline.stop.asked:
        _put(row, chart.column(0.0), STOP, STOP.style)
        if _grace(chart):
            _put(row, chart.column(chart.report.timeline.stop.grace), GRACE, GRACE.style)
    for index, process in zip(lane.members, members, strict=True):
        _life(chart, row, process, [] if lane.gone else chart.executed.get(index, []))
    chart.used.update(cell.glyph for cell in row if cell.glyph)
    first = members[0]
    pid = f"{first.pid}{'+' if len(members) > 1 else ''}"
    # One word for all of them: they share a lane because they ended alike.
    how = "before stop" if lane.gone else fit(ended(first), _END, ascii=chart.ascii)
    return [
        (f"{pid:>{chart.number}} ", DIM),
        (_branch(lane, chart.ascii), DIM),
        (_name(chart, lane, members), ""),
        (" ", ""),
        *_pieces(chart, row),
        (" ", ""),
        (how, COLORS[look(first)]),
    ]


def _branch(lane: Lane, ascii: bool) -> str:  # noqa: A002, FBT001  the word for it
    if not lane.depth:
        return ""
    through, turn, end, none = ("| ", "|-", "`-", "  ") if ascii else ("│ ", "├╴", "└╴", "  ")
    rails = "".join(through if more else none for more in lane.rails)
    return rails[: 2 * (_DEEPEST - 1)] + (end if lane.last else turn)


def _name(chart: _Chart, lane: Lane, members: list[Process]) -> str:
    first = members[0]
    cross = "x" if chart.ascii else "\N{MULTIPLICATION SIGN}"
    name, _, words = first.command.partition(" ")
    command = f"{name.rpartition('/')[2] or name} {words}".rstrip() or "(no name)"
    text = f"{len(members)} {cross} {first.name}" if len(members) > 1 else command
    if lane.gone:
        text = f"{len(members)} came and went"
    room = chart.label - len(_branch(lane, chart.ascii))
    return pad(clean(text, ascii=chart.ascii), room, ascii=chart.ascii)


def _life(chart: _Chart, row: list[_Cell], process: Process, executed: list[float]) -> None:
    born = chart.column(process.born)
    died = chart.column(process.died if process.died is not None else chart.axis.end)
    color = COLORS[look(process)]
    for column in range(born, died + 1):
        _put(row, column, RUN, color)
    if (tail := zombie(process, chart.first, chart.axis.end)) is not None:
        for column in range(died + 1, chart.column(tail[1]) + 1):
            _put(row, column, ZOMBIE, ZOMBIE.style)
    _put(row, born, BORN, color)
    for at in executed:
        if chart.column(at) > born:
            _put(row, chart.column(at), EXECUTED, color)
    heard: dict[int, set[Hearing]] = defaultdict(set)
    for one in process.signals:
        if one.signal not in {CHLD, KILL} or one.fate is not Fate.DEFAULT:
            hearing, column = HEARINGS[one.fate], chart.column(one.at)
            heard[column].add(hearing)
            # Where there is no room to keep them apart one that was lost must not hide one that was not.
            glyph = MANY if len(heard[column] & TELLING) > 1 else SIGNALS[hearing]
            _put(row, column, glyph, glyph.style)
    mark = end(process)
    if mark is not None and process.died is not None:
        _put(row, died, mark, color)


def _put(row: list[_Cell], column: int, glyph: Glyph, style: str) -> None:
    cell = row[column]
    if cell.glyph is None or glyph.rank >= cell.glyph.rank:
        cell.glyph, cell.style = glyph, style


def _pieces(chart: _Chart, row: list[_Cell]) -> Line:
    return [
        ("".join(chart.draw(cell.glyph) if cell.glyph else " " for cell in cells), style)
        for style, cells in groupby(row, key=lambda cell: cell.style)
    ]


def _legend(chart: _Chart, width: int) -> list[Line]:
    known = sorted((one for one in chart.used if one.words), key=lambda one: (one.rank, one.words))
    # A space that does not break keeps a mark with its words.
    entries = [f"{chart.draw(one)}\0{one.words.replace(' ', chr(0))}" for one in known]
    return [[(line.replace("\0", " "), DIM)] for line in wrap("   ".join(entries), width)]
