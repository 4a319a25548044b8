"""What to wait for until a container is ready, and how it is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from endwell.model.durations import format_duration, parse_duration
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.probe.load.options import Target

_FORMS = "log:REGEX, tcp:PORT, http:URL, exec:CMD, file:PATH or sleep:2s"


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of output in which a pattern is found."""

    pattern: re.Pattern[str]

    def __str__(self) -> str:
        return f"log:{self.pattern.pattern}"


@dataclass(frozen=True, slots=True)
class TcpPort:
    """A process of the container listens on a port; with a host: a connection to it succeeds, from inside."""

    port: int
    host: str = ""

    def __str__(self) -> str:
        return f"tcp:{self.host}:{self.port}" if self.host else f"tcp:{self.port}"


@dataclass(frozen=True, slots=True)
class HttpUrl:
    """A GET from the container's network is answered with a status below 400."""

    target: Target

    def __str__(self) -> str:
        return str(self.target)


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command succeeds inside."""

    text: str

    def __str__(self) -> str:
        return f"exec:{self.text}"


@dataclass(frozen=True, slots=True)
class FileThere:
    """A file exists inside."""

    path: str

    def __str__(self) -> str:
        return f"file:{self.path}"


@dataclass(frozen=True, slots=True)
class Pause:
    """Some seconds have passed."""

    seconds: float

    def __str__(self) -> str:
        return f"sleep:{format_duration(self.seconds)}"


@dataclass(frozen=True, slots=True)
class Settled:
    """The default: it listens on a port, or has come to rest; see `settling`."""

    def __str__(self) -> str:
        return "listening or settled"


ReadyCheck: TypeAlias = "LogLine | TcpPort | HttpUrl | Command | FileThere | Pause | Settled"


def parse_ready(text: str) -> ReadyCheck:
    """Read what to wait for.

    Args:
        text: `log:REGEX`, `tcp:PORT`, `tcp:HOST:PORT`, `http:URL` or the URL itself, `exec:CMD`, `file:PATH`,
            `sleep:2s`, or nothing for the default.

    Raises:
        ValueError: it is none of these; the message says what is wrong.
    """
    if not text:
        return Settled()
    kind, colon, rest = text.partition(":")
    if not colon or kind not in _READERS:
        raise ValueError(f"{text!r} is nothing to wait for: use {_FORMS}")
    if not rest:
        raise ValueError(f"{text!r} says not what to wait for: use {_FORMS}")
    try:
        return _READERS[kind](rest)
    except re.error as error:
        raise ValueError(f"{text!r} is nothing to wait for: not a regular expression: {error}") from error


def _read_tcp(text: str) -> TcpPort:
    from endwell.probe.load.options import LoadError, tcp_target  # noqa: PLC0415  most probes load nothing

    try:
        target = tcp_target(text)
    except LoadError as error:
        number = text.rpartition(":")[2].isdecimal()
        why = "a port is from 1 to 65535" if number else f"it does not end in a port; {_FORMS}"
        raise ValueError(f"'tcp:{text}' is nothing to wait for: {why}") from error
    return TcpPort(target.port, target.host if ":" in text else "")


def _read_http(text: str) -> HttpUrl:
    from endwell.probe.load.options import LoadError, http_target  # noqa: PLC0415  likewise

    try:
        target = http_target(f"http:{text}" if text.startswith("//") else text)
    except LoadError as error:
        raise ValueError(str(error).replace("cannot load", "cannot wait for", 1)) from error
    if target.secure:
        raise ValueError(f"cannot wait for {text!r}: https is not supported here; use tcp:PORT")
    return HttpUrl(target)


def _read_file(text: str) -> FileThere:
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is no path inside the container: write it from the root, as /run/app.pid")
    return FileThere(text)


_READERS: dict[str, Callable[[str], ReadyCheck]] = {
    "log": lambda text: LogLine(re.compile(text)),
    "tcp": _read_tcp,
    "http": _read_http,
    "exec": Command,
    "file": _read_file,
    "sleep": lambda text: Pause(parse_duration(text)),
}
