"""The signals of the picture in the page: an arrow each; a volley to many is one bus with many heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.signals import KILL
from endwell.model.timeline import Fate, Origin
from endwell.render.marks import HEARINGS as CLASSES, head, hearing
from endwell.render.svg import element, join, path, titled
from endwell.render.volleys import repeated, volleys
from endwell.render.words import HEARINGS, clock, counted, fate, fates, whence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

    from endwell.model.timeline import Signalled
    from endwell.render.frame import Frame
    from endwell.render.volleys import Volley

MOST = 400  # arrows; more only make it black
MOST_MARKS = 1500
_NEAR = 34.0  # labels nearer than this to each other are left out
_FAR = 56.0  # the same, when they are the same


def signals(frame: Frame) -> Markup:
    """Return arrows and marks, the marks on top."""
    every = volleys(frame.report.processes)
    drawn = every if len(every) <= MOST else repeated(every)[:MOST]
    labelled: list[tuple[float, float, str]] = []
    arrows = [_arrow(frame, one, labelled) for one in drawn]
    return join(*arrows, *_marks(frame, every))


def _marks(frame: Frame, every: tuple[Volley, ...]) -> Iterator[Markup]:
    """Yield a mark for each arrival, but one where several would cover each other."""
    rows = frame.rows
    size = min(4.5, frame.lane * 0.2)
    seen: set[tuple[int, int, Fate]] = set()
    for volley in every:
        for index, one in zip(volley.targets, volley.arrivals, strict=True):
            place = rows.get(index)
            if place is None or deadly(one) or len(seen) > MOST_MARKS:
                continue
            x = frame.x(one.at)
            if (place, int(x / 2), one.fate) in seen:
                continue
            seen.add((place, int(x / 2), one.fate))
            mark = hearing(HEARINGS[one.fate], x, frame.y(place), size)
            text = f"{one.signal.name} from {whence(one.sender)}: {fate(one)}, {clock(one.at)} s"
            yield element("g", titled(text), mark)


def deadly(one: Signalled) -> bool:
    """Whether the end of the bar is the mark of it."""
    return one.signal == KILL and one.fate is Fate.DEFAULT


def _arrow(frame: Frame, volley: Volley, labelled: list[tuple[float, float, str]]) -> Markup:
    rows = frame.rows
    if volley.source is None:
        source = frame.outside
    elif volley.source in rows:
        source = frame.y(rows[volley.source])
    else:
        return join()
    targets = {
        rows[index]: one for index, one in zip(volley.targets, volley.arrivals, strict=True) if index in rows
    }
    places = [frame.y(place) for place in targets]
    others = [y for y in places if y != source]
    if not others:
        return join()
    x = frame.x(volley.at)
    kinds = {CLASSES[HEARINGS[one.fate]] for one in targets.values()}
    kind = (
        "deadly"
        if all(deadly(one) for one in targets.values())
        else kinds.pop()
        if len(kinds) == 1
        else "mixed"
    )
    gap = frame.lane * 0.24 + 1
    heads = join(
        *(
            element(
                "path",
                d=head(x, y - gap if y > source else y + gap, down=y > source),
                class_=f"head {'deadly' if deadly(one) else CLASSES[HEARINGS[one.fate]]}",
            )
            for y, one in zip(places, targets.values(), strict=True)
            if y != source
        )
    )
    top, bottom = min([*others, source]), max([*others, source])
    ends = [y + (-gap - 5 if y > source else gap + 5) if y != source else y for y in (top, bottom)]
    down = others[0] > source
    beside = source + (frame.lane / 2 + 3 if down else 5 - frame.lane / 2)
    label = source + 3 if volley.source is None else beside
    teardown = " teardown" if volley.sender.kind is Origin.NAMESPACE else ""
    whom = counted(len(set(volley.targets)), "process", "processes")
    text = (
        f"{volley.signal.name} from {whence(volley.sender)} to {whom} at {clock(volley.at)} s: "
        f"{fates(volley.arrivals)}"
    )
    return element(
        "g",
        titled(text),
        element("path", d=path("M", x, ends[0], "V", max(ends)), class_="reach"),
        element("path", d=path("M", x, ends[0], "V", max(ends)), class_=f"wire {kind}{teardown}"),
        element("circle", cx=x, cy=source, r=2.5, class_=f"origin {kind}"),
        heads,
        _name(volley, x, label, labelled),
        class_="arrow",
    )


def _name(volley: Volley, x: float, y: float, labelled: list[tuple[float, float, str]]) -> Markup:
    """Return the name of the signal next to the arrow's beginning, unless another name is there already."""
    name = volley.signal.name.removeprefix("SIG")
    for other, level, known in labelled:
        if abs(y - level) < 10 and abs(x - other) < (_FAR if name == known else _NEAR):  # noqa: PLR2004  a line
            return join()
    labelled.append((x, y, name))
    return element("text", name, x=x + 6, y=y, class_="what")
