"""A thread beside the others, which takes no signal, and whose start no signal can cut in two."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from endwell.engine.interruptions import for_threads

if TYPE_CHECKING:
    from collections.abc import Callable


class Background(threading.Thread):
    """Does `work` until that returns; signals are for the main thread, which one taken here would not wake.

    After an interrupted `start` it runs, and `join` waits for it, or it never will, and `join` returns.
    """

    def __init__(self, work: Callable[[], object], name: str) -> None:
        super().__init__(target=work, name=f"endwell-{name}", daemon=True)

    @property
    def started(self) -> bool:
        """Whether it runs, or has run."""
        return self.ident is not None

    def start(self) -> None:
        """Start it; an interruption that comes meanwhile acts at the end.

        Raises:
            OSError: there may be no more threads.
        """
        with for_threads():
            super().start()

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, if it was ever started."""
        if self.started:
            super().join(timeout)
