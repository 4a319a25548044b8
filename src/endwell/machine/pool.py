"""The listeners of one group, who share the events between them: each event is for one of them.

Events wait here for the first listener who is free. When there are more than may wait, the oldest is dropped;
when one comes back that was rejected, it is the oldest, and the one after it is dropped, as with supervisord.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from endwell.machine.listener import Listener
from endwell.machine.notice import meant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endwell.machine.notice import Notice

Key = tuple[str, int]

# One who rejects an event, asks for the next and gets the same would keep us as busy as itself.
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0


class Entry(NamedTuple):
    """An event in a pool.

    Args:
        notice: it.
        serial: its number among all events that anybody listens to.
        pool_serial: its number in this pool.
    """

    notice: Notice
    serial: int
    pool_serial: int


class Pool:
    """The listeners of a group.

    Args:
        name: of the group.
        events: what they want to be told, by the names of events.
        size: how many events may wait.
        server: supervisord's identifier.

    Attributes:
        members: the listeners, in the order in which they are asked.
        wanted: the events they are told.
        dropped: how many events nobody was told.
        wake: when `deal` is to be called, should nothing happen before; infinity for never.
    """

    def __init__(self, name: str, events: Iterable[str], size: int, server: str) -> None:
        self.name = name
        self.wanted = meant(events)
        self.size = size
        self.members: dict[Key, Listener] = {}
        self.dropped = 0
        self.wake = math.inf
        self._server = server
        self._waiting: deque[Entry] = deque()
        self._serial = 0
        self._rejections = 0

    @property
    def paused(self) -> bool:
        """Whether somebody would be given an event, were it not too soon after he has rejected one."""
        return self.wake < math.inf and bool(self._waiting) and any(one.free for one in self.members.values())

    @property
    def quiet(self) -> bool:
        """Whether all that it was told is done."""
        return not self._waiting and all(one.entry is None for one in self.members.values())

    def expect(self, keys: Iterable[Key]) -> None:
        """Take note of who listens; those who did before stay as they are."""
        self.members = {key: self.members.get(key) or Listener() for key in keys}

    def add(self, notice: Notice, serial: int) -> Entry | None:
        """Take a new event; returns the one that is dropped for it, if any."""
        entry = Entry(notice, serial, self._serial)
        self._serial += 1
        dropped = self._make_room()
        self._waiting.append(entry)
        return dropped

    def put_back(self, entry: Entry) -> Entry | None:
        """Take an event that could not be told; returns the one that is dropped for it, if any."""
        dropped = self._make_room()
        self._waiting.appendleft(entry)
        return dropped

    def reject(self, entry: Entry, now: float) -> Entry | None:
        """Take an event that a listener has not done; returns the one that is dropped for it, if any.

        Args:
            entry: the event.
            now: the monotonic clock.
        """
        if self._rejections:
            self.wake = now + min(_FIRST_PAUSE * 2 ** min(self._rejections - 1, 64), _LONGEST_PAUSE)
        self._rejections += 1
        return self.put_back(entry)

    def done(self) -> None:
        """Take note that a listener has done what an event is for."""
        self._rejections = 0
        self.wake = math.inf

    def deal(self, now: float) -> list[tuple[Key, Entry]]:
        """Return who is given what now."""
        if self.wake < math.inf:
            if now < self.wake:
                return []
            self.wake = math.inf
        dealt: list[tuple[Key, Entry]] = []
        for key, one in self.members.items():
            if not self._waiting:
                break
            if one.free:
                entry = self._waiting.popleft()
                one.give(entry)
                dealt.append((key, entry))
        return dealt

    def envelope(self, entry: Entry) -> bytes:
        """Return what a listener reads. Its `len` counts characters and not bytes, as supervisord's does."""
        payload = entry.notice.payload
        head = (
            f"ver:3.0 server:{self._server} serial:{entry.serial} pool:{self.name}"
            f" poolserial:{entry.pool_serial} eventname:{entry.notice.event} len:{len(payload)}\n"
        )
        return f"{head}{payload}".encode(errors="replace")

    def _make_room(self) -> Entry | None:
        if len(self._waiting) < self.size:
            return None
        self.dropped += 1
        return self._waiting.popleft()
