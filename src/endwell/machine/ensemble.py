"""All replicas of a project together: who may start now, what follows from what, and the end.

One thing that happens to one replica is an event for its `Life`; what that changes for others is found here,
at once and only among those whom it can concern: those who wait for it, a restart one by one, `exit-when`,
and the end under way. What is to be done comes back as a list of acts, in order, each with the replica that
it is about.

A service that is asked to run takes along those it waits for. Each replica is started as soon as what its
service waits for is reached: all replicas of the other one have started, are ready, or have completed. It
never is reached when the other one has failed for good, or has ended without completing; then who waits is
refused, with the reason, and so are those who wait for it. Nothing is forgotten by that: when somebody mends
the cause and starts the other one again, those who were refused follow.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from endwell.machine.budget import Budget
from endwell.machine.effect import WakeAt
from endwell.machine.ending import Ending, KillRest, Over, Press, Step, Tell, TellRest
from endwell.machine.event import Hurry, Shutdown, Start, Stop
from endwell.machine.life import Life
from endwell.machine.order import order
from endwell.machine.outcome import Outcome, finished, outcome
from endwell.machine.rolling import Rolling, Turn
from endwell.machine.state import State
from endwell.model.readiness import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from endwell.machine.effect import Effect
    from endwell.machine.ending import Task
    from endwell.machine.event import Event
    from endwell.model.project import Project
    from endwell.model.readiness import Dependency

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot be started now, and the reason does not go away by itself.

    Args:
        why: one line for people.
    """

    why: str


@dataclass(frozen=True, slots=True)
class RollingDone:
    """A restart one by one is over.

    Args:
        left: the replicas that were not restarted, because this one did not come back.
    """

    left: tuple[Key, ...] = ()


class Act(NamedTuple):
    """Something to be done.

    Args:
        key: the replica it is about; None for the project.
        effect: what.
    """

    key: Key | None
    effect: Effect | Refused | RollingDone | Outcome | TellRest | KillRest | Over


class Ensemble:
    """The replicas of a project; every method returns what is to be done, in order.

    `now` is seconds on the monotonic clock and never goes back. `WakeAt` is answered here: see `wake`.

    Args:
        project: what the file says.
        rest: seconds of the grace for those who belong to no service.

    Attributes:
        lives: by service and index, in the file's order.
        order: of the services.
        waiting: those that are to be started as soon as what they wait for is reached.
        refused: those of `waiting` for whom that does not happen by itself, and why.
        failures: those that have failed for good, the first one first.
        outcome: why the project ends by itself; None unless it does.
        ending: the end under way; None before it.

    Raises:
        OrderError: there is no order.
    """

    def __init__(self, project: Project, rest: float = 0.0) -> None:
        self.order = order(project)
        self.lives = {spec.key: Life(spec) for spec in project.services}
        self.waiting: set[Key] = set()
        self.refused: dict[Key, str] = {}
        self.failures: dict[Key, None] = {}
        self.outcome: Outcome | None = None
        self.ending: Ending | None = None
        self._project = project
        self._rest = rest
        self._rollings: dict[str, Rolling] = {}
        self._alarms: list[tuple[float, Key]] = []
        self._acts: list[Act] = []
        place = {name: place for place, name in enumerate(self.order.names)}
        self._keys: dict[str, list[Key]] = {name: [] for name in self.order.names}
        for key in self.lives:
            self._keys[key[0]].append(key)
        self._place = {key: (place[key[0]], key[1]) for key in self.lives}

    @property
    def over(self) -> bool:
        """Whether the end has come."""
        return self.ending is not None and self.ending.step is Step.OVER

    @property
    def wake(self) -> float:
        """When `tick` is to be called; infinity for never."""
        if self.over:
            return math.inf
        while self._alarms and self.lives[self._alarms[0][1]].wake != self._alarms[0][0]:
            heapq.heappop(self._alarms)
        first = self._alarms[0][0] if self._alarms else math.inf
        return min(first, self.ending.wake if self.ending else math.inf)

    # ----------------------------------------------------------------------------------------- what happens

    def handle(self, key: Key, event: Event, now: float, chance: float = 0.0) -> list[Act]:
        """Take an event of one replica; `chance` is from 0 to 1, for the jitter of a pause.

        Raises:
            ImpossibleError: it cannot happen there.
        """
        self._acts = []
        if not self.over:
            self._take(key, event, now, chance)
        return self._acts

    def tick(self, now: float, chance: float = 0.0) -> list[Act]:
        """Take the time; to come too early is no mistake."""
        self._acts = []
        due: list[Key] = []
        while not self.over and self._alarms and self._alarms[0][0] <= now:
            at, key = heapq.heappop(self._alarms)
            if self.lives[key].wake == at:
                due.append(key)
        for key in dict.fromkeys(due):
            life = self.lives[key]
            before = _seen(life)
            self._add(key, life.tick(now, chance))
            self._changed(key, before, now)
        if self.ending is not None:
            self._perform(self.ending.tick(now), now)
        return self._acts

    def rest_gone(self, now: float) -> list[Act]:
        """Nobody is left who belongs to no service: the answer to `TellRest` and `KillRest`."""
        self._acts = []
        if self.ending is not None:
            self._perform(self.ending.empty(now), now)
        return self._acts

    # -------------------------------------------------------------------------------------------- asked for

    def start(self, keys: Iterable[Key] | None, now: float) -> list[Act]:
        """Start these and those they wait for; None: all that start by themselves."""
        self._acts = []
        if self.ending is not None:
            return self._acts
        wanted = set(self._by_themselves() if keys is None else keys)
        for key in wanted:
            if not self.lives[key].at_rest:
                self._take(key, Start(), now)  # it ends, or pauses before a restart
        needed = self.order.closure({need.service for name, _ in wanted for need in self.order.needs[name]})
        for name in needed:
            # A one-shot that has done its work is not done again only because somebody waits for it.
            wanted.update(key for key in self._keys[name] if not self.lives[key].completed)
        wanted = {key for key in wanted if self.lives[key].at_rest or key in self.waiting}
        for key in wanted:
            self.failures.pop(key, None)
        self.waiting |= wanted
        self._admit(wanted, now)
        return self._acts

    def stop(self, keys: Iterable[Key], now: float) -> list[Act]:
        """Stop these, and nobody else; they are not restarted by their policy."""
        self._acts = []
        for key in keys:
            self._forget(key)
            self._take(key, Stop(), now)
        return self._acts

    def restart(self, keys: Iterable[Key], now: float) -> list[Act]:
        """Restart these: several replicas of a service one by one, services at the same time."""
        self._acts = []
        if self.ending is not None:
            return self._acts
        by_name: dict[str, list[Key]] = {}
        for key in sorted(set(keys), key=self._place.__getitem__):
            by_name.setdefault(key[0], []).append(key)
        acts: list[Act] = []
        for name, own in by_name.items():
            resting = [key for key in own if self.lives[key].at_rest]
            acts += self.start(resting, now) if resting else []
            self._acts = []
            if running := [self.lives[key] for key in own if key not in resting]:
                self._rollings[name] = Rolling(running)
                self._roll(name, now)
            acts += self._acts
        self._acts = acts
        return acts

    def why_waiting(self, key: Key) -> str:
        """Return what a replica of `waiting` waits for, in one line for people."""
        blocked = [need for need in self.order.needs[key[0]] if not self._reached(need)]
        waits = " and ".join(f"for {need.service} to be {need.condition.value}" for need in blocked)
        return self.refused.get(key) or f"it waits {waits}"

    def shutdown(self, now: float) -> list[Act]:
        """End everything within the grace; asked again, hurry."""
        self._acts = []
        self._shutdown(now)
        return self._acts

    # -------------------------------------------------------------------------------------------------- how

    def _by_themselves(self) -> list[Key]:
        return [key for key, life in self.lives.items() if life.spec.autostart]

    def _take(self, key: Key, event: Event, now: float, chance: float = 0.0) -> None:
        life = self.lives[key]
        before = _seen(life)
        self._add(key, life.handle(event, now, chance))
        self._changed(key, before, now)

    def _add(self, key: Key, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if not isinstance(effect, WakeAt):
                self._acts.append(Act(key, effect))
            elif effect.at < math.inf:
                heapq.heappush(self._alarms, (effect.at, key))

    def _changed(self, key: Key, before: tuple[object, ...], now: float) -> None:
        """Look for what follows for others, if anything has changed that they can see."""
        life = self.lives[key]
        if _seen(life) == before:
            return
        if not life.at_rest:
            self.failures.pop(key, None)
        elif finished(life) and life.failed:
            self.failures.setdefault(key)
        if self.ending is not None:
            if life.at_rest:
                self._perform(self.ending.ended(key, now), now)
            return
        self._admit({one for name in self.order.needed_by[key[0]] for one in self._keys[name]}, now)
        if key[0] in self._rollings:
            self._roll(key[0], now)
        if life.at_rest:
            self._judge(now)

    def _admit(self, keys: Collection[Key], now: float) -> None:
        """Start those of `keys` that wait, and for whom everything is reached; say who is refused."""
        for key in sorted(self.waiting.intersection(keys), key=self._place.__getitem__):
            if key not in self.waiting or self.ending is not None:
                continue  # what was started before it has led to that
            blocked = [need for need in self.order.needs[key[0]] if not self._reached(need)]
            if not blocked:
                self._forget(key)
                self._take(key, Start(), now)
                continue
            why = next((why for need in blocked if (why := self._in_vain(need))), "")
            if why and why != self.refused.get(key):
                self.refused[key] = why
                self._acts.append(Act(key, Refused(why)))
                self._admit({one for name in self.order.needed_by[key[0]] for one in self._keys[name]}, now)
                self._judge(now)
            elif not why and self.refused.pop(key, ""):
                self._admit({one for name in self.order.needed_by[key[0]] for one in self._keys[name]}, now)

    def _reached(self, need: Dependency) -> bool:
        return all(_REACHED[need.condition](self.lives[key]) for key in self._keys[need.service])

    def _in_vain(self, need: Dependency) -> str:
        """Return why a condition is not reached by itself any more; empty if it may be."""
        for key in self._keys[need.service]:
            life = self.lives[key]
            if key in self.refused:
                return f"it waits for {life.spec.label}, which is not started: {self.refused[key]}"
            given_up = life.state is State.FATAL or life.failed or need.condition is Condition.READY
            lost = key not in self.waiting and finished(life) and given_up
            if lost and not _REACHED[need.condition](life):
                return f"it waits for {life.spec.label} to be {need.condition.value}, which {_how(life)}"
        return ""

    def _forget(self, key: Key) -> None:
        self.waiting.discard(key)
        self.refused.pop(key, None)
        self._rollings.pop(key[0], None)

    def _roll(self, name: str, now: float) -> None:
        rolling = self._rollings[name]
        turn = rolling.look()
        if turn is Turn.RESTART:
            self._take(rolling.current.spec.key, Stop(again=True), now)
        elif turn is not Turn.WAIT:
            del self._rollings[name]
            left = [one.spec.key for one in rolling.left] if turn is Turn.GIVEN_UP else []
            self._acts.append(Act(rolling.current.spec.key, RollingDone(tuple(left))))

    def _judge(self, now: float) -> None:
        if self.outcome is None and self.ending is None:
            may_start = self.waiting - self.refused.keys()
            self.outcome = outcome(self._project.exit_when, self.lives, self.failures, may_start)
            if self.outcome is not None:
                self._acts.append(Act(None, self.outcome))
                self._shutdown(now)

    # ---------------------------------------------------------------------------------------------- the end

    def _shutdown(self, now: float) -> None:
        if self.ending is not None:
            self._perform(self.ending.hurry(now), now)
            return
        self.waiting.clear()
        self.refused.clear()
        self._rollings.clear()
        for key, life in self.lives.items():
            self._add(key, life.handle(Shutdown(), now))
        present = [life.spec for life in self.lives.values() if not life.at_rest]
        budget = Budget(self._project, self.order, self._rest)
        self.ending = Ending(self.order, budget, present, now)
        self._perform(self.ending.begin(), now)

    def _perform(self, tasks: Iterable[Task], now: float) -> None:
        for task in tasks:
            match task:
                case Tell():
                    self._take(task.key, Stop(task.by, drain=task.drain), now)
                case Press():
                    self._take(task.key, Hurry(), now)
                case _:
                    self._acts.append(Act(None, task))


def _seen(life: Life) -> tuple[object, ...]:
    return life.state, life.started, life.ready, life.at_rest


def _how(life: Life) -> str:
    return f"has failed: {life.why}" if life.failed else f"has ended: {life.why}"


_REACHED: dict[Condition, Callable[[Life], bool]] = {
    Condition.STARTED: lambda life: life.started,
    Condition.READY: lambda life: life.ready and life.state is State.RUNNING,
    Condition.COMPLETED: lambda life: life.completed,
}
