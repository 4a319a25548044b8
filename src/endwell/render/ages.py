"""Lengths of time as docker says them in its lists, such as `about an hour`, and instants as it logs them."""

from __future__ import annotations

import time

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# Up to which length a unit is used, and how many seconds it has. The limits are docker's.
_UNITS = (
    (_MINUTE, 1, "seconds"),
    (_HOUR, _MINUTE, "minutes"),
    (48 * _HOUR, _HOUR, "hours"),
    (14 * _DAY, _DAY, "days"),
    (60 * _DAY, 7 * _DAY, "weeks"),
    (730 * _DAY, 30 * _DAY, "months"),
    (float("inf"), 365 * _DAY, "years"),
)
_ONE = {"seconds": "1 second", "minutes": "about a minute", "hours": "about an hour"}


def age(seconds: float) -> str:
    """Return a length of time in one unit: `less than a second`, `42 seconds`, `about an hour`, `3 weeks`.

    Args:
        seconds: what is negative, because somebody has set the clock, counts as nothing.
    """
    whole = int(max(seconds, 0))
    if not whole:
        return "less than a second"
    size, unit = next((size, unit) for limit, size, unit in _UNITS if whole < limit)
    # Hours are rounded, as docker does: 1.6 of them are 2.
    number = int(whole / size + 0.5) if unit == "hours" else whole // size
    return _ONE[unit] if number == 1 and unit in _ONE else f"{number} {unit}"


def stamp(instant: float) -> str:
    """Return an instant in UTC, to the microsecond, as RFC 3339 has it: `2026-01-31T23:59:59.000001Z`.

    Args:
        instant: seconds since the epoch.
    """
    microseconds = round(instant * 1_000_000)
    whole, rest = divmod(microseconds, 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{rest:06d}Z"


def span(seconds: float) -> str:
    """Return a length of processor time: `0:00:07`, `12:34:56`."""
    minutes, rest = divmod(int(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
