"""One life of one process, from its fork to the moment somebody collects it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from endwell.records import dataclass

if TYPE_CHECKING:
    from endwell.model.signals import Signal
    from endwell.model.timeline import Holding, Reaped, Signalled


class Killer(Enum):
    """Who sent the SIGKILL that ended a process."""

    ENGINE = "engine"  # the grace period was over, or a kill was what was asked for
    NAMESPACE = "namespace"  # the kernel, because PID 1 had ended
    PROCESS = "process"  # another one inside
    OUTSIDE = "outside"  # somebody on the host, or nobody knows


@dataclass(frozen=True, slots=True)
class End:
    """How a life ended: by itself with `code`, or by `signal`.

    `killer` is set for a SIGKILL that somebody else sent; `pid` is the killer, where it is a process inside.
    `out_of_memory` says that it was the kernel's, for want of memory, and that this is known.
    Both `code` and `signal` are None when nobody saw.
    """

    code: int | None = None
    signal: Signal | None = None
    killer: Killer | None = None
    pid: int | None = None
    out_of_memory: bool = False

    @property
    def kind(self) -> str:
        """`killed` by somebody else's SIGKILL, ended by another `signal`, or `exit`."""
        return "killed" if self.killer else "signal" if self.signal else "exit"

    @property
    def status(self) -> int | None:
        """As a shell reports it: the code, or 128 and the number of the signal."""
        return 128 + self.signal.number if self.signal else self.code


@dataclass(frozen=True, slots=True)
class Process:
    """What is known of one process of a container; times are seconds relative to the stop signal.

    Args:
        pid: inside the container; a number may come round again, for another life.
        parent: the one that forked it; 0 for PID 1 and for what was started from outside.
        adopter: the parent it had at last.
        argv: every command line it had, in order; one that never executed has that of its parent.
        born: when it was forked.
        died: when it ended; None while it lives.
        end: how; None while it lives.
        told: whether from the stop on it was sent a request to end that was not discarded.
        reaped: when and by whom it was collected; None for a zombie that nobody did.
        signals: all it was sent, in order.
        holding: what it had open when that was looked at last, or None.
        executed: whether it ever became a program of its own.
    """

    pid: int
    parent: int
    adopter: int
    argv: tuple[tuple[str, ...], ...]
    born: float
    died: float | None = None
    end: End | None = None
    told: bool = False
    reaped: Reaped | None = None
    signals: tuple[Signalled, ...] = ()
    holding: Holding | None = None
    executed: bool = True

    @property
    def name(self) -> str:
        """The base name of the program it was at last."""
        return self.argv[-1][0].rpartition("/")[2] if self.argv and self.argv[-1] else "?"

    @property
    def command(self) -> str:
        """Its last command line, in one line."""
        return " ".join(self.argv[-1]) if self.argv else "?"

    def alive(self, at: float) -> bool:
        """Whether it lived at an instant, in seconds relative to the stop."""
        return self.born <= at and (self.died is None or self.died > at)
