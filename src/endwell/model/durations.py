"""Lengths of time as Docker, compose and Kubernetes write them, read to seconds and written back.

The grammar is that of Go's time.ParseDuration, which all three use (`1m30s`, `500ms`, `1.5h`), without a
sign, and a bare number means seconds, as in `docker stop --time 10` and `terminationGracePeriodSeconds: 30`.
"""

import re

# Units in nanoseconds: sums of whole numbers are exact, sums of 0.1 s are not.
UNITS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,  # the micro sign
    "\u03bcs": 1_000,  # the Greek letter; Go takes both
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
SECOND = UNITS["s"]
LONGEST = 366 * 24 * UNITS["h"]

TERM = re.compile(rf"([0-9]*)(?:\.([0-9]*))?({'|'.join(UNITS)})")
BARE = re.compile(r"([0-9]+)(?:\.([0-9]*))?|\.([0-9]+)")
SHOW = "use for example 10s, 1m30s, 500ms, or a number of seconds"


def parse_duration(text: str | float) -> float:
    """Read a length of time; returns seconds, from 0 to 366 days.

    Args:
        text: `10s`, `1m30s`, `500ms`, `1.5s`, `2h`, or a bare number of seconds, also as YAML's number.

    Raises:
        ValueError: it is none of these, is negative, or longer than 366 days.
    """
    written = str(text)
    if written.startswith("-"):
        raise ValueError(f"{written!r} is not a length of time: it is negative; {SHOW}")
    total = _nanoseconds(written)
    if total is None:
        raise ValueError(f"{written!r} is not a length of time: {SHOW}")
    if total > LONGEST:
        raise ValueError(f"{written!r} is longer than 366 days: {SHOW}")
    return total / SECOND


def _nanoseconds(text: str) -> int | None:
    if len(text) > 100:  # noqa: PLR2004 - nobody's length of time; int() of a book is slow
        return None
    if BARE.fullmatch(text):
        text += "s"
    total, at = 0, 0
    while match := TERM.match(text, at):
        whole, fraction, unit = match.groups(default="")
        if not whole + fraction:
            return None
        total += int(whole + fraction) * UNITS[unit] // 10 ** len(fraction)
        at = match.end()
    return total if at == len(text) and text else None


def format_duration(seconds: float) -> str:
    """Write a length of time so that `parse_duration` reads the same, to the microsecond: `1m30s`, `250ms`.

    Args:
        seconds: not negative.
    """
    microseconds = round(seconds * 1_000_000)
    if microseconds < 1_000_000:  # noqa: PLR2004 - below a second
        return f"{_decimal(microseconds, 3)}ms" if microseconds else "0s"
    minutes, rest = divmod(microseconds, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    parts = ((str(hours), "h"), (str(minutes), "m"), (_decimal(rest, 6), "s"))
    return "".join(number + unit for number, unit in parts if number != "0")


def _decimal(number: int, places: int) -> str:
    """`number` / 10 ** `places`, without trailing zeros."""
    whole, fraction = divmod(number, 10**places)
    return f"{whole}.{fraction:0{places}d}".rstrip("0").rstrip(".")
