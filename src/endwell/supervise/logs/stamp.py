"""The time as it is written before a line."""

from __future__ import annotations

import time


class Stamp:
    """Writes instants of the wall clock as RFC 3339 has them, in UTC: `2026-11-21T15:40:30.123Z`."""

    def __init__(self) -> None:
        self._second = -1
        self._text = b""

    def __call__(self, at: float) -> bytes:
        """Return the instant, given in seconds of the wall clock."""
        milliseconds = int(at * 1000)
        second = milliseconds // 1000
        if second != self._second:
            self._second = second
            self._text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        return b"%b.%03dZ" % (self._text, milliseconds % 1000)
