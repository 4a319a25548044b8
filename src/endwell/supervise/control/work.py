"""Work that clients cause, done in small pieces: a few milliseconds of it in each turn of the loop.

Whatever clients ask for, and however many they are, a signal or the end of a service is taken between two
turns. Those who cause work take turns as well, so that one who asks for much costs the others little.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.system.loop import Loop, Timer

BUDGET = 0.005  # seconds of a turn


class Work:
    """What is to be done, in pieces.

    Args:
        loop: to be called in.
        mistaken: told of an exception that nobody has foreseen.
    """

    def __init__(self, loop: Loop, mistaken: Callable[[Exception], object]) -> None:
        self._loop = loop
        self._mistaken = mistaken
        self._pieces: deque[Callable[[], bool]] = deque()
        self._timer: Timer | None = None

    def add(self, piece: Callable[[], bool]) -> None:
        """Have something done; it is called again while it returns that there is more."""
        self._pieces.append(piece)
        self._ask()

    def close(self) -> None:
        """Leave the rest undone."""
        self._pieces.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _ask(self) -> None:
        if self._timer is None and self._pieces:
            self._timer = self._loop.after(0.0, self._turn)

    def _turn(self) -> None:
        self._timer = None
        until = time.monotonic() + BUDGET
        while self._pieces:
            piece = self._pieces.popleft()
            try:
                if piece():
                    self._pieces.append(piece)
            except Exception as error:  # noqa: BLE001  one client's bad luck is nobody else's
                self._mistaken(error)
            if time.monotonic() >= until:
                break
        self._ask()
