"""The glimpses that are kept: so many and no more, since a container may send signals without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.glimpses import Became, Left, Sent, Stood

if TYPE_CHECKING:
    from endwell.machine.glimpses import Glimpse

# Some 50 MB. Births and ends are kept beyond it: whoever probes limits the number of processes.
MOST = 100_000


class Notebook:
    """Keeps glimpses in the order in which they came.

    `lost` counts those that are not kept; `latest` is the latest time of all.

    Args:
        most: after how many only the births and ends of processes are kept.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: list[Glimpse] = []
        self.lost = 0
        self.latest = 0.0

    def write(self, glimpse: Glimpse) -> None:
        """Keep a glimpse."""
        self.latest = max(self.latest, glimpse.at)
        if len(self._kept) >= self._most and isinstance(glimpse, Sent | Stood | Became):
            self.lost += not isinstance(glimpse, Stood)
            return
        self._kept.append(glimpse)

    @property
    def place(self) -> int:
        """Where the next glimpse will be."""
        return len(self._kept)

    def withdraw(self, place: int) -> None:
        """Strike out what somebody has done from `place` on: he did not get to do it."""
        self._kept[place:] = [one for one in self._kept[place:] if not isinstance(one, Left | Sent)]

    def read(self) -> tuple[Glimpse, ...]:
        """Return all that was kept."""
        return tuple(self._kept)
