"""The last stop there was: of everything, of one service, of those that were restarted together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.gateway.page.names import called
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endwell.gateway.rows import Row

_TOGETHER = 1.0  # seconds between the end of one and the beginning of the next that still belongs to it


@dataclass(frozen=True, slots=True)
class Lane:
    """How one replica was stopped; times are in seconds after the first was asked to.

    Args:
        label: of the replica.
        signal: its stop signal.
        asked: when it was asked to stop: until it is told, it drains.
        told: when it got its stop signal.
        killed: when it got SIGKILL; None if it did not.
        ended: when its process ended; None while it is there.
        how: it ended, for people.
    """

    label: str
    signal: str
    asked: float
    told: float
    killed: float | None
    ended: float | None
    how: str


@dataclass(frozen=True, slots=True)
class Course:
    """The stop of those who were stopped together.

    Args:
        began: when the first was asked to, in seconds since the epoch.
        took: seconds until the last had ended, or until now.
        over: whether all have ended.
        lanes: in the order in which they were asked.
    """

    began: float
    took: float
    over: bool
    lanes: tuple[Lane, ...]


def last_stop(rows: Iterable[Row], now: float) -> Course | None:
    """Return the last stop; None if there was none.

    Args:
        rows: of `ps`.
        now: seconds since the epoch.
    """
    stopped = [(row, row["stop"]) for row in rows if row["stop"]]
    stopped.sort(key=lambda one: (one[1]["asked"], one[1]["told"]))
    together: list[tuple[Row, Row]] = []
    until = 0.0
    for row, stop in stopped:
        if stop["asked"] > until + _TOGETHER:
            together.clear()
        together.append((row, stop))
        until = max(until, _end(stop, now))
    if not together:
        return None
    began = together[0][1]["asked"]
    lanes = tuple(_lane(row, stop, began) for row, stop in together)
    return Course(began, max(until - began, 0.0), all(lane.ended is not None for lane in lanes), lanes)


def _end(stop: Row, now: float) -> float:
    """Return when its process ended; one that is there still, or had ended before, ends where we look."""
    ended = stop["ended"]
    return max(float(now if ended is None else ended), float(stop["told"]))


def _lane(row: Row, stop: Row, began: float) -> Lane:
    def after(at: float | None) -> float | None:
        return None if at is None else max(at - began, 0.0)

    return Lane(
        label=called(row),
        signal=row["stop_signal"],
        asked=stop["asked"] - began,
        told=stop["told"] - began,
        killed=after(stop["killed"]),
        ended=after(stop["ended"]),
        how=stop["how"],
    )
