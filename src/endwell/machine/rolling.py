"""The restart of a service's replicas one by one: each only when the one before it is ready again."""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endwell.machine.replica import Replica


class Turn(Enum):
    """What is next."""

    WAIT = "wait"
    RESTART = "restart"  # the one that is `current` now
    DONE = "done"
    GIVEN_UP = "given-up"  # `current` does not come back; the others are left as they are


class Rolling:
    """A restart under way.

    Args:
        replicas: in the order in which they are restarted; at least one.

    Attributes:
        current: the one whose turn it is.
        left: those whose turn has not come.
    """

    def __init__(self, replicas: Iterable[Replica]) -> None:
        self.left = deque(replicas)
        self.current = self.left.popleft()
        self._restarted = False

    def look(self) -> Turn:
        """Return what is next; to be asked whenever `current` may have changed."""
        one = self.current
        if not self._restarted:
            self._restarted = True
            return Turn.RESTART
        if one.ready or one.completed:  # neither is so from the moment it is asked to stop
            if not self.left:
                return Turn.DONE
            self.current = self.left.popleft()
            return Turn.RESTART
        return Turn.GIVEN_UP if one.at_rest else Turn.WAIT
