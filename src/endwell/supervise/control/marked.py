"""Lines of a log file that say when they were written: the opposite of `machine.marks`."""

from __future__ import annotations

import binascii
import re

from endwell.supervise.control.tails import Line

_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3})Z \S.*? [|~] ")


def unmarked(text: bytes, stream: str) -> Line:
    """Return what a service has written, and when, of a line with the prefix `time` or `json`.

    A line that is none, from before the prefix was asked for, is returned as it is.

    Args:
        text: the line.
        stream: whose file it is, where the line does not say.
    """
    if text.startswith(b'{"time":"'):
        return _object(text) or Line(None, stream, text)
    match = _STAMP.match(text)
    if match is None:
        return Line(None, stream, text)
    return Line(_seconds(match[1].decode(), match[2].decode()), stream, text[match.end() :])


def _object(text: bytes) -> Line | None:
    import json  # noqa: PLC0415  not needed before the first client

    try:
        value = json.loads(text.decode())
        second, _, rest = str(value["time"]).partition(".")
        raw = value.get("base64")
        message = str(value["message"]).encode(errors="surrogateescape")
        at = _seconds(second, rest.removesuffix("Z"))
        return Line(at, str(value["stream"]), message if raw is None else binascii.a2b_base64(raw))
    except (ValueError, KeyError, TypeError):
        return None


def _seconds(second: str, milliseconds: str) -> float:
    # `calendar` would bring the locale along, and strptime takes fifty times as long.
    year, month, day = int(second[0:4]), int(second[5:7]), int(second[8:10])
    hour, minute, whole = int(second[11:13]), int(second[14:16]), int(second[17:19])
    seconds = _days(year, month, day) * 86400 + hour * 3600 + minute * 60 + whole
    return seconds + int(milliseconds) / 1000


def _days(year: int, month: int, day: int) -> int:
    """Return the days since 1970; a year begins in March here, so that the odd day is at its end."""
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)  # noqa: PLR2004  February
    leap = year // 4 - year // 100 + year // 400
    return year * 365 + leap + (153 * month + 2) // 5 + day - 719469
