"""The picture in the page: the axis, requests as a strip on top, the lanes, the signals, the output below."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from endwell.model.signals import CHLD
from endwell.render.axis import ticks
from endwell.render.clean import clean, fit
from endwell.render.family import zombie
from endwell.render.frame import HEAD, LEFT, RIGHT, STRIP, WIDTH, Frame, frame
from endwell.render.marks import LOOKS, ending, hearing
from endwell.render.picture_lanes import lanes
from endwell.render.picture_signals import deadly, signals
from endwell.render.svg import element, join, path, titled
from endwell.render.words import HEARINGS, Hearing, Look, clock, look, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

    from endwell.model.report import Report
    from endwell.model.timeline import Printed
    from endwell.model.traffic import Request

MOST_REQUESTS = 3000
MOST_LINES = 600
_NARROW = 2.0
_PLOT = WIDTH - LEFT - RIGHT


def picture(report: Report) -> Markup:
    """Return the picture as an SVG element."""
    measures = frame(report)
    return element(
        "svg",
        _patterns(),
        _ground(measures),
        _requests(measures),
        _outside(measures),
        lanes(measures),
        _labels(measures),
        signals(measures),
        _output(measures),
        viewBox=f"0 0 {WIDTH:g} {measures.height:.1f}",
        role="group",
        aria_label="A lane per process over time. The tables below have the same numbers.",
        class_="picture",
        xmlns="http://www.w3.org/2000/svg",
    )


def legend(report: Report) -> tuple[tuple[Markup, str], ...]:
    """Return the marks that are used in the picture, each with its words."""
    looks = [kind for kind in Look if any(look(one) is kind for one in report.processes)]
    arrived = [one for process in report.processes for one in process.signals if one.signal != CHLD]
    heard = {HEARINGS[one.fate] for one in arrived if not deadly(one)}
    entries = [(_sample(kind), kind.value) for kind in looks]
    first = next((one for one in report.processes if one.pid == 1), None)
    if any(zombie(one, first, math.inf) for one in report.processes):
        entries.append(
            (element("rect", x=1, y=4, width=26, height=8, class_="zombie"), "zombie: dead, not collected")
        )
    entries += [(hearing(kind, 14, 8, 4.5), f"signal: {kind.value}") for kind in Hearing if kind in heard]
    if report.timeline.traffic:
        words = {"ok": "request answered", "refused": "refused", "lost": "lost"}
        sample = {"x": 1.0, "y": 4.0, "width": 26.0, "height": 8.0}
        entries += [
            (element("rect", class_=f"request {kind}", **sample), text) for kind, text in words.items()
        ]
    return tuple(
        (element("svg", drawn, viewBox="0 0 28 16", class_="key", aria_hidden="true"), words)
        for drawn, words in entries
    )


def _sample(kind: Look) -> Markup:
    bar = element("rect", x=1, y=3, width=22, height=10, rx=2.5, class_=f"bar {LOOKS[kind]}")
    mark = ending(kind, 22, 8, 4)
    return bar if mark is None else join(bar, mark)


def _patterns() -> Markup:
    """The patterns over the colors, for eyes and printers that see few of them."""

    def stripes(name: str, inside: str, ink: str, turn: int) -> Markup:
        return element(
            "pattern",
            element("rect", width=6, height=6, class_=inside),
            element("rect", width=2, height=6, class_=ink),
            id=name, width=6, height=6, patternUnits="userSpaceOnUse", patternTransform=f"rotate({turn})",
        )  # fmt: skip

    dots = element(
        "pattern",
        element("rect", width=6, height=6, class_="fill-untold"),
        element("circle", cx=3, cy=3, r=1.2, class_="fill-over"),
        id="dots", width=6, height=6, patternUnits="userSpaceOnUse",
    )  # fmt: skip
    return element(
        "defs",
        stripes("stripes", "fill-cut", "fill-over", 45),
        stripes("hatch", "fill-none", "fill-hatch", -45),
        dots,
    )


def _ground(frame: Frame) -> Markup:
    """What is behind the lanes: the time before the stop, the stop window, the grid."""
    stop = frame.report.timeline.stop
    top, height = HEAD - 6, frame.height - HEAD + 6
    pieces = [element("rect", x=LEFT, y=top, width=_PLOT, height=height, rx=4, class_="plot")]
    if stop.asked:
        left, right = frame.x(0.0), frame.x(stop.took)
        pieces.append(
            element(
                "rect", titled(f"the stop: {seconds(stop.took)}"),
                x=left, y=top, width=max(_NARROW, right - left), height=height, class_="window",
            )
        )  # fmt: skip
    grid = [step for at, _ in _ticks(frame) for step in ("M", frame.x(at), top, "V", top + height)]
    if grid:
        pieces.append(element("path", d=path(*grid), class_="grid"))
    return join(*pieces)


def _ticks(frame: Frame) -> tuple[tuple[float, str], ...]:
    labelled = (0.0,) if frame.grace is None else (0.0, frame.grace)
    return ticks(frame.axis, 74 / _PLOT, *labelled)


def _labels(frame: Frame) -> Markup:
    """The labels of the axis, and the lines of the stop and of the grace, over the lanes."""
    stop = frame.report.timeline.stop
    pieces = [
        element("text", label, x=frame.x(at), y=HEAD - 14, text_anchor="middle", class_="tick")
        for at, label in _ticks(frame)
    ]
    bottom = frame.height
    if stop.asked:
        x = frame.x(0.0)
        pieces.append(element("path", d=path("M", x, HEAD - 10, "V", bottom), class_="line stop"))
        pieces.append(_flag(x, stop.signal.name, "stop"))
    if frame.grace is not None:
        x = frame.x(frame.grace)
        pieces.append(element("path", d=path("M", x, HEAD - 10, "V", bottom), class_="line grace"))
        pieces.append(_flag(x, f"grace {seconds(frame.grace)}", "grace"))
    return join(*pieces)


def _flag(x: float, text: str, kind: str) -> Markup:
    width = 7.0 * len(text) + 14
    left = min(max(0.0, x - width / 2), WIDTH - width)
    return element(
        "g",
        element("rect", x=left, y=HEAD - 30, width=width, height=20, rx=4, class_=f"flag {kind}"),
        element("text", text, x=left + width / 2, y=HEAD - 16, text_anchor="middle", class_="flag-text"),
    )


def _outside(frame: Frame) -> Markup:
    y = frame.outside
    name = fit(clean(frame.report.timeline.engine), 16)
    return join(
        element("text", f"outside ({name})", x=LEFT - 10, y=y + 4, text_anchor="end", class_="strip-name"),
        element("path", d=path("M", LEFT, y, "H", WIDTH - RIGHT), class_="outside"),
    )


def _requests(frame: Frame) -> Markup:
    traffic = frame.report.timeline.traffic
    if traffic is None:
        return join()
    pieces = [
        element(
            "text", name, x=LEFT - 10, y=HEAD + place * STRIP + 11, text_anchor="end", class_="strip-name"
        )
        for place, name in enumerate(frame.strips)
    ]
    pieces.append(element("text", "requests", x=12, y=HEAD + 11, class_="strip-title"))
    # The lost ones last: they are few, and lie on top.
    shown = sorted(traffic.requests, key=lambda one: one.outcome.lost)[-MOST_REQUESTS:]
    return join(*pieces, *(_request(frame, one) for one in shown))


def _request(frame: Frame, one: Request) -> Markup:
    y = HEAD + frame.strips.index(one.group.value) * STRIP
    left, right = frame.x(one.sent), frame.x(frame.axis.end if one.ended is None else one.ended)
    status = f", status {one.status}" if one.status is not None else ""
    until = f" to {clock(one.ended)} s" if one.ended is not None else " s, never answered"
    kind = "lost" if one.outcome.lost else "refused" if one.outcome.value == "refused" else "ok"
    inset = 1.5 if one.outcome.lost else 4.0
    return element(
        "rect",
        titled(f"{one.group.value}: {one.outcome.value}{status}, {clock(one.sent)}{until}"),
        x=left, y=y + inset, width=max(_NARROW, right - left), height=STRIP - 2 * inset,
        class_=f"request {kind}",
    )  # fmt: skip


def _output(frame: Frame) -> Markup:
    printed = frame.printed
    if not printed:
        return join()
    top = frame.bottom + 7
    return join(
        element("text", "output", x=LEFT - 10, y=top + 11, text_anchor="end", class_="strip-name"),
        *_printed(frame, printed[-MOST_LINES:], top),
    )


def _printed(frame: Frame, printed: list[Printed], top: float) -> Iterator[Markup]:
    for one in printed:
        x = frame.x(one.at)
        error = one.stream == "stderr"
        who = f" of {fit(clean(one.by), 40)}" if one.by else ""
        text = f"{clock(one.at)} s {fit(clean(one.stream), 12)}{who}: {fit(clean(one.text), 160)}"
        line = (
            path("M", x, top, "V", top + 14)
            if not error
            else path("M", x, top, "V", top + 5, "M", x, top + 8, "V", top + 14)
        )
        yield element(
            "g", titled(text), element("path", d=line, class_=f"line-out {'stderr' if error else 'stdout'}")
        )
