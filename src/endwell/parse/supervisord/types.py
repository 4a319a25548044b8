"""The types of supervisord's options: from text to value, or ValueError with why and what to write instead.

What Python's int() takes, supervisord takes: `1_000`, ` 7`, digits of other scripts.
"""

from __future__ import annotations

import re
import shlex

from endwell.model.signals import RTMAX, RTMIN, TABLE
from endwell.model.supervisord import Autorestart

TRUE = ("yes", "true", "on", "1")
FALSE = ("no", "false", "off", "0")
LEVELS = {"critical": 50, "error": 40, "warn": 30, "info": 20, "debug": 10, "trace": 5, "blather": 3}
UNITS = {"kb": 1024, "mb": 1024**2, "gb": 1024**3}
# Python's signal module, which supervisord asks, knows these besides those of signal(7).
_ALIASES = {"CLD": 17, "IOT": 6, "POLL": 29, "RTMIN": RTMIN, "RTMAX": RTMAX}
_CONSTANTS = {"_DFL": 0, "_BLOCK": 0, "_IGN": 1, "_UNBLOCK": 1, "_SETMASK": 2}
SIGNALS = {name: number for number, name, _, _ in TABLE} | _ALIASES | _CONSTANTS
_TCP = re.compile(r"tcp://([^\s:]+):(\d+)$")
_LARGEST_PORT = 65535
_LARGEST_STATUS = 255
_LARGEST = 10**15 - 1  # seconds that a float still tells apart
_LARGEST_MODE = 0o7777


def text(value: str) -> str:
    """Return the value as it is."""
    return value


def whole(value: str) -> int:
    """Read a whole number; it may be negative."""
    try:
        number = int(value)
    except ValueError:
        raise ValueError("is not a whole number: write one such as 10, without a unit") from None
    if abs(number) > _LARGEST:
        raise ValueError("has more than 15 digits: write a smaller number")
    return number


def boolean(value: str) -> bool:
    """Read yes, true, on, 1 or no, false, off, 0; capitals do not matter."""
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise ValueError("is neither true nor false: write true or false")


def byte_size(value: str) -> int:
    """Read a number of bytes, with KB, MB or GB."""
    lower = value.lower()
    unit = UNITS.get(lower[-2:])
    try:
        return int(lower[:-2]) * unit if unit else int(lower)
    except ValueError:
        raise ValueError("is not a number of bytes: write for example 50MB, 512KB, 1GB, or 0") from None


def octal(value: str) -> int:
    """Read an octal number, as chmod(1) takes it."""
    try:
        number = int(value, 8)
    except ValueError:
        number = _LARGEST_MODE + 1
    if abs(number) > _LARGEST_MODE:
        raise ValueError("is not an octal number: write for example 022 or 0700")
    return number


def log_level(value: str) -> int:
    """Read the name of a log level to its number."""
    level = LEVELS.get(value.lower())
    if level is None:
        raise ValueError(f"is not a log level: {_meant(value.lower(), LEVELS, 'use one of ')}")
    return level


def signal_number(value: str) -> int:
    """Read a signal by name, with or without SIG, or by number.

    Python's constants SIG_DFL and their like count as names, and 0 as a number, because supervisord asks for
    everything in the signal module that begins with SIG.
    """
    try:
        number = int(value)
    except ValueError:
        name = value.strip().upper().removeprefix("SIG")
        if name in SIGNALS:
            return SIGNALS[name]
        names = [one for one in SIGNALS if one not in _CONSTANTS]
        raise ValueError(f"is not a signal: {_meant(name, names, 'use for example ', 3)}") from None
    if number not in SIGNALS.values():
        raise ValueError("is not the number of a signal supervisord takes: use a name such as TERM")
    return number


def auto_restart(value: str) -> Autorestart:
    """Read autorestart: a boolean or `unexpected`."""
    lower = value.lower()
    if lower in TRUE:
        return Autorestart.ALWAYS
    if lower in FALSE:
        return Autorestart.NEVER
    if lower == "unexpected":
        return Autorestart.UNEXPECTED
    raise ValueError("is no way to restart: write true, false or unexpected")


def exit_codes(value: str) -> tuple[int, ...]:
    """Read exit statuses from 0 to 255 with commas between them; none at all is a list too."""
    try:
        codes = tuple(int(one) for one in value.split(",")) if value else ()
    except ValueError:
        codes = (-1,)
    if any(not 0 <= code <= _LARGEST_STATUS for code in codes):
        raise ValueError("is not a list of exit statuses: write numbers from 0 to 255 such as 0,2")
    return codes


def strings(value: str) -> tuple[str, ...]:
    """Read words with commas between them; nothing is no word, but what is between two commas is one."""
    return tuple(one.strip() for one in value.split(",")) if value else ()


def name(value: str) -> str:
    """Read the name of a program or group, which goes into event headers and URLs."""
    stripped = value.strip()
    if wrong := next((one for one in " :/" if one in stripped), None):
        shown = "a space" if wrong == " " else wrong
        raise ValueError(f"is not a name: it has {shown} in it; use letters, digits, - and _")
    return stripped


def pairs(value: str) -> dict[str, str]:
    """Read `environment`: KEY=value,KEY2="value 2".

    The rules are those of the standard library's lexer as supervisord sets it up: a value is one word of
    letters, digits and `_/.+-():`, or is quoted; whatever stands after a value counts as the comma.
    """
    lexer = shlex.shlex(value)
    lexer.wordchars += "/.+-():"
    try:
        tokens = list(lexer)
    except ValueError:
        raise ValueError("has a quotation mark without its second one: close it, or escape none") from None
    found: dict[str, str] = {}
    for at in range(0, len(tokens), 4):
        triple = tokens[at : at + 3]
        if len(triple) != 3 or triple[1] != "=":  # noqa: PLR2004 - name, sign, value
            raise ValueError(
                f'is not KEY="value",KEY2="value": it cannot be read from {" ".join(triple)!r} on; '
                "put values in double quotes"
            )
        found[triple[0]] = triple[2].strip("'\"")
    return found


def inet_address(value: str) -> tuple[str, int]:
    """Read PORT, HOST:PORT or *:PORT to host and port; an empty host is every interface."""
    host, colon, port = value.rpartition(":")
    if colon and not port:
        raise ValueError("has no port after the colon: write for example 127.0.0.1:9001")
    return "" if host == "*" else host.lower(), _port(port)


def tcp_socket(value: str) -> tuple[str, int]:
    """Read tcp://HOST:PORT to host and port."""
    match = _TCP.match(value)
    if match is None:
        raise ValueError("is not a socket: write unix:///path/to/socket or tcp://host:port")
    return match[1].lower(), _port(match[2])


def backlog(value: str) -> int:
    """Read how many connections wait: 1 to 65535."""
    number = whole(value)
    if not 1 <= number <= _LARGEST_PORT:
        raise ValueError("is not from 1 to 65535: leave it out for the system's own")
    return number


def _port(value: str) -> int:
    try:
        port = int(value)
    except ValueError:
        port = 0
    if not 1 <= port <= _LARGEST_PORT:
        raise ValueError("has no port from 1 to 65535: write for example 127.0.0.1:9001")
    return port


def _meant(value: str, known: dict[str, int] | list[str], else_: str, most: int = 99) -> str:
    import difflib  # noqa: PLC0415  only for words that are wrong

    near = difflib.get_close_matches(value, list(known), n=1)
    return f"did you mean {near[0]}?" if near else else_ + ", ".join(list(known)[:most])
