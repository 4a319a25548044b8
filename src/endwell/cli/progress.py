"""How far something has got, on stderr: one line that changes on a terminal, nothing at all elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from endwell.engine.interruptions import for_threads

if TYPE_CHECKING:
    from typing import Self

# What is over sooner than this is not worth a line.
PATIENCE = 0.5
EVERY = 0.2
CLEAR = "\r\033[K"


class Line:
    """The last line of a terminal, said anew while something takes long; empty when it is left."""

    def __init__(self, program: str, *, wanted: bool = True) -> None:
        self._program = program
        self._wanted = wanted and sys.stderr is not None and sys.stderr.isatty()
        self._what = ""
        self._limit: float | None = None
        self._since = time.monotonic()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def phase(self, what: str, limit: float | None = None) -> None:
        """Something new has begun; `limit` is how many seconds it may take."""
        self._what, self._limit, self._since = what, limit, time.monotonic()

    def __enter__(self) -> Self:
        if self._wanted:
            thread = threading.Thread(target=self._write, daemon=True)
            with for_threads():
                thread.start()
                self._thread = thread
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            print(CLEAR, end="", file=sys.stderr, flush=True)

    def _write(self) -> None:
        if self._over.wait(PATIENCE):
            return
        while True:
            passed = time.monotonic() - self._since
            of = "" if self._limit is None else f" of {self._limit:g}"
            print(
                f"{CLEAR}{self._program}: {self._what}: {passed:.1f}{of} s",
                end="",
                file=sys.stderr,
                flush=True,
            )
            if self._over.wait(EVERY):
                return
