"""Things that happen at times of their own while the main thread waits for something else."""

from __future__ import annotations

import math
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from endwell.engine.background import Background
from endwell.engine.interruptions import for_threads

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self


class Timers:
    """Calls functions at instants, each in a thread; what has not begun when it is left never does.

    An error in one of them ends nothing; `errors` keeps it for whoever asks.
    """

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self._over = threading.Event()
        # A thread whose `join` was interrupted counts as ended, be it so or not: hence events.
        self._ends: list[threading.Event] = []

    def at(self, instant: float, call: Callable[[], object]) -> None:
        """Call `call` at `instant`, in seconds of the monotonic clock; at once when that has passed.

        Raises:
            OSError: there may be no more threads.
        """
        if math.isinf(instant):
            return
        ended = threading.Event()
        thread = Background(partial(self._run, instant, call, ended), "timer")
        # Noted and started, or neither: one that never started cannot be waited for.
        with for_threads():
            thread.start()
            self._ends.append(ended)

    def every(self, seconds: float, call: Callable[[], bool]) -> None:
        """Call `call` again and again, first in `seconds`, until it returns false or we are left."""

        def repeat() -> None:
            while call() and not self._over.wait(seconds):
                pass

        self.at(time.monotonic() + seconds, repeat)

    def cancel(self) -> None:
        """Forget what has not begun."""
        self._over.set()

    def close(self) -> None:
        """Forget what has not begun and wait for what has."""
        self.cancel()
        for ended in self._ends:
            ended.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _run(self, instant: float, call: Callable[[], object], ended: threading.Event) -> None:
        try:
            if not self._over.wait(max(0.0, instant - time.monotonic())):
                call()
        except Exception as error:  # noqa: BLE001  it belongs to whoever looks at errors, not to the thread
            self.errors.append(error)
        finally:
            ended.set()
