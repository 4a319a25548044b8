"""One stop as the rules see it: the timeline, the lives, and the questions that more than one rule asks.

A process inside a container can fare in four ways when the container is stopped:

    it ends by itself                        well
    killed, and asked before                 cut short: it was ending, and was not given the time
    killed, and never asked                  never told
    killed, and asked, but did not listen    stubborn: it ignores the signal, or blocks it

A process that was asked and has no handler ends at once by the signal. When PID 1 is quick, the kernel's kill
comes first: it makes no difference, so it does not count (`undone`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from endwell.machine.lives import EARLY, is_request, lives
from endwell.model.process import Killer
from endwell.model.programs import Kind, find_program
from endwell.model.signals import KILL, Default
from endwell.model.timeline import Born, Executed, Fate, Origin, Signalled, Way
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endwell.model.process import Process
    from endwell.model.programs import Program
    from endwell.model.timeline import Stop, Timeline

TAKEN = frozenset({Fate.HANDLER, Fate.SIGWAIT, Fate.SIGNALFD})
REFUSED = frozenset({Fate.IGNORED, Fate.PENDING})
# A signal that was pending when its receiver was killed right away had not been blocked: there was no time.
MOMENT = 0.05
TERMINATING = frozenset({Default.TERMINATE, Default.CORE})


@dataclass(frozen=True)
class Case:
    """A timeline with the lives in it; everything else is looked up when asked for, and kept.

    Args:
        timeline: what happened.
        processes: every life, in order of birth.
    """

    timeline: Timeline
    processes: tuple[Process, ...]

    @classmethod
    def of(cls, timeline: Timeline) -> Case:
        """Fold a timeline into a case."""
        return cls(timeline, lives(timeline))

    # ------------------------------------------------------------------------------------------- the stop

    @property
    def stop(self) -> Stop:
        """How the container was asked to stop."""
        return self.timeline.stop

    @property
    def asked(self) -> bool:
        """Whether it was asked to stop, and not just killed, while it ran."""
        return self.stop.asked and self.stop.way is not Way.KILL and self.stop.signal != KILL

    @cached_property
    def main(self) -> Process | None:
        """PID 1; None when nobody saw it."""
        return next((one for one in self.processes if one.pid == 1), None)

    @cached_property
    def killed(self) -> bool:
        """Whether the engine had to kill PID 1, or did at once."""
        end = self.main.end if self.main else None
        return end.killer is Killer.ENGINE if end else self.stop.killed

    @cached_property
    def left(self) -> bool:
        """Whether PID 1 ended by itself after it had been asked to."""
        end = self.main.end if self.main else None
        return self.asked and not self.stop.killed and end is not None and end.killer is None

    @cached_property
    def over(self) -> float:
        """When the container was over: the end of PID 1, or the last that was seen of it."""
        if self.main and self.main.died is not None:
            return self.main.died
        return max((event.at for event in self.timeline.events), default=0.0)

    @cached_property
    def request(self) -> Signalled | None:
        """The stop signal as PID 1 got it."""
        return next(
            (
                one
                for one in (self.main.signals if self.main else ())
                if one.at >= EARLY and one.signal == self.stop.signal and one.sender.kind is Origin.OUTSIDE
            ),
            None,
        )

    @property
    def fate(self) -> Fate | None:
        """What became of the stop signal at PID 1; None when nobody saw it, or nobody asked."""
        return self.request.fate if self.asked and self.request else None

    # ---------------------------------------------------------------------------------------- who is whom

    def program(self, process: Process) -> Program | None:
        """What is known of the program that a process was at last."""
        return self._programs[id(process)]

    def kind(self, process: Process | None) -> Kind | None:
        """The part that a process played; None for a program that nobody knows."""
        program = self._programs[id(process)] if process else None
        return program.kind if program else None

    def is_shell(self, process: Process | None) -> bool:
        """Whether it is a shell, or a script in one."""
        return self.kind(process) is Kind.SHELL

    def harmless(self, process: Process) -> bool:
        """Whether nothing is lost when it is killed: a `sleep`, a `tail -f`."""
        return self.kind(process) is Kind.HELPER

    def parent_of(self, process: Process) -> Process | None:
        """The life that forked it; None for PID 1, and for what was started from outside."""
        return self._parents[id(process)]

    def children_of(self, process: Process) -> tuple[Process, ...]:
        """Whom it forked, in order of birth."""
        return tuple(self._children.get(id(process), ()))

    def behind(self, process: Process) -> tuple[Process, ...]:
        """Its children, theirs, and so on, whoever adopted them later."""
        found = list(self.children_of(process))
        for one in found:
            found.extend(self.children_of(one))
        return tuple(found)

    def visitor(self, process: Process) -> bool:
        """Whether it was started from outside, as `docker exec` does, or by somebody who was."""
        return id(process) in self._visitors

    def orphaned(self, process: Process) -> bool:
        """Whether somebody between it and PID 1 had ended before the stop: a program in the background."""
        return id(process) in self._orphans

    # --------------------------------------------------------------------------------------- how they fared

    def requests(self, process: Process) -> tuple[Signalled, ...]:
        """What it was sent, from the stop on, that asks a program to end."""
        over = math.inf if self.main is None or self.main.died is None else self.main.died
        return tuple(one for one in process.signals if is_request(one, self.stop, over))

    def heard(self, process: Process) -> Signalled | None:
        """The first request that it took: by a handler, or by waiting for it."""
        return next((one for one in self.requests(process) if one.fate in TAKEN), None)

    def dying(self, process: Process) -> bool:
        """Whether a request without a handler was ending it anyway."""
        return process.pid != 1 and any(
            one.fate is Fate.DEFAULT and one.signal.default in TERMINATING for one in self.requests(process)
        )

    def stubborn(self, process: Process) -> bool:
        """Whether every request was ignored, or stayed blocked for longer than a moment."""
        requests = [one for one in self.requests(process) if one.fate not in {Fate.MERGED, Fate.TOO_LATE}]
        died = self.over if process.died is None else process.died
        hasty = any(one.fate is Fate.PENDING and died - one.at < MOMENT for one in requests)
        return bool(requests) and not hasty and {one.fate for one in requests} <= REFUSED

    @cached_property
    def torn(self) -> tuple[Process, ...]:
        """Who was killed because PID 1 had ended, but for those that were ending at once anyway."""
        return tuple(
            one
            for one in self.processes
            if one.end and one.end.killer is Killer.NAMESPACE and not self.dying(one)
        )

    @cached_property
    def never_told(self) -> tuple[Process, ...]:
        """Who was killed with PID 1 and had not been asked to end."""
        return tuple(one for one in self.torn if not one.told)

    @cached_property
    def cut_short(self) -> tuple[Process, ...]:
        """Who was killed with PID 1 while it was ending as it had been asked to."""
        return tuple(one for one in self.torn if one.told and not self.stubborn(one))

    @cached_property
    def killed_inside(self) -> tuple[Process, ...]:
        """Who was killed from the stop on by another process inside."""
        return tuple(
            one
            for one in self.processes
            if one.end and one.end.killer is Killer.PROCESS and one.died is not None and one.died >= EARLY
        )

    def unheard(self, processes: Iterable[Process]) -> tuple[Process, ...]:
        """Those that were killed without having been asked."""
        lost = {id(one) for one in (*self.never_told, *self.killed_inside)}
        return tuple(one for one in processes if id(one) in lost and not one.told)

    def waiting_behind(self, process: Process) -> tuple[Process, ...]:
        """Who lived behind it at the stop and was never told, but for programs in the background."""
        waiting = [
            one for one in self.behind(process) if one.alive(0.0) and not one.told and not self.orphaned(one)
        ]
        return tuple(sorted(waiting, key=lambda one: one.pid))

    @cached_property
    def lost(self) -> tuple[Process, ...]:
        """Who had something to lose and was killed unasked, or cut short."""
        gone = {id(one) for one in (*self.never_told, *self.cut_short)}
        return tuple(
            one
            for one in self.processes
            if id(one) in gone and not self.harmless(one) and not self.visitor(one)
        )

    # ----------------------------------------------------------------------------------------- what was done

    def deeds(self, process: Process) -> tuple[float, ...]:
        """When it did something that can be seen: sent a signal, or forked."""
        return tuple(
            at
            for at in self._deeds.get(process.pid, ())
            if process.born <= at and (process.died is None or at <= process.died)
        )

    def executed(self, process: Process) -> tuple[float, ...]:
        """When it became another program."""
        return tuple(
            at
            for at in self._execs.get(process.pid, ())
            if process.born <= at and (process.died is None or at <= process.died)
        )

    # ---------------------------------------------------------------------------------------------- indices

    @cached_property
    def _programs(self) -> dict[int, Program | None]:
        known = {argv: find_program(argv) for argv in {one.argv[-1] for one in self.processes if one.argv}}
        return {id(one): known[one.argv[-1]] if one.argv else None for one in self.processes}

    @cached_property
    def _parents(self) -> dict[int, Process | None]:
        latest: dict[int, Process] = {}
        parents: dict[int, Process | None] = {}
        for one in self.processes:  # in order of birth: a parent comes before its children
            parents[id(one)] = None if one.pid == 1 else latest.get(one.parent)
            latest[one.pid] = one
        return parents

    @cached_property
    def _visitors(self) -> set[int]:
        found: set[int] = set()
        for one in self.processes:  # in order of birth: a parent has been decided before its children
            parent = self._parents[id(one)]
            outside = one.pid != 1 and one.parent == 0 if parent is None else id(parent) in found
            if outside:
                found.add(id(one))
        return found

    @cached_property
    def _orphans(self) -> set[int]:
        found: set[int] = set()
        for one in self.processes:
            parent = self._parents[id(one)]
            if parent is None or parent is self.main:
                continue
            if id(parent) in found or (parent.died is not None and parent.died < EARLY):
                found.add(id(one))
        return found

    @cached_property
    def _children(self) -> dict[int, list[Process]]:
        children: dict[int, list[Process]] = defaultdict(list)
        for one in self.processes:
            if (parent := self._parents[id(one)]) is not None:
                children[id(parent)].append(one)
        return children

    @cached_property
    def _deeds(self) -> dict[int, list[float]]:
        deeds: dict[int, list[float]] = defaultdict(list)
        for event in self.timeline.events:
            if isinstance(event, Born):
                deeds[event.parent].append(event.at)
            elif isinstance(event, Signalled) and event.sender.kind is Origin.PROCESS:
                deeds[event.sender.pid or 0].append(event.at)
        return deeds

    @cached_property
    def _execs(self) -> dict[int, list[float]]:
        execs: dict[int, list[float]] = defaultdict(list)
        for event in self.timeline.events:
            if isinstance(event, Executed):
                execs[event.pid].append(event.at)
        return execs
