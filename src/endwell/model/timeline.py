"""What happened in a container around its stop, event by event, whether it was predicted or observed.

Times are seconds relative to the stop signal: before it they are negative. An observer, which does not know
yet when the stop will be, writes seconds of the monotonic clock, and `shifted` subtracts. Process numbers are
those seen inside the container, where PID 1 is 1; `machine.lives` folds them into one `Process` per life.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from endwell.model.signals import TERM, Signal
from endwell.records import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from endwell.model.traffic import Traffic


class Fate(Enum):
    """What became of a signal at the process it was sent to."""

    HANDLER = "handler"
    SIGWAIT = "sigwait"
    SIGNALFD = "signalfd"
    DEFAULT = "default"
    IGNORED = "ignored"
    DISCARDED = "discarded"  # the kernel spares PID 1 what it has no handler for
    PENDING = "pending"  # blocked, and never taken
    MERGED = "merged"  # the same signal was pending already
    TOO_LATE = "too late"  # the process was ending, or had ended


class Origin(Enum):
    """Where a signal came from."""

    OUTSIDE = "outside"  # the engine, or somebody on the host
    PROCESS = "process"  # one inside the container
    NAMESPACE = "namespace"  # the kernel, because PID 1 had ended
    KERNEL = "kernel"  # the kernel, for another reason: a fault, a broken pipe, the terminal


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a signal; `pid` is the process inside, where there is one."""

    kind: Origin
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Born:
    """A process was forked; PID 1 and what was started from outside have no parent (0)."""

    at: float
    pid: int
    parent: int


@dataclass(frozen=True, slots=True)
class Executed:
    """A process became another program."""

    at: float
    pid: int
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signalled:
    """A signal was sent to a process, and this is what became of it."""

    at: float
    pid: int
    signal: Signal
    sender: Sender
    fate: Fate


@dataclass(frozen=True, slots=True)
class Adopted:
    """A process lost its parent and got another one."""

    at: float
    pid: int
    parent: int


@dataclass(frozen=True, slots=True)
class Died:
    """A process ended: by itself with `code`, or by `signal`, which `sender` had sent if that is known."""

    at: float
    pid: int
    code: int | None = None
    signal: Signal | None = None
    sender: Sender | None = None


@dataclass(frozen=True, slots=True)
class Reaped:
    """A process that had ended was collected by its parent `by` (0: from outside)."""

    at: float
    pid: int
    by: int


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file open for writing: `size` in bytes; `whole` is false for one that ends in half a line.

    `size` and `whole` are None where nobody could look.
    """

    path: str
    size: int | None = None
    whole: bool | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """What a process had open at an instant: files for writing, and addresses it listened at (`tcp:8080`)."""

    at: float
    pid: int
    files: tuple[OpenFile, ...] = ()
    listening: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Printed:
    """A line of output; `by` is the command inside that printed it, empty for the container itself."""

    at: float
    stream: str
    text: str
    by: str = ""


Event: TypeAlias = "Born | Executed | Signalled | Adopted | Died | Reaped | Holding | Printed"


class Way(Enum):
    """How a container is ended."""

    STOP = "stop"  # the stop signal, the grace period, SIGKILL
    TWICE = "twice"  # the same, with the stop signal sent a second time
    KILL = "kill"  # SIGKILL at once


@dataclass(frozen=True, slots=True)
class Stop:
    """How the container was asked to stop, and how that ended.

    Args:
        signal: what PID 1 was sent.
        grace: seconds until the engine kills.
        took: seconds from the signal to the end of PID 1.
        killed: whether the engine had to kill.
        exit: the status as Docker reports it; None when nobody could tell.
        way: how it was ended.
        asked: false when the container had ended before anybody asked it to.
    """

    signal: Signal = TERM
    grace: float = 10.0
    took: float = 0.0
    killed: bool = False
    exit: int | None = None
    way: Way = Way.STOP
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Ready:
    """What was waited for before the stop (`tcp:8080`, `settled`), and when it came; None when it did not."""

    what: str = "settled"
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """Who observed it: the back end, how many events it lost, and what it cannot see, a sentence each."""

    name: str
    lost: int = 0
    blind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything known of one stop: the events in order of time, and what frames them.

    `traffic` are the requests that were sent meanwhile; `notes` are sentences about the run itself, such as
    output that was too much to keep.
    """

    events: tuple[Event, ...] = ()
    stop: Stop = field(default_factory=Stop)
    witness: Witness = field(default_factory=lambda: Witness("nobody"))
    engine: str = "local"
    ready: Ready = field(default_factory=Ready)
    traffic: Traffic | None = None
    notes: tuple[str, ...] = ()


def shifted(events: Iterable[Event], zero: float) -> tuple[Event, ...]:
    """Return the events in order of time, in seconds relative to `zero`."""
    moved = (replace(event, at=event.at - zero) for event in events)
    return tuple(sorted(moved, key=lambda event: event.at))
