"""The lanes of the picture in the page: labels in tree order, a bar per life, its end, its zombie."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from endwell.render.clean import clean, fit
from endwell.render.family import zombie
from endwell.render.frame import LEFT, RIGHT, WIDTH
from endwell.render.marks import LOOKS, ending
from endwell.render.svg import element, join, path, titled
from endwell.render.words import clock, counted, ended, ended_at_length, failed, fate, look, seconds

if TYPE_CHECKING:
    from markupsafe import Markup

    from endwell.model.process import Process
    from endwell.render.family import Lane
    from endwell.render.frame import Frame

_CELL = 6.65  # the width of a letter of the labels
_STEP = 14.0  # of the tree
_DEEPEST = 8
_TREE = 50.0  # where it begins
_NARROW = 1.5  # the least width of a bar
_LAYERS = 32  # the most bars in a lane that many share
_MOST_GONE = 200  # the same, of those that came and went before the stop
_GONE = 0.7  # how much paint these get
_FAINTEST = 0.02  # what is seen through all bars of a lane that many share


def lanes(frame: Frame) -> Markup:
    """Return all lanes, and how many are not shown."""
    found = [_lane(frame, place, lane) for place, lane in enumerate(frame.lanes)]
    if frame.hidden:
        y = frame.bottom - 6
        more = counted(frame.hidden, "more process", "more processes")
        found.append(element("text", f"and {more}", x=_TREE, y=y, class_="muted"))
    return join(_tree(frame), *found)


def described(process: Process) -> str:
    """Return a life in some lines."""
    lines = [
        f"{process.pid}  {process.command}",
        f"forked {clock(process.born)} s by {process.parent or 'the engine'}",
    ]
    if len(process.argv) > 1:
        lines.append("before: " + ", ".join(" ".join(words) for words in process.argv[:-1]))
    lines += [f"{one.signal.name} {clock(one.at)} s: {fate(one)}" for one in process.signals[-6:]]
    died = f" at {clock(process.died)} s" if process.died is not None else ""
    lines.append(ended_at_length(process) + died)
    if process.reaped:
        wait = f", after {seconds(process.reaped.at - process.died)}" if process.died is not None else ""
        lines.append(f"reaped by {process.reaped.by or 'the engine'}{wait}")
    if process.holding:
        held = [*(file.path for file in process.holding.files), *process.holding.listening]
        lines.append("had open: " + (", ".join(held[:5]) or "nothing"))
    return "\n".join(fit(clean(line), 120) for line in lines)


def _lane(frame: Frame, place: int, lane: Lane) -> Markup:
    members = [frame.report.processes[index] for index in lane.members]
    y, first = frame.y(place), members[0]
    name = LOOKS[look(first)]
    tip = _gone(members) if lane.gone else described(first) if len(members) == 1 else _crowd(members)
    end = "before the stop" if lane.gone else ended(first)
    return element(
        "g",
        titled(tip),
        element("rect", x=0, y=y - frame.lane / 2, width=WIDTH, height=frame.lane, class_="row"),
        _label(frame, lane, y),
        *_lives(frame, lane, y),
        element("text", end, x=WIDTH - RIGHT + 10, y=y + 4, class_=f"word {name}"),
        class_="lane",
        data_pids=" ".join(str(one.pid) for one in members),
        role="img",
        aria_label=tip.replace("\n", "; "),
    )


def _crowd(members: list[Process]) -> str:
    return f"{len(members)} processes alike: {_pids(members)}\nthe first of them:\n{described(members[0])}"


def _gone(members: list[Process]) -> str:
    names = Counter(one.name or "(no name)" for one in members).most_common(6)
    said = ", ".join(f"{number} \N{MULTIPLICATION SIGN} {fit(clean(name), 40)}" for name, number in names)
    return f"{len(members)} processes came and went before the stop: {_pids(members)}\n{said}"


def _pids(members: list[Process]) -> str:
    return ", ".join(str(one.pid) for one in members[:12]) + (", …" if len(members) > 12 else "")  # noqa: PLR2004


def _label(frame: Frame, lane: Lane, y: float) -> Markup:
    process = frame.report.processes[lane.members[0]]
    x = _TREE + min(lane.depth, _DEEPEST) * _STEP
    words = process.command.partition(" ")[2]
    name = process.name or "(no name)"
    if lane.gone:
        name, words = f"{len(lane.members)} came and went", ""
    elif len(lane.members) > 1:
        name, words = f"{len(lane.members)} \N{MULTIPLICATION SIGN} {name}", ""
    room = int((LEFT - 10 - x) / _CELL)
    name = fit(clean(name), room)
    rest = fit(clean(words), max(0, room - len(name) - 1))
    return element(
        "text",
        element("tspan", str(process.pid), x=_TREE - 12, text_anchor="end", class_="muted"),
        element("tspan", name, x=x, class_="name"),
        element("tspan", f" {rest}", class_="muted") if rest else "",
        y=y + 4,
        class_="label",
    )


def _tree(frame: Frame) -> Markup:
    """Return the lines from parents to children."""
    steps: list[str | float] = []
    above: list[float] = []  # the middle of the lane above at each depth
    for place, lane in enumerate(frame.lanes):
        y, depth = frame.y(place), min(lane.depth, _DEEPEST)
        del above[depth:]
        if depth and above:
            x = _TREE + (depth - 1) * _STEP + 4
            steps += ["M", x, above[-1] + 8, "V", y, "H", x + _STEP - 7]
        above += [y] * (depth + 1 - len(above))
    return element("path", d=path(*steps), class_="tree") if steps else join()


def _lives(frame: Frame, lane: Lane, y: float) -> list[Markup]:
    """Return the bar of a life, or those of many on top of each other: the fewer live, the paler it gets."""
    if len(lane.members) == 1:
        return [_life(frame, lane.members[0], y)]

    def end(index: int) -> float:
        died = frame.report.processes[index].died
        return math.inf if died is None else died

    members = sorted(lane.members, key=end)
    if lane.gone:  # beside each other rather than on top of each other
        step = math.ceil(len(members) / _MOST_GONE)
        return [_life(frame, index, y, _GONE, mark=False) for index in members[::step]]
    # Much paler, and colors are rounded to others: a few stand for all.
    steps = min(len(members), _LAYERS) - 1
    shown = [members[place * (len(members) - 1) // steps] for place in range(steps + 1)]
    paint = 1 - _FAINTEST ** (1 / len(shown))
    return [_life(frame, index, y, paint, mark=place in {0, steps}) for place, index in enumerate(shown)]


def _life(frame: Frame, index: int, y: float, paint: float | None = None, *, mark: bool = True) -> Markup:
    process = frame.report.processes[index]
    kind = look(process)
    height = min(12.0, frame.lane * 0.5)
    left = frame.x(process.born)
    right = frame.x(frame.axis.end if process.died is None else process.died)
    pieces: list[Markup] = []
    if (tail := zombie(process, frame.first, frame.axis.end)) is not None:
        until = frame.x(tail[1])
        pieces.append(
            element(
                "rect",
                titled(f"a zombie for {seconds(tail[1] - tail[0])}: dead, and not collected by its parent"),
                x=right, y=y - height / 2 + 1, width=max(_NARROW, until - right), height=height - 2,
                class_="zombie", opacity=None if paint is None else f"{paint:.4f}",
            )
        )  # fmt: skip
    pieces.append(
        element(
            "rect", x=left, y=y - height / 2, width=max(_NARROW, right - left), height=height, rx=2.5,
            class_=f"bar {LOOKS[kind]}", opacity=None if paint is None else f"{paint:.4f}",
        )
    )  # fmt: skip
    for at, words in zip(frame.executed.get(index, ()) if paint is None else (), process.argv, strict=False):
        x = frame.x(at)
        notch = path("M", x, y - height / 2, "l", height / 2, height / 2, "l", -height / 2, height / 2, "Z")
        text = fit(clean(" ".join(words)), 120)
        pieces.append(element("path", titled(f"became {text} at {clock(at)} s"), d=notch, class_="exec"))
    shape = ending(kind, right, y, height * 0.38, failed=failed(process))
    if mark and process.died is not None and shape is not None:
        pieces.append(shape)
    return join(*pieces)
