"""The marks of the picture in the page: a shape for everything that a color says, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.render.svg import element, path
from endwell.render.words import Hearing, Look

if TYPE_CHECKING:
    from markupsafe import Markup

# The CSS class of each: its color and its pattern are the style sheet's.
LOOKS = {
    Look.LEFT: "left",
    Look.EARLIER: "earlier",
    Look.FAILED: "failed",
    Look.SIGNAL: "signal",
    Look.KILLED: "killed",
    Look.CUT: "cut",
    Look.UNTOLD: "untold",
    Look.UNKNOWN: "unknown",
}
HEARINGS = {
    Hearing.HEARD: "heard",
    Hearing.ACTED: "acted",
    Hearing.UNHEARD: "unheard",
    Hearing.WAITING: "waiting",
    Hearing.LATE: "late",
}


def hearing(kind: Hearing, x: float, y: float, size: float = 4.5) -> Markup:
    """Return the mark of a signal that arrived: handled, acted upon, unheard, waiting, or too late."""
    name = f"mark {HEARINGS[kind]}"
    if kind is Hearing.HEARD:
        return element("circle", cx=x, cy=y, r=size, class_=name)
    if kind is Hearing.ACTED:
        return element("path", d=_diamond(x, y, size * 1.25), class_=name)
    if kind is Hearing.UNHEARD:
        slash = size * 0.7
        ring = path(
            "M", x - size, y, "a", size, size, 0, 1, 0, 2 * size, 0, "a", size, size, 0, 1, 0, -2 * size, 0
        )
        line = path("M", x - slash, y + slash, "L", x + slash, y - slash)
        return element("path", d=f"{ring} {line}", class_=name)
    if kind is Hearing.WAITING:
        side = size * 1.7
        return element("rect", x=x - side / 2, y=y - side / 2, width=side, height=side, class_=name)
    return element("circle", cx=x, cy=y, r=size * 0.5, class_=name)


def ending(kind: Look, x: float, y: float, size: float, *, failed: bool = False) -> Markup | None:
    """Return the mark at the end of a life, which has one shape if it has `failed`; None if nobody saw it."""
    name = f"end {LOOKS[kind]}"
    if kind in {Look.LEFT, Look.EARLIER} and not failed:
        return element("circle", cx=x, cy=y, r=size, class_=name)
    if kind in {Look.FAILED, Look.EARLIER}:
        return element("rect", x=x - size, y=y - size, width=2 * size, height=2 * size, class_=name)
    if kind is Look.SIGNAL:
        return element("path", d=_diamond(x, y, size * 1.3), class_=name)
    if kind is Look.UNKNOWN:
        return None
    cross = path(
        "M", x - size, y - size, "L", x + size, y + size, "M", x - size, y + size, "L", x + size, y - size
    )
    return element("path", d=cross, class_=f"{name} cross")


def head(x: float, tip: float, *, down: bool) -> str:
    """Return the path of an arrow's head whose tip is at `x`, `tip`."""
    back = tip - 6 if down else tip + 6
    return path("M", x, tip, "L", x - 3.5, back, "L", x + 3.5, back, "Z")


def _diamond(x: float, y: float, size: float) -> str:
    return path("M", x, y - size, "L", x + size, y, "L", x, y + size, "L", x - size, y, "Z")
