"""How a service says that it is ready, how its health is asked for, and for what another one waits."""

from __future__ import annotations

from enum import Enum

from endwell.records import dataclass


class Means(Enum):
    """By what it is known; the first two are told by the service itself, the others are asked for."""

    NOTIFY = "notify"  # sd_notify(3): READY=1 on the socket named in NOTIFY_SOCKET
    DESCRIPTOR = "fd"  # a newline on a descriptor, as with s6's notification-fd
    LOG = "log"  # a line that matches a regular expression
    TCP = "tcp"  # HOST:PORT takes a connection
    HTTP = "http"  # a URL answers with a status below 400
    EXEC = "exec"  # a command that ends with 0
    FILE = "file"  # a path exists


_LONGEST = 80  # characters of a test that stands in a message
_SILENCE = {
    Means.NOTIFY: "READY=1 did not come",
    Means.DESCRIPTOR: "no newline came",
    Means.LOG: "it wrote no line",
}


@dataclass(frozen=True, slots=True)
class Readiness:
    """When a service counts as ready.

    Args:
        means: by what it is known.
        value: what that needs: a descriptor's number, an expression, HOST:PORT, a URL, a command, a path.
        timeout: seconds after the spawn after which it has failed to start; None: never.
        every: seconds between two questions, where it has to be asked for.
    """

    means: Means
    value: str = ""
    timeout: float | None = None
    every: float = 0.1

    @property
    def test(self) -> str:
        """What is waited for, for people: as it is written in a file, or the begin of that, in one line."""
        means = "" if self.means is Means.HTTP else self.means.value
        said = " ".join(":".join(one for one in (means, self.value) if one).split())
        return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 3]}..."

    @property
    def silence(self) -> str:
        """What is said of one of whom nothing was seen."""
        return _SILENCE.get(self.means, "no answer came")


class Unhealthy(Enum):
    """What is done with a service that is not healthy."""

    RESTART = "restart"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Health:
    """How a running service is asked for its health; names and defaults are those of Docker's HEALTHCHECK.

    Args:
        means: TCP, HTTP, EXEC or FILE.
        value: as with `Readiness`.
        interval: seconds between two questions.
        timeout: seconds after which a question counts as answered in the negative.
        start_period: seconds after the spawn in which failures do not count.
        retries: failures in a row that make it unhealthy.
        then: what is done with it.
    """

    means: Means
    value: str
    interval: float = 30.0
    timeout: float = 30.0
    start_period: float = 0.0
    retries: int = 3
    then: Unhealthy = Unhealthy.RESTART


class Condition(Enum):
    """What another service has to have reached; compose's conditions, shortened."""

    STARTED = "started"
    READY = "ready"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Dependency:
    """Another service by name, and what is waited for."""

    service: str
    condition: Condition = Condition.STARTED
