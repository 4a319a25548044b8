"""Things that happen at times of their own while the main thread waits for something else."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from endwell.probe.interruptions import for_threads

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
        self._threads: list[threading.Thread] = []

    def at(self, instant: float, call: Callable[[], object]) -> None:
        """Call `call` at `instant`, in seconds of the monotonic clock; at once when that has passed."""
        thread = threading.Thread(target=self._run, args=(instant, call), daemon=True)
        # Noted and started, or neither: one that never started cannot be waited for.
        with for_threads():
            thread.start()
            self._threads.append(thread)

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
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _run(self, instant: float, call: Callable[[], object]) -> None:
        if self._over.wait(max(0.0, instant - time.monotonic())):
            return
        try:
            call()
        except Exception as error:  # noqa: BLE001  it belongs to whoever looks at errors, not to the thread
            self.errors.append(error)
