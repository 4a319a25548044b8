"""What became of the requests that were sent to a container while it was stopped."""

from __future__ import annotations

from collections import Counter
from enum import Enum

from endwell.records import dataclass


class Outcome(Enum):
    """What became of one request, or of one connection that was kept open."""

    OK = "ok"
    OK_CLOSE = (
        "ok, close"  # answered, with `Connection: close` or GOAWAY: the client will not come back in vain
    )
    REFUSED = "refused"  # before anything was sent, or by GOAWAY: a client tries another server
    RESET = "reset"  # RST after it was sent, before the first byte of an answer
    DROPPED = "dropped"  # FIN after it was sent, before the first byte of an answer
    CUT = "cut"  # the answer began, and the connection ended before it did
    ERROR = "error"  # answered with a status of 400 or more
    HUNG = "hung"  # neither answered nor closed while we waited

    @property
    def lost(self) -> bool:
        """Whether the client has lost something, and cannot know whether it was done."""
        return self not in {Outcome.OK, Outcome.OK_CLOSE, Outcome.REFUSED}


class Group(Enum):
    """Which kind of client it was."""

    BEFORE = "before"  # completed before the stop
    IN_FLIGHT = "in flight"  # sent before the stop, certainly so, and answered after it
    SLOW = "slow"  # a request that takes the server long, in flight at the stop
    IDLE = "idle"  # a keep-alive connection without a request; reused shortly after the stop
    HALF_SENT = "half sent"  # the head of a request, the rest of which comes after the stop
    NEW = "new"  # a new connection after the stop


@dataclass(frozen=True, slots=True)
class Request:
    """One request; times are seconds relative to the stop signal, `status` is that of the answer.

    `sent` is when its first byte was sent, or where there was no connection, or no longer, when it was due;
    `ended` is never before it, and None for one that hung.
    """

    group: Group
    sent: float
    ended: float | None
    outcome: Outcome
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Every request of a run, and where they went.

    `notes` are sentences about the load itself, such as a group of clients that could not be had.
    """

    target: str
    requests: tuple[Request, ...] = ()
    notes: tuple[str, ...] = ()

    def count(self, group: Group | None = None) -> Counter[Outcome]:
        """Return how many requests (of one group) had which outcome."""
        return Counter(one.outcome for one in self.requests if group in {None, one.group})

    @property
    def lost(self) -> tuple[Request, ...]:
        """The requests that were lost."""
        return tuple(one for one in self.requests if one.outcome.lost)
