"""What the last process of a replica has left behind: ended before its next one, so that there are no two."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from endwell.supervise.rest import TELL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from endwell.supervise.children import Children
    from endwell.system.loop import Loop, Timer

Key = tuple[str, int]


class Clearing:
    """Of all replicas.

    Args:
        loop: for their time.
        children: know who is left.
        gone: called when nobody is left of a replica that had left somebody behind.
        clear: called when one that had to wait for that may be spawned.
    """

    def __init__(
        self, loop: Loop, children: Children, gone: Callable[[Key], None], clear: Callable[[Key], None]
    ) -> None:
        self._loop = loop
        self._children = children
        self._gone = gone
        self._clear = clear
        self._lived: set[Key] = set()
        self._leaving: dict[Key, None] = {}  # their process has ended, others of its tree have not
        self._waiting: dict[Key, Timer] = {}  # to be spawned when what the last one has left has ended

    @property
    def pending(self) -> bool:
        """Whether it matters who is left of those who have ended."""
        return bool(self._leaving or self._waiting)

    def enter(self, key: Key, patience: float) -> bool:
        """Whether a replica may be spawned now; else who is left is told, and killed after some seconds."""
        if key in self._lived and self._children.left_now(key):
            self._children.send_tree(key, TELL)
            self._waiting[key] = self._loop.after(patience, partial(self._children.kill, key))
            return False
        self._lived.add(key)
        return True

    def give_up(self, key: Key) -> bool:
        """Let one that waits to be spawned wait no more; whether it did."""
        timer = self._waiting.pop(key, None)
        if timer is not None:
            timer.cancel()
        return timer is not None

    def leave(self, key: Key) -> bool:
        """Take note that the process of a replica has ended; whether it has left somebody behind."""
        left = self._children.orphans.left(key)
        if left:
            self._leaving[key] = None
        else:
            self._children.spare(key)
        return left

    def look(self) -> None:
        """See of whom nobody is left: children have ended since."""
        for key in [key for key in self._leaving if not self._children.orphans.left(key)]:
            del self._leaving[key]
            self._children.spare(key)
            self._gone(key)
        for key in [key for key in self._waiting if not self._children.orphans.left(key)]:
            self.give_up(key)
            self._clear(key)

    def forget(self, keys: Iterable[Key]) -> None:
        """Forget replicas that there are no more."""
        for key in keys:
            self._lived.discard(key)
            self._leaving.pop(key, None)
