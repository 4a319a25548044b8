"""The last stop as a picture: a lane for each service, from the moment it was asked to stop to its end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from endwell.render.clean import clean, fit
from endwell.render.svg import element, join, path, titled
from endwell.render.words import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from markupsafe import Markup

    from endwell.gateway.page.course import Course, Lane

    Place = Callable[[float], float]

MOST = 200  # lanes
_WIDTH, _LEFT, _RIGHT = 900, 150, 190
_TOP, _HEIGHT, _BAR = 24, 24, 12
_LEAST = 0.01  # seconds that the axis has at least
_THINNEST = 2.0
_NAME = 20  # letters
_HOW = 27
_TICKS = 6


def picture(course: Course) -> Markup:
    """Return the picture."""
    lanes = course.lanes[:MOST]
    height = _TOP + _HEIGHT * len(lanes) + 6
    length = max(course.took, _LEAST)

    def place(at: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(at / length, 1.0)

    grid = (
        element(
            "g",
            element("path", d=path("M", place(at), _TOP - 4, "V", height - 4), class_="grid"),
            element("text", seconds(at), x=place(at), y=14, text_anchor="middle", class_="tick"),
        )
        for at in _ticks(length)
    )
    drawn = (_lane(lane, _TOP + _HEIGHT * at, place, course.took) for at, lane in enumerate(lanes))
    return element(
        "svg",
        titled(f"Last stop: {len(course.lanes)} services in {seconds(course.took)}"),
        join(*grid),
        join(*drawn),
        class_="stop",
        viewBox=f"0 0 {_WIDTH} {height}",
        width=_WIDTH,
        height=height,
        role="img",
    )


def _lane(lane: Lane, top: float, place: Place, took: float) -> Markup:
    middle = top + _HEIGHT / 2
    bar = middle - _BAR / 2
    end = took if lane.ended is None else lane.ended
    kind = "going" if lane.ended is None else "well" if lane.killed is None else "killed"
    pieces = [titled("\n".join(told(lane)))]
    pieces.append(
        element("text", fit(clean(lane.label), _NAME), x=_LEFT - 10, y=middle + 4, text_anchor="end")
    )
    if lane.told > lane.asked:
        pieces.append(_bar("drain", place(lane.asked), place(lane.told), bar))
    pieces.append(_bar(kind, place(lane.told), place(max(end, lane.told)), bar))
    # A mark has a shape of its own, for who does not see its color.
    at = place(lane.told)
    pieces.append(element("path", d=path("M", at - 4, bar - 5, "h", 8, "l", -4, 6, "z"), class_="told"))
    if lane.killed is not None:
        at = place(lane.killed)
        cross = path("M", at - 4, middle - 4, "l", 8, 8, "m", 0, -8, "l", -8, 8)
        pieces.append(element("path", d=cross, class_="cross"))
    words = "still there" if lane.ended is None else lane.how
    pieces.append(
        element("text", fit(clean(words), _HOW), x=place(max(end, lane.told)) + 8, y=middle + 4, class_="how")
    )
    return element("g", *pieces, class_="lane")


def _bar(kind: str, begin: float, end: float, top: float) -> Markup:
    width = max(end - begin, _THINNEST)
    return element("rect", x=begin, y=top, width=width, height=_BAR, rx=2, class_=f"bar {kind}")


def told(lane: Lane) -> Iterator[str]:
    """Go through what happened to it, in its order."""
    if lane.told > lane.asked:
        yield f"{lane.label}: asked to stop at {seconds(lane.asked)}"
    yield f"{lane.label}: told SIG{lane.signal.removeprefix('SIG')} at {seconds(lane.told)}"
    if lane.killed is not None:
        yield f"{lane.label}: SIGKILL at {seconds(lane.killed)}"
    yield (
        f"{lane.label}: still there"
        if lane.ended is None
        else f"{lane.label}: {lane.how} at {seconds(lane.ended)}"
    )


def _ticks(length: float) -> Iterator[float]:
    """Go through round times up to a length."""
    raw = length / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(one * power for one in (1, 2, 5, 10) if one * power >= raw)
    for number in range(int(length / step) + 1):
        yield number * step
