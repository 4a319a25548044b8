"""Who is whose child: the processes in the order of their tree; many alike, or long gone, drawn as one.

A process number comes round again, so a process is named here by its place in the report (its index). The
parent of a life is the one that had the parent's number when it was born.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from endwell.records import dataclass
from endwell.render.words import Look, ended, look

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Sequence

    from endwell.model.process import Process
    from endwell.model.report import Report

_NOTICED = 0.01  # seconds: a parent that collects at once takes some time, too, and so does it to be seen
_BAD = frozenset({Look.KILLED, Look.CUT, Look.UNTOLD, Look.UNKNOWN, Look.FAILED})
_ALIKE = 3  # so many siblings that are all the same become one lane
_PASSING = 3  # more than so many that came and went before the stop become one lane


@dataclass(frozen=True, slots=True)
class Lane:
    """A line of the picture.

    Args:
        members: indices of the processes it stands for; several when these are alike.
        depth: how many ancestors it has in the picture.
        rails: for every ancestor but the first, whether more of that one's siblings follow below.
        last: whether it is the last of its siblings.
        gone: whether its members came and went before the stop, and need not be alike.
    """

    members: tuple[int, ...]
    depth: int = 0
    rails: tuple[bool, ...] = ()
    last: bool = True
    gone: bool = False


class Lives:
    """Finds the life that had a number at an instant."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._births: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for index, process in enumerate(processes):
            self._births[process.pid].append((process.born, index))
        for births in self._births.values():
            births.sort()

    def find(self, pid: int | None, at: float) -> int | None:
        """Return the index of the life that had number `pid` at an instant, or the first to have it after."""
        births = self._births.get(-1 if pid is None else pid)
        if not births:
            return None
        return births[max(0, bisect_right(births, (at, len(births) and births[-1][1])) - 1)][1]


def lanes(processes: Sequence[Process], room: int, gone: Collection[int] = ()) -> tuple[Lane, ...]:
    """Return the lanes in tree order.

    Args:
        processes: all that are to be shown.
        room: how many lanes are easy to read; when there are more processes, siblings that are alike (in
            name, end, signals, and children) share a lane.
        gone: indices of those that nobody needs to see one by one: `passing`. What there is of them below a
            parent shares one lane, unless it is very little.
    """
    children = _children(processes)
    alike = _likeness(processes, children) if len(processes) - len(gone) > room else None
    found: list[Lane] = []
    # Not recursive: a chain of processes may be longer than Python's stack.
    stack = [Lane((), -1)]
    while stack:
        lane = stack.pop()
        found.append(lane)
        if lane.gone:
            continue
        below = [child for member in lane.members or (-1,) for child in children[member]]
        crowd = _offspring([child for child in below if child in gone], children)
        if len(crowd) > _PASSING:
            below = [child for child in below if child not in gone]
        else:
            crowd = ()
        groups = [(group, False) for group in _groups(below, alike)] + [(crowd, True)] * bool(crowd)
        rails = (*lane.rails, not lane.last) if lane.depth > 0 else ()
        stack += [
            Lane(group, lane.depth + 1, rails, last=place == 0, gone=one)
            for place, (group, one) in enumerate(sorted(groups, reverse=True))
        ]
    return tuple(found[1:])


def passing(report: Report) -> frozenset[int]:
    """Return who left by themselves before the stop, were collected, and left nobody behind.

    Shells that fork forty helpers at the start are no part of the ending, and only hide it. Those that a
    finding speaks of stay.
    """
    concerned = {1, *(pid for one in report.findings for pid in one.pids)}
    first = next((one for one in report.processes if one.pid == 1), None)
    found: set[int] = set()
    children = _children(report.processes)
    # Children have greater births than their parents: last born first, each is decided after its children.
    order = sorted(range(len(report.processes)), key=lambda one: (report.processes[one].born, one))
    for index in reversed(order):
        process = report.processes[index]
        tail = zombie(process, first, math.inf)
        if (
            look(process) is Look.EARLIER
            and process.pid not in concerned
            and (tail is None or tail[1] < 0)
            and all(child in found for child in children[index])
        ):
            found.add(index)
    return frozenset(found)


def _offspring(roots: Iterable[int], children: dict[int, list[int]]) -> tuple[int, ...]:
    """Return some processes with all that descend from them, in order of birth."""
    found: list[int] = []
    stack = list(roots)
    while stack:
        found.append(stack.pop())
        stack += children[found[-1]]
    return tuple(sorted(found))


def _children(processes: Sequence[Process]) -> dict[int, list[int]]:
    """Return the children of every life; those of -1 are the roots."""
    lives = Lives(processes)
    children: dict[int, list[int]] = {index: [] for index in range(-1, len(processes))}
    for index, process in enumerate(processes):
        parent = lives.find(process.parent, process.born) if process.parent else None
        # Whoever claims to be a child of a later one is an error of the observer, and must not become a ring.
        older = parent is not None and (processes[parent].born, parent) < (process.born, index)
        children[parent if parent is not None and older else -1].append(index)
    return children


def _likeness(processes: Sequence[Process], children: dict[int, list[int]]) -> list[int]:
    """Return a number for every life that is the same for those that are alike, children included."""
    numbers: dict[Hashable, int] = {}
    alike = [0] * len(processes)
    for index in sorted(range(len(processes)), key=lambda one: (processes[one].born, one), reverse=True):
        process = processes[index]
        heard = frozenset(Counter((one.signal, one.fate) for one in process.signals).items())
        offspring = tuple(sorted(Counter(alike[child] for child in children[index]).items()))
        key = (process.name, ended(process), process.told, process.reaped is None, heard, offspring)
        alike[index] = numbers.setdefault(key, len(numbers))
    return alike


def _groups(siblings: Iterable[int], alike: list[int] | None) -> list[tuple[int, ...]]:
    if alike is None:
        return [(index,) for index in siblings]
    kinds: dict[int, list[int]] = {}
    for index in siblings:
        kinds.setdefault(alike[index], []).append(index)
    groups = [
        group
        for kind in kinds.values()
        for group in ([tuple(kind)] if len(kind) >= _ALIKE else [(one,) for one in kind])
    ]
    return sorted(groups)


def foremost(report: Report, every: Sequence[Lane], most: int) -> list[Lane]:
    """Return at most `most` lanes: first those of which a finding speaks, then those that ended badly."""
    if len(every) <= most:
        return list(every)
    concerned = {pid for one in report.findings for pid in one.pids}

    def weight(place: int) -> tuple[bool, bool, int]:
        members = [report.processes[index] for index in every[place].members]
        return (
            not any(one.pid in concerned for one in members),
            not any(look(one) in _BAD for one in members),
            place,
        )

    return [every[place] for place in sorted(sorted(range(len(every)), key=weight)[:most])]


def zombie(process: Process, first: Process | None, end: float) -> tuple[float, float] | None:
    """Return from when to when a process was dead and not collected, or None if that was hardly any time.

    Args:
        process: who.
        first: PID 1, whose end collects everybody.
        end: the end of the picture.
    """
    if process.died is None or process is first:
        return None
    if process.reaped is not None:
        until = process.reaped.at
    elif first is not None and first.died is not None:
        until = first.died
    else:
        until = end
    return (process.died, until) if until - process.died >= _NOTICED else None
