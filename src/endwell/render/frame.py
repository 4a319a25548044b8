"""The measures of the picture in the page: where lanes and instants are, in units of its view box."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from endwell.model.timeline import Printed
from endwell.records import dataclass
from endwell.render.axis import Axis, axis
from endwell.render.document import executions
from endwell.render.family import Lane, foremost, lanes, passing

if TYPE_CHECKING:
    from endwell.model.process import Process
    from endwell.model.report import Report

WIDTH = 1200.0
LEFT = 262.0  # of it for labels
RIGHT = 112.0  # of it for how lives ended
HEAD = 46.0  # above everything: the labels of the axis
STRIP = 15.0  # a row of requests
FOOT = 30.0  # below everything: the output
ROOM = 48  # more processes than this, and those that are alike share a lane
MOST = 160  # lanes
_APART = 16.0  # between instants, where there is room
_HEIGHTS = ((24, 28.0), (60, 22.0), (MOST, 17.0))  # of a lane, by the number of lanes


@dataclass(frozen=True, slots=True)
class Frame:
    """The measures, and what all parts of the picture share.

    Args:
        report: what is drawn.
        axis: where instants are, from 0 to 1.
        lanes: those that are shown.
        hidden: how many processes are not.
        strips: names of the rows of requests.
        lane: the height of one.
        executed: when each process became another program.
    """

    report: Report
    axis: Axis
    lanes: tuple[Lane, ...]
    hidden: int
    strips: tuple[str, ...]
    lane: float
    executed: dict[int, list[float]]

    def x(self, at: float) -> float:
        """Return the place of an instant."""
        return LEFT + self.axis.place(at) * (WIDTH - LEFT - RIGHT)

    @property
    def outside(self) -> float:
        """The middle of the lane that stands for the world outside."""
        return HEAD + len(self.strips) * STRIP + (8 if self.strips else 0) + 12

    def y(self, place: int) -> float:
        """Return the middle of the lane at `place`."""
        return self.outside + 16 + self.lane * (place + 0.5)

    @property
    def bottom(self) -> float:
        """The lower edge of the last lane."""
        return self.y(len(self.lanes)) - self.lane / 2 + (18 if self.hidden else 0)

    @property
    def height(self) -> float:
        """The height of the picture."""
        return self.bottom + (FOOT if self.printed else 6)

    @property
    def printed(self) -> list[Printed]:
        """The lines of output."""
        return [one for one in self.report.timeline.events if isinstance(one, Printed)]

    @property
    def first(self) -> Process | None:
        """PID 1."""
        return next((one for one in self.report.processes if one.pid == 1), None)

    @property
    def grace(self) -> float | None:
        """The end of the grace period, if it was reached."""
        stop = self.report.timeline.stop
        seen = stop.asked and not math.isinf(stop.grace) and stop.grace <= self.axis.end
        return stop.grace if seen else None

    @property
    def rows(self) -> dict[int, int]:
        """The place of the lane of every process that is shown, by its index in the report."""
        return {index: place for place, lane in enumerate(self.lanes) for index in lane.members}


def frame(report: Report) -> Frame:
    """Return the measures for a report."""
    every = lanes(report.processes, ROOM, passing(report))
    shown = foremost(report, every, MOST)
    hidden = sum(len(one.members) for one in every) - sum(len(one.members) for one in shown)
    traffic = report.timeline.traffic
    strips = tuple(dict.fromkeys(one.group.value for one in traffic.requests)) if traffic else ()
    height = next(height for most, height in _HEIGHTS if len(shown) <= most)
    return Frame(
        report,
        axis(report, _APART / (WIDTH - LEFT - RIGHT)),
        tuple(shown),
        hidden,
        strips,
        height,
        executions(report),
    )
