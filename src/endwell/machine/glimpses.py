"""What an observer without privileges gets to see, written down as it comes.

It sees less than the kernel: who calls `kill` and how the target stands to the signal at that moment, but
not the delivery; that somebody has ended, but how only when he is collected; that a pending signal has been
taken, but not by what. `machine.deduction` makes events of it when all is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.records import dataclass

if TYPE_CHECKING:
    from typing import TypeAlias

    from endwell.model.signals import Signal
    from endwell.model.timeline import Sender


@dataclass(frozen=True, slots=True)
class Stance:
    """How a process stands to signals at an instant, as masks: bit 0 is signal 1.

    Args:
        blocked: what all of its threads block.
        ignored: what it ignores.
        caught: what it has a handler for.
        pending: what waits for the process.
        waiting: what a thread is waiting for in sigwait.
        descriptors: what a signalfd of it takes.
        leaving: it is ending already.
    """

    blocked: int = 0
    ignored: int = 0
    caught: int = 0
    pending: int = 0
    waiting: int = 0
    descriptors: int = 0
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Met:
    """A process is there, with this parent (0: outside); later, it has this one now."""

    at: float
    pid: int
    parent: int


@dataclass(frozen=True, slots=True)
class Became:
    """It executed another program, successfully."""

    at: float
    pid: int
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """Somebody sends a signal to process `pid`, which stands like this; None when it could not be seen."""

    at: float
    pid: int
    signal: Signal
    sender: Sender
    stance: Stance | None


@dataclass(frozen=True, slots=True)
class Stood:
    """A later look at a process for which something was pending; `last` when it is about to leave."""

    at: float
    pid: int
    stance: Stance
    last: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """It called exit_group."""

    at: float
    pid: int
    code: int


@dataclass(frozen=True, slots=True)
class Ending:
    """PID 1 is on its way out: who is seen to end, or to be collected, from now on falls with it."""

    at: float
    pid: int = 1


@dataclass(frozen=True, slots=True)
class Ended:
    """It has ended."""

    at: float
    pid: int


@dataclass(frozen=True, slots=True)
class Collected:
    """Somebody has collected it; `status` is the code, or negative the signal, or None for unknown."""

    at: float
    pid: int
    status: int | None


Glimpse: TypeAlias = "Met | Became | Sent | Stood | Left | Ending | Ended | Collected"
