"""The time, for those who want to be told it: the clock is looked at for nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine import notice
from endwell.machine.notice import TICKS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from endwell.machine.notice import Notice
    from endwell.system.loop import Loop, Timer


class Ticks:
    """The events of the time.

    Args:
        loop: for waiting.
        wall: the wall clock.
        publish: takes an event when a slice of the time begins.
    """

    def __init__(self, loop: Loop, wall: Callable[[], float], publish: Callable[[Notice], None]) -> None:
        self._loop = loop
        self._wall = wall
        self._publish = publish
        self._wanted: list[str] = []
        self._slices: dict[str, int] = {}
        self._timer: Timer | None = None

    def want(self, events: Collection[str]) -> None:
        """Tell of those among these that are events of the time, and of no others."""
        self._wanted = [event for event in TICKS if event in events]
        self._set()

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._wall()
        self._slices = {event: self._slices.get(event, notice.slice_of(event, now)) for event in self._wanted}
        if self._wanted:
            least = min(TICKS[one] - now % TICKS[one] for one in self._wanted)
            self._timer = self._loop.after(least, self._ticked)

    def _ticked(self) -> None:
        now = self._wall()
        for event in self._wanted:
            # Somebody may have set the clock: it is the slice that counts, not what was waited for.
            if self._slices[event] != (begun := notice.slice_of(event, now)):
                self._slices[event] = begun
                self._publish(notice.tick(event, now))
        self._set()
