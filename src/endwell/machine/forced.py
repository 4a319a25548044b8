"""What is said of one that did not leave by itself: the same words wherever somebody reads about its stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from endwell.machine.replica import Replica


def forced(replica: Replica) -> str:
    """Return how the last stop of a replica came to SIGKILL, after its name; empty if it did not."""
    stop = replica.stop
    if stop is None or stop.killed is None:
        return ""
    after = f"SIGKILL after {stop.killed - stop.told:.1f} s"
    ended = stop.ended if replica.pid else replica.ended_at
    if ended is not None and ended < stop.killed:
        return f"has left others behind that had to be killed: told SIGTERM, did not leave, {after}"
    return f"had to be killed: told {replica.spec.stop_signal}, did not leave, {after}"
