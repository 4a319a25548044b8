"""What load to put on which target."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from endwell.records import dataclass, fields

_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65_535
_FRESH_RATE = 100.0  # where there is no load before the stop
_MOST_HELD = 10.0


class LoadError(Exception):
    """There can be no load on a target; the message says what, why, and one next step."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go: `protocol` is http/1.1, http/2 or tcp; `path` is what is asked for."""

    protocol: str
    host: str
    port: int
    path: str = "/"
    secure: bool = False

    @property
    def authority(self) -> str:
        """Host and port as they go into a request: without the port that is meant anyway."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def scheme(self) -> str:
        """The scheme of its URL: http or https."""
        return "https" if self.secure else "http"

    def __str__(self) -> str:
        if self.protocol == "tcp":
            host = f"[{self.host}]" if ":" in self.host else self.host
            return f"tcp:{host}:{self.port}"
        return f"{self.scheme}://{self.authority}{self.path}"


def http_target(url: str, *, version: int = 1) -> Target:
    """Read an http or https URL; `version` is that of HTTP, 1 or 2 (without TLS: by prior knowledge).

    Raises:
        LoadError: it is not such a URL.
    """
    example = "use for example http://127.0.0.1:8080/"
    if any(not "!" <= letter <= "~" for letter in url):
        raise LoadError(f"cannot load {url!r}: a URL has no spaces and only ASCII letters; {example}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise LoadError(f"cannot load {url!r}: {error}; {example}") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise LoadError(f"cannot load {url!r}: it is not an http or https URL; {example}")
    if parts.username is not None:
        raise LoadError(f"cannot load {url!r}: user names in the URL are not supported; {example}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    secure = parts.scheme == "https"
    return Target(
        f"http/{'2' if version > 1 else '1.1'}", parts.hostname, port or _PORTS[parts.scheme], path, secure
    )


def tcp_target(text: str) -> Target:
    """Read HOST:PORT or PORT, which means 127.0.0.1.

    Raises:
        LoadError: it is neither.
    """
    host, _, number = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not (number.isascii() and number.isdecimal() and 0 < int(number) <= _LAST_PORT):
        raise LoadError(f"cannot load {text!r}: it does not end in a port; use for example 127.0.0.1:5432")
    return Target("tcp", host, int(number), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """A load: the target, and how many clients of which kind.

    Args:
        target: where ordinary requests go.
        slow_path: what slow requests ask for; empty for the same as all others.
        rate: requests per second before the stop, on connections that are kept open.
        fresh_rate: connections per second after the stop, each for one request; None for `rate`, and with
            TCP, where each stays open, for 10 at most.
        fresh_seconds: for how long; None until the container has ended.
        slow: slow requests in flight at the stop.
        idle: keep-alive connections without a request at the stop, or TCP connections that are held.
        half_sent: requests half of whose head has been sent at the stop. More than one or two would starve a
            small server, and the losses would be the load's own.
        say: what is said on a TCP connection, and wants an answer; empty to say nothing.
        network: the path of a network namespace to enter (`/proc/PID/ns/net`); empty for our own.
        patience: seconds until the first request must have been answered.
        linger: seconds after the end of the container in which a request may still end.
    """

    target: Target
    slow_path: str = ""
    rate: float = 50.0
    fresh_rate: float | None = None
    fresh_seconds: float | None = None
    slow: int = 2
    idle: int = 2
    half_sent: int = 1
    say: str = ""
    network: str = ""
    patience: float = 10.0
    linger: float = 1.0

    @property
    def fresh_interval(self) -> float:
        """Seconds between two new connections after the stop."""
        usual = self.rate or _FRESH_RATE
        if self.target.protocol == "tcp":
            usual = min(usual, _MOST_HELD)
        return 1.0 / (usual if self.fresh_rate is None else self.fresh_rate)

    def to_json(self) -> str:
        """Write it as one line."""
        return json.dumps({**_values(self), "target": _values(self.target)})

    @classmethod
    def from_json(cls, text: str | bytes) -> LoadOptions:
        """Read what `to_json` has written."""
        found = json.loads(text)
        return cls(**{**found, "target": Target(**found["target"])})


def _values(record: LoadOptions | Target) -> dict[str, object]:
    return {one.name: getattr(record, one.name) for one in fields(record)}
