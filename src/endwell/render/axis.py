"""Where an instant stands in the picture.

A program runs for ten seconds and stops in three milliseconds; or it handles the signal in the first
millisecond and is killed after ten seconds. On a linear axis the part that matters is one pixel wide. So the
axis is linear in pieces:

- what was before the stop gets a quarter of the width, whatever its length;
- within both parts every instant at which something happened is kept a little apart from the one before it,
  so that an order is always seen; what is left of the width is shared out in proportion to time.

It never goes backwards, and the labels stand where their instants are.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING

from endwell.model.signals import KILL
from endwell.model.timeline import Printed
from endwell.records import dataclass
from endwell.render.family import zombie
from endwell.render.volleys import volleys
from endwell.render.words import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from endwell.model.report import Report
    from endwell.model.timeline import Fate
    from endwell.render.volleys import Volley

BEFORE = 0.25  # of the width
_EDGE = 0.012  # of the width: room for marks at both ends
_SPREAD = 0.4  # of the width, at most, to keep instants apart
_BEYOND = 1.3  # how far output and requests may stretch the time after the stop
_LEAST = 0.001  # seconds: the shortest part
_TOGETHER = 0.0005  # seconds: instants that are nearer than this are one, unless all of it took hardly longer
_TOGETHER_SHARE = 0.02  # of the length of the part


@dataclass(frozen=True, slots=True)
class Axis:
    """Times in seconds relative to the stop, and their places from 0 to 1; both ascend."""

    times: tuple[float, ...]
    places: tuple[float, ...]

    def place(self, at: float) -> float:
        """Return where an instant stands; what is beyond the axis stands at its end."""
        if at <= self.times[0]:
            return self.places[0]
        if at >= self.times[-1]:
            return self.places[-1]
        above = bisect_right(self.times, at)
        low, high = self.times[above - 1], self.times[above]
        share = (at - low) / (high - low)
        return self.places[above - 1] + share * (self.places[above] - self.places[above - 1])

    @property
    def start(self) -> float:
        """The first instant, in seconds."""
        return self.times[0]

    @property
    def end(self) -> float:
        """The last instant, in seconds."""
        return self.times[-1]


def axis(report: Report, apart: float) -> Axis:
    """Return the axis of a report.

    Args:
        report: what is to be drawn.
        apart: how far instants are kept apart where there is room, as a share of the width.
    """
    timeline = report.timeline
    instants = sorted(_instants(report))
    loose = [event.at for event in timeline.events if isinstance(event, Printed)]
    for request in timeline.traffic.requests if timeline.traffic else ():
        loose += [request.sent, request.ended if request.ended is not None else request.sent]
    first = min(instants[0], min(loose, default=0.0))
    last = max(instants[-1], min(max(loose, default=0.0), max(instants[-1], 0.0) * _BEYOND))
    before = BEFORE if timeline.stop.asked else 1 - BEFORE / 2
    early, early_places = _part(
        min(first, -_LEAST), 0.0, (at for at in instants if at < 0), apart, (_EDGE, before)
    )
    late, late_places = _part(
        0.0, max(last, _LEAST), (at for at in instants if at > 0), apart, (before, 1 - 2 * _EDGE)
    )
    return Axis((*early, *late[1:]), (*early_places, *late_places[1:]))


def _instants(report: Report) -> set[float]:
    stop = report.timeline.stop
    instants = {0.0, stop.took if stop.asked else 0.0}
    if stop.asked and not math.isinf(stop.grace) and stop.took >= stop.grace:
        instants.add(stop.grace)
    first = next((one for one in report.processes if one.pid == 1), None)
    for process in report.processes:
        instants.add(process.born)
        if process.died is not None:
            instants.add(process.died)
        if (tail := zombie(process, first, 0.0)) is not None:
            instants.update(tail)
    # A kill and the death of it are one instant.
    for volley in volleys(report.processes):
        if volley.signal != KILL:
            instants.update(_distinct(volley))
    return instants


def _distinct(volley: Volley) -> Iterator[float]:
    """Yield the instant of a volley, and those at which it met somebody again who took it otherwise."""
    yield volley.at
    fates: dict[int, Fate] = {}
    for index, one in zip(volley.targets, volley.arrivals, strict=True):
        if fates.setdefault(index, one.fate) is not one.fate:
            fates[index] = one.fate
            yield one.at


def _part(
    start: float, end: float, instants: Iterable[float], apart: float, room: tuple[float, float]
) -> tuple[list[float], list[float]]:
    """Return the knots of one part of the axis: times, and places within `room`."""
    low, high = room
    together = min(_TOGETHER, _TOGETHER_SHARE * (end - start))
    times = [start]
    for at in instants:
        if at - times[-1] > together and at < end:
            times.append(at)
    times.append(end)
    steps = len(times) - 1
    gap = min(apart, _SPREAD * (high - low) / steps)
    scale = (high - low - steps * gap) / (end - start)
    places = [low + (at - start) * scale + step * gap for step, at in enumerate(times)]
    places[-1] = high
    return times, places


def ticks(axis: Axis, room: float, *labelled: float) -> tuple[tuple[float, str], ...]:
    """Return round instants and their labels.

    Args:
        axis: what they are for.
        room: what a label takes, as a share of the width; none touches another.
        labelled: instants that have a label already, such as the stop itself.
    """
    taken = [axis.place(at) for at in labelled]
    found: list[tuple[float, str]] = []
    for span in (axis.end, axis.start):
        step = math.copysign(_round(abs(span) / 5), span)
        for factor in (4, 2, 1):  # the rounder ones first, the others where there is still room
            for count in range(factor, 6 * factor + 1, factor):
                at = round(step * count, 9)
                place = axis.place(at)
                if not axis.start <= at <= axis.end or any(abs(place - other) < room for other in taken):
                    continue
                taken.append(place)
                found.append((at, ("+" if at > 0 else "-") + seconds(abs(at))))
    return tuple(sorted(found))


def _round(value: float) -> float:
    """Return the next larger of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * 0.999)
