"""The language between a running `endwell up` and whoever talks to it: JSON objects, one a line.

A client sends `{"id": 1, "do": "stop", "services": ["web"]}`. The answer is any number of lines
`{"id": 1, "more": {...}}` and then exactly one with either `ok` or `error`. Requests of one connection are
under way at the same time, and their answers come as they come. `docs/reference/control.md` has all of them.

Bytes that are no UTF-8, in what services write, come as Python's surrogate escapes (U+DC80 to U+DCFF):
a client that wants them back encodes with `surrogateescape`.
"""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROTOCOL = 1

LONGEST = 1 << 20  # bytes of a line from a client, its end included
MOST_REQUESTS = 1024  # of one connection at a time
VARIABLE = "ENDWELL_SOCKET"
NO_SOCKET = "none"

Value = dict[str, Any]

# What can be asked for, and the arguments of each.
REQUESTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "version": (),
        "ps": ("services",),
        "start": ("services", "wait"),
        "stop": ("services", "wait"),
        "restart": ("services", "wait"),
        "kill": ("services", "signal"),
        "shutdown": (),
        "reopen": (),
        "top": ("services",),
        "logs": ("services", "tail", "since", "follow"),
        "read-log": ("service", "stream", "offset", "length"),
        "tail-log": ("service", "stream", "offset", "length"),
        "clear-logs": ("services",),
        "input": ("service", "text"),
        "attach": ("service",),
        "exec": ("service", "command", "tty", "user", "directory", "environment"),
        "signal": ("of", "signal"),
        "events": (),
        "remote-event": ("type", "data"),
        "reread": (),
        "add": ("group",),
        "remove": ("group",),
        "reload": (),
        "restart-all": (),
        "config": (),
        "plan": (),
        "cancel": ("of",),
    }
)


class Kind(Enum):
    """What went wrong, as programs read it."""

    # Of the conversation.
    MALFORMED = "malformed"
    FORBIDDEN = "forbidden"
    BUSY = "busy"
    UNKNOWN_REQUEST = "unknown-request"
    BAD_ARGUMENTS = "bad-arguments"
    CANCELLED = "cancelled"
    FAILED = "failed"
    # Of what was asked for.
    NO_SUCH_SERVICE = "no-such-service"
    STOPPING = "stopping"  # the whole container is ending
    BAD_SIGNAL = "bad-signal"
    ALREADY_STARTED = "already-started"
    NOT_RUNNING = "not-running"
    NO_FILE = "no-file"
    NOT_EXECUTABLE = "not-executable"
    SPAWN_ERROR = "spawn-error"
    ABNORMAL_TERMINATION = "abnormal-termination"
    REFUSED = "refused"  # what it waits for is not going to happen
    NO_STDIN = "no-stdin"
    BAD_NAME = "bad-name"
    ALREADY_ADDED = "already-added"
    STILL_RUNNING = "still-running"
    CONFIGURATION = "configuration"


def places(user: int, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return where the socket is when nobody says so: the first one that can be made; clients look likewise.

    The last one is no file but a name of the network namespace (`@`, man 7 unix), for a container in which
    nothing can be written. Whoever finds a socket at a place where others may write has to look whose it is.

    Args:
        user: our number.
        environment: ours, for XDG_RUNTIME_DIR.
    """
    own = environment.get("XDG_RUNTIME_DIR", "")
    files = ["/run/endwell.sock", *([f"{own}/endwell.sock"] if own else ()), f"/tmp/endwell-{user}.sock"]  # noqa: S108  looked at before it is trusted
    return (*files, f"@endwell-{user}")


class ControlError(Exception):
    """Something that was asked for and is not done.

    Args:
        kind: for programs.
        message: one line for people.
        problems: further lines, such as all that is wrong with a file.
    """

    def __init__(self, kind: Kind, message: str, problems: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.problems = tuple(problems)

    @property
    def value(self) -> Value:
        """As it is sent."""
        value: Value = {"kind": self.kind.value, "message": self.message}
        if self.problems:
            value["problems"] = list(self.problems)
        return value


def encode(value: Value) -> bytes:
    """Return a value as one line."""
    import json  # noqa: PLC0415  not needed before the first client

    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Value:
    """Read one line.

    Raises:
        ControlError: MALFORMED: it is no object in JSON.
    """
    import json  # noqa: PLC0415  likewise

    try:
        value = json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        raise ControlError(Kind.MALFORMED, f"cannot read the line: {_first_line(error)}") from None
    if not isinstance(value, dict):
        raise ControlError(Kind.MALFORMED, 'a line is an object, such as {"id": 1, "do": "ps"}')
    return value


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
