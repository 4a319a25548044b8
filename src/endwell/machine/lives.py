"""Fold the events of a timeline into lives: a number that comes round again begins another one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from endwell.model.process import End, Killer, Process
from endwell.model.signals import HUP, INT, KILL, QUIT, TERM, USR1, USR2, WINCH, Signal
from endwell.model.timeline import (
    Adopted,
    Born,
    Died,
    Executed,
    Fate,
    Holding,
    Origin,
    Printed,
    Reaped,
    Signalled,
    Way,
)
from endwell.records import dataclass, field

if TYPE_CHECKING:
    from endwell.model.timeline import Event, Sender, Stop, Timeline

# What programs ask each other to end with, besides the container's own stop signal.
REQUESTS = frozenset({HUP, INT, QUIT, TERM, USR1, USR2, WINCH, Signal(30), Signal.parse("RTMIN+3")})
# The clock is read before the signal is sent; two clocks may disagree by this many seconds.
EARLY = -0.001
KILLERS = {
    Origin.NAMESPACE: Killer.NAMESPACE,
    Origin.PROCESS: Killer.PROCESS,
    Origin.OUTSIDE: Killer.OUTSIDE,
    Origin.KERNEL: Killer.OUTSIDE,
}


@dataclass(slots=True)
class _Life:
    pid: int
    parent: int
    born: float
    inherited: tuple[str, ...]
    adopter: int
    argv: list[tuple[str, ...]] = field(default_factory=list)
    signals: list[Signalled] = field(default_factory=list)
    died: Died | None = None
    reaped: Reaped | None = None
    holding: Holding | None = None

    @property
    def program(self) -> tuple[str, ...]:
        return self.argv[-1] if self.argv else self.inherited


def lives(timeline: Timeline) -> tuple[Process, ...]:
    """Return every process of the timeline, in order of birth."""
    found: list[_Life] = []
    current: dict[int, _Life] = {}
    uncollected: dict[int, _Life] = {}
    early: dict[int, Holding] = {}
    for event in timeline.events:
        if isinstance(event, Born):
            parent = current.get(event.parent)
            life = _Life(event.pid, event.parent, event.at, parent.program if parent else (), event.parent)
            found.append(life)
            if (earlier := current.get(event.pid)) is not None and earlier.reaped is None:
                uncollected[event.pid] = earlier
            current[event.pid] = life
            life.holding = early.pop(event.pid, None)
        elif isinstance(event, Holding) and event.pid not in current:
            early[event.pid] = event  # somebody else has seen it before the observer saw its birth
        elif not isinstance(event, Printed) and (known := current.get(event.pid)) is not None:
            # A number may be free again before an observer hears that its life before was collected.
            late = isinstance(event, Reaped) and known.died is None
            _add(uncollected.pop(event.pid, known) if late else known, event)
    over = next((life.died.at for life in found if life.pid == 1 and life.died), math.inf)
    return tuple(_process(life, timeline.stop, over) for life in found)


def is_request(signal: Signalled, stop: Stop, over: float) -> bool:
    """Whether a signal asks a process to end, from the stop on.

    What the kernel sends because PID 1 has ended (SIGHUP for a terminal that is gone) asks for nothing any
    more: in the next instant it kills. `over` is when PID 1 ended, in seconds relative to the stop.
    """
    too_late = signal.sender.kind is Origin.KERNEL and signal.at >= over
    return signal.at >= EARLY and not too_late and signal.signal in (REQUESTS | {stop.signal}) - {KILL}


def _add(life: _Life, event: Event) -> None:
    match event:
        case Executed():
            life.argv.append(event.argv)
        case Signalled():
            life.signals.append(event)
        case Adopted():
            life.adopter = event.parent
        case Reaped():
            life.reaped = event
        case Holding():
            life.holding = event
        case Died():
            life.died = event


def _process(life: _Life, stop: Stop, over: float) -> Process:
    return Process(
        pid=life.pid,
        parent=life.parent,
        adopter=life.adopter,
        argv=tuple(life.argv) or ((life.inherited,) if life.inherited else ()),
        born=life.born,
        died=life.died.at if life.died else None,
        end=_end(life, life.died, stop, over) if life.died else None,
        told=any(is_request(one, stop, over) and one.fate is not Fate.DISCARDED for one in life.signals),
        reaped=life.reaped,
        signals=tuple(life.signals),
        holding=life.holding,
        executed=bool(life.argv),
    )


def _end(life: _Life, died: Died, stop: Stop, over: float) -> End:
    if died.signal != KILL:
        return End(died.code, died.signal)
    sender = died.sender
    if sender is not None and sender.kind is Origin.PROCESS and sender.pid == life.pid:
        return End(died.code, died.signal)  # its own doing
    if life.pid == 1:
        killer = _killer(sender, stop)
    elif sender is not None:
        killer = KILLERS[sender.kind]
    else:  # nobody saw who: once PID 1 has ended it is the kernel
        killer = Killer.NAMESPACE if died.at >= over else Killer.OUTSIDE
    return End(died.code, died.signal, killer, sender.pid if sender else None)


def _killer(sender: Sender | None, stop: Stop) -> Killer:
    """Who killed PID 1: from outside, after the grace or as the way to end it, that is the engine."""
    if sender is not None and sender.kind is not Origin.OUTSIDE:
        return KILLERS[sender.kind]
    return Killer.ENGINE if stop.killed or stop.way is Way.KILL else Killer.OUTSIDE
