"""What is to be done, done bit by bit.

A thousand services may want something at once, and clients, signals and lines are not to wait for all of
them: after some time of doing, the rest is left for the next turn of the loop.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from endwell.machine.act import Act
    from endwell.system.loop import Loop, Timer

SLICE = 0.003  # seconds of doing after which others have their turn; a client's work has a longer one


class Agenda:
    """The acts that are left to be done, in order.

    Args:
        loop: for its turns.
        do: does one.
        mistaken: told of what goes wrong with one; the next one is done all the same.
        paused: called whenever all are done, or as many as there is time for.
    """

    def __init__(
        self,
        loop: Loop,
        do: Callable[[Act], None],
        mistaken: Callable[[Exception], None],
        paused: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._do = do
        self._mistaken = mistaken
        self._paused = paused
        self._acts: deque[Act] = deque()
        self._busy = False
        self._spent = 0.0  # seconds of doing, in this turn of the loop
        self._later: Timer | None = None

    @property
    def behind(self) -> bool:
        """Whether something is left to be done in the next turn of the loop."""
        return self._busy or self._later is not None

    def turn(self) -> None:
        """Take note that a turn of the loop begins."""
        self._spent = 0.0

    def add(self, acts: Iterable[Act]) -> None:
        """Do what is to be done, in order; what follows from it is done after it."""
        self._acts.extend(acts)
        if not self.behind:
            self._go_on()

    def _go_on(self) -> None:
        """Do what is left to be done, as far as there is time for it in this turn of the loop."""
        self._busy, self._later = True, None
        begun = now = self._loop.now()
        until = begun + SLICE - self._spent
        try:
            while self._acts and now < until:
                act = self._acts.popleft()
                try:
                    self._do(act)
                except Exception as error:  # noqa: BLE001  what others need done is done all the same
                    self._mistaken(error)
                now = self._loop.now()
        finally:
            self._busy = False
            self._spent += now - begun
        if self._acts:
            self._later = self._loop.at(now, self._go_on)
        self._paused()
