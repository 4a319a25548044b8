"""What can happen to one replica of a service: told by whoever runs it, or by the clock."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from endwell.model.stopping import Deadline
from endwell.records import dataclass

if TYPE_CHECKING:
    from endwell.model.process import End


NEVER = Deadline()


class Moment(Enum):
    """When hooks are run; the values are the fields of `model.service.Hooks`."""

    BEFORE_START = "before_start"
    AFTER_START = "after_start"
    BEFORE_STOP = "before_stop"
    AFTER_STOP = "after_stop"


class Event:
    """Something that happened; each kind of it has a row in the table of `machine.life`."""

    __slots__ = ()


# ------------------------------------------------------------------------------------------------ asked for


@dataclass(frozen=True, slots=True)
class Start(Event):
    """It is to run."""


@dataclass(frozen=True, slots=True)
class Stop(Event):
    """It is to end, and not to be restarted by its policy.

    Args:
        by: when everything about it has to be over, its hooks included.
        again: it is started once more when it has ended: a restart.
        drain: whether it may drain before it is told, if it has not been told yet.
    """

    by: Deadline = NEVER
    again: bool = False
    drain: bool = True


@dataclass(frozen=True, slots=True)
class Hurry(Event):
    """Whoever waits for its end asked once more: the next step of the stop is taken now."""


@dataclass(frozen=True, slots=True)
class Shutdown(Event):
    """Nothing is started any more; what runs goes on until it is told to stop."""


# ------------------------------------------------------------------------------------------------- observed


@dataclass(frozen=True, slots=True)
class Spawned(Event):
    """A `Spawn` has worked."""

    pid: int


@dataclass(frozen=True, slots=True)
class SpawnFailed(Event):
    """A `Spawn` has not worked.

    Args:
        reason: one line for people.
        status: what a shell would have exited with: 127 for not found, 126 for not executable.
        path: the PATH on which the program is not, for people; empty if that is not why.
    """

    reason: str
    status: int = 1
    path: str = ""


@dataclass(frozen=True, slots=True)
class Ready(Event):
    """It has said, or shown when asked, that it is ready."""


@dataclass(frozen=True, slots=True)
class Seen(Event):
    """It is not ready: what was seen instead, in a few words, when that has changed."""

    what: str


@dataclass(frozen=True, slots=True)
class Answer(Event):
    """It was asked for its health."""

    healthy: bool


@dataclass(frozen=True, slots=True)
class Died(Event):
    """Its process was collected.

    Args:
        end: how it ended.
        left: whether others of its tree are still there; one who cannot know says no.
    """

    end: End
    left: bool = False


@dataclass(frozen=True, slots=True)
class Gone(Event):
    """Those who were left of its tree have ended too."""


@dataclass(frozen=True, slots=True)
class HooksDone(Event):
    """The hooks of a moment have ended.

    Args:
        moment: which ones.
        failed: which one has failed and why, in one line; empty if none has.
    """

    moment: Moment
    failed: str = ""


# ------------------------------------------------------------------------------------------------ the clock


class Timer(Event):
    """An instant that the machine had set for itself has come; only `Life.tick` makes these."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class LivedLongEnough(Timer):
    """It has lived for longer than `start.seconds`."""


@dataclass(frozen=True, slots=True)
class NotReadyInTime(Timer):
    """`ready.timeout` is over."""


@dataclass(frozen=True, slots=True)
class Drained(Timer):
    """`drain` is over."""


@dataclass(frozen=True, slots=True)
class HooksLate(Timer):
    """The hooks it waits for have had their time."""


@dataclass(frozen=True, slots=True)
class KillingTime(Timer):
    """It was told to end and has had its time, or was killed and is still there."""


@dataclass(frozen=True, slots=True)
class RetryTime(Timer):
    """The pause before the next try is over."""


ASKED = (Start, Stop, Hurry, Shutdown)
OBSERVED = (Spawned, SpawnFailed, Ready, Seen, Answer, Died, Gone, HooksDone)
TIMERS = (LivedLongEnough, NotReadyInTime, Drained, HooksLate, KillingTime, RetryTime)
EVENTS: tuple[type[Event], ...] = (*ASKED, *OBSERVED, *TIMERS)
