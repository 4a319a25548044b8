"""Signals as they were meant: what one sender sends to many in one moment is one volley, not many signals."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from endwell.model.signals import CHLD
from endwell.model.timeline import Origin
from endwell.records import dataclass, replace
from endwell.render.family import Lives

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from endwell.model.process import Process
    from endwell.model.signals import Signal
    from endwell.model.timeline import Sender, Signalled

_TOGETHER = 0.002  # seconds: a kill of a group takes microseconds for each, a loop in a shell somewhat more


@dataclass(frozen=True, slots=True)
class Volley:
    """A signal of one sender to one or more processes.

    Args:
        signal: which.
        sender: who.
        source: the index of the sender in the report, when it is a process (or PID 1, whose end kills).
        arrivals: what reached whom, in order of time.
        targets: for every arrival, the index of the process.
    """

    signal: Signal
    sender: Sender
    source: int | None
    arrivals: tuple[Signalled, ...]
    targets: tuple[int, ...]

    @property
    def at(self) -> float:
        """When the first one arrived."""
        return self.arrivals[0].at

    @property
    def likeness(self) -> Hashable:
        """What two volleys share that differ in nothing but their time."""
        fates = Counter(zip(self.targets, (one.fate for one in self.arrivals), strict=True))
        return self.sender, self.source, self.signal, frozenset(fates)

    @property
    def until(self) -> float:
        """When the last one arrived."""
        return self.arrivals[-1].at


def volleys(processes: Sequence[Process]) -> tuple[Volley, ...]:
    """Return all signals, in order of time; SIGCHLD is left out, which only says that a child has ended."""
    lives = Lives(processes)
    arrivals = sorted(
        (one.at, index, order)
        for index, process in enumerate(processes)
        for order, one in enumerate(process.signals)
        if one.signal != CHLD
    )
    found: list[list[tuple[int, Signalled]]] = []
    latest: dict[tuple[Sender, Signal], list[tuple[int, Signalled]]] = {}
    for at, index, order in arrivals:
        one = processes[index].signals[order]
        known = latest.get((one.sender, one.signal))
        if known is not None and at - known[-1][1].at <= _TOGETHER:
            known.append((index, one))
        else:
            latest[one.sender, one.signal] = [(index, one)]
            found.append(latest[one.sender, one.signal])
    return tuple(_volley(group, lives) for group in found)


def repeated(found: Iterable[Volley]) -> tuple[Volley, ...]:
    """Return the volleys with those that follow each other and are the same but for their time made one."""
    return tuple(_joined(tuple(same)) for _, same in groupby(found, key=lambda one: one.likeness))


def _joined(same: tuple[Volley, ...]) -> Volley:
    if len(same) == 1:
        return same[0]
    arrivals = tuple(arrival for one in same for arrival in one.arrivals)
    targets = tuple(target for one in same for target in one.targets)
    return replace(same[0], arrivals=arrivals, targets=targets)


def _volley(group: list[tuple[int, Signalled]], lives: Lives) -> Volley:
    first = group[0][1]
    pid = 1 if first.sender.kind is Origin.NAMESPACE else first.sender.pid
    inside = first.sender.kind in {Origin.NAMESPACE, Origin.PROCESS}
    return Volley(
        first.signal,
        first.sender,
        lives.find(pid, first.at) if inside else None,
        tuple(one for _, one in group),
        tuple(index for index, _ in group),
    )
