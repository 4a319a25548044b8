"""When each replica has to look at the time again."""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.machine.life import Life

Key = tuple[str, int]


class Alarms:
    """Of all replicas; one that has changed its mind meanwhile is passed over.

    Args:
        lives: of the replicas.
    """

    def __init__(self, lives: Mapping[Key, Life]) -> None:
        self._lives = lives
        self._heap: list[tuple[float, Key]] = []

    def set(self, key: Key, at: float) -> None:
        """Let one be called at an instant; infinity: not at all."""
        if at < math.inf:
            heapq.heappush(self._heap, (at, key))

    @property
    def next(self) -> float:
        """When the first one is due; infinity: none."""
        while self._heap and self._lives[self._heap[0][1]].wake != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf

    def due(self, now: float) -> list[Key]:
        """Take out who is due, each of them once, the longest due first."""
        found: dict[Key, None] = {}
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._lives[key].wake == at:
                found[key] = None
        return list(found)

    def forget_others(self) -> None:
        """Forget those who are not among the lives any more."""
        self._heap = [(at, key) for at, key in self._heap if key in self._lives]
        heapq.heapify(self._heap)
