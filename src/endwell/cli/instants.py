"""`--since`: an instant, as docker's commands take it."""

from __future__ import annotations

import math
from datetime import datetime

from endwell.model.durations import parse_duration

_SHOW = "use for example 10m, 2026-01-31T12:00:00Z, 2026-01-31, or seconds since 1970"


def parse_instant(text: str, now: float) -> float:
    """Read an instant; returns seconds since the epoch.

    Args:
        text: how long ago (`10m`, `1h30m`), a date or a date and time in ISO 8601 (local
            unless it says where), or a bare number of seconds since the epoch.
        now: seconds since the epoch.

    Raises:
        ValueError: it is none of these.
    """
    try:
        instant = float(text)
    except ValueError:
        pass
    else:
        if math.isfinite(instant):
            return instant
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is not an instant: {_SHOW}") from None
