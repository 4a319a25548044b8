"""What the streams may use of the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.system.loop import Loop, Timer


class LoopWatcher:
    """The `Watcher` of a loop.

    Args:
        loop: it.

    Attributes:
        tick: called with the time at the instant that was asked for.
    """

    def __init__(self, loop: Loop) -> None:
        self.watch = loop.watch
        self.forget = loop.forget
        self.tick: Callable[[float], None] = lambda _: None
        self._loop = loop
        self._timer: Timer | None = None

    def wake_at(self, at: float | None) -> None:
        """As `Watcher.wake_at`."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if at is None else self._loop.at(at, lambda: self.tick(self._loop.now()))
