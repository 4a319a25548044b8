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

import math
from typing import TYPE_CHECKING

from endwell.machine.act import Act, Refused, RollingDone
from endwell.machine.admission import Admission
from endwell.machine.alarms import Alarms
from endwell.machine.budget import Budget
from endwell.machine.effect import WakeAt
from endwell.machine.ending import Ending, Press, Step, Tell
from endwell.machine.event import Hurry, Shutdown, Start, Stop
from endwell.machine.life import Life
from endwell.machine.order import order
from endwell.machine.outcome import finished, outcome
from endwell.machine.reloading import Cleared, Dropped, Reload
from endwell.machine.rolling import Rolling, Turn
from endwell.records import replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from endwell.machine.budget import Schedule
    from endwell.machine.effect import Effect
    from endwell.machine.ending import Task
    from endwell.machine.event import Event
    from endwell.machine.outcome import Outcome
    from endwell.model.project import Project

Key = tuple[str, int]


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
        self.lives = {spec.key: Life(spec) for spec in project.services}
        self.order = order(project)
        self._project = project
        self._admission = Admission(self.lives, self.order)
        self.waiting, self.refused = self._admission.waiting, self._admission.refused
        self.failures: dict[Key, None] = {}
        self.outcome: Outcome | None = None
        self.ending: Ending | None = None
        self._rest = rest
        self._reload: Reload | None = None
        self._rollings: dict[str, Rolling] = {}
        self._alarms = Alarms(self.lives)
        self._acts: list[Act] = []

    @property
    def over(self) -> bool:
        """Whether the end has come."""
        return self.ending is not None and self.ending.step is Step.OVER

    @property
    def wake(self) -> float:
        """When `tick` is to be called; infinity for never."""
        if self.over:
            return math.inf
        return min(self._alarms.next, self.ending.wake if self.ending else math.inf)

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
        for key in () if self.over else self._alarms.due(now):
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

    def schedule(self) -> Schedule:
        """Return how the stop of all goes at its worst, were everybody running now."""
        return Budget(self._project, self.order).schedule()

    # -------------------------------------------------------------------------------------------- asked for

    def start(self, keys: Iterable[Key] | None, now: float) -> list[Act]:
        """Start these and those they wait for; None: all that start by themselves."""
        self._acts = []
        if self.ending is None:
            self._admit(self._want(self._by_themselves() if keys is None else keys, now), now)
        return self._acts

    def stop(self, keys: Iterable[Key], now: float) -> list[Act]:
        """Stop these, and nobody else; they are not restarted by their policy."""
        self._acts = []
        for key in keys:
            self._forget(key)
            if self._reload is not None:
                self._reload.wanted.discard(key)
            self._take(key, Stop(), now)
        return self._acts

    def restart(self, keys: Iterable[Key], now: float) -> list[Act]:
        """Restart these: several replicas of a service one by one, services at the same time."""
        self._acts = []
        if self.ending is not None:
            return self._acts
        by_name: dict[str, list[Key]] = {}
        for key in self._admission.in_order(self._not_away(keys)):
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

    def exchange(self, project: Project, away: Iterable[Key], wanted: Iterable[Key], now: float) -> list[Act]:
        """Put another project in the place of this one, as soon as nobody is left who has to end for it.

        `Cleared` says that it is so far, and is to be answered with `swap`. Asked again before that, what was
        asked for first goes with it.

        Args:
            project: what the file says now.
            away: who has to end: those that are not in it, and those that have changed.
            wanted: who is to be started afterwards.
            now: when.

        Raises:
            OrderError: its services have no order; nothing has changed.
        """
        self._acts = []
        if self.ending is None:
            self._reload = Reload(project, self.lives, self.order, away, wanted, before=self._reload)
            for key in self._reload.away:
                self._forget(key)
            self._reload_on(now)
        return self._acts

    def swap(self, now: float) -> list[Act]:
        """Put the other project in its place, the answer to `Cleared`, and start who is to be started."""
        self._acts = []
        if self._reload is None or not self._reload.cleared:
            return self._acts
        reload, self._reload = self._reload, None
        self._acts.append(Act(None, reload.swapped()))
        lives = reload.lives()
        self.lives.clear()
        self.lives.update(lives)
        self._project, self.order = reload.project, reload.order
        self._admission.arrange(reload.order)
        self.failures = {key: None for key in self.failures if key in lives and key not in reload.away}
        self._rollings = {name: one for name, one in self._rollings.items() if self._admission.replicas(name)}
        self._alarms.forget_others()
        self._want(reload.wanted, now)
        self._judge(now)
        self._admit(self.waiting, now)
        return self._acts

    def why_waiting(self, key: Key) -> str:
        """Return what a replica of `waiting` waits for, in one line for people."""
        return self._admission.why(key)

    def shutdown(self, now: float) -> list[Act]:
        """End everything within the grace; asked again, hurry."""
        self._acts = []
        self._shutdown(now)
        return self._acts

    # -------------------------------------------------------------------------------------------------- how

    def _want(self, keys: Iterable[Key], now: float) -> set[Key]:
        """Let these wait to be started, and those they wait for; return who does."""
        wanted = self._not_away(keys)
        for key in wanted:
            if not self.lives[key].at_rest:
                self._take(key, Start(), now)  # it ends, or pauses before a restart
        needed = self.order.closure({need.service for name, _ in wanted for need in self.order.needs[name]})
        for name in needed:
            # A one-shot that has done its work is not done again only because somebody waits for it.
            own = self._admission.replicas(name)
            wanted |= self._not_away(key for key in own if not self.lives[key].completed)
        wanted = {key for key in wanted if self.lives[key].at_rest or key in self.waiting}
        for key in wanted:
            self.failures.pop(key, None)
        self.waiting |= wanted
        return wanted

    def _not_away(self, keys: Iterable[Key]) -> set[Key]:
        """Return those who may be started now; the others are, once the other project is in place."""
        found = set(keys)
        if self._reload is None:
            return found
        self._reload.want(found & self._reload.away)
        return found - self._reload.away

    def _reload_on(self, now: float) -> None:
        """Tell those whose turn it is to make room for the other project; say when all have."""
        reload = self._reload
        if reload is None:
            return
        for key in reload.next():
            self._take(key, Stop(), now)
        if reload is self._reload and reload.cleared and not reload.said:
            reload.said = True
            self._acts.append(Act(None, Cleared()))

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
            else:
                self._alarms.set(key, effect.at)

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
            if life.clear:
                self._perform(self.ending.ended(key, now), now)
            return
        self._admit(self._admission.followers(key), now)
        if key[0] in self._rollings:
            self._roll(key[0], now)
        if life.at_rest:
            self._reload_on(now)
            self._judge(now)

    def _admit(self, keys: Collection[Key], now: float) -> None:
        """Start those of `keys` that wait, and for whom everything is reached; say who is refused."""
        for key in self._admission.in_order(self.waiting.intersection(keys)):
            if key not in self.waiting or self.ending is not None:
                continue  # what was started before it has led to that
            blocked = self._admission.blocked(key)
            if not blocked:
                self._forget(key)
                self._take(key, Start(), now)
                continue
            why = self._admission.in_vain(blocked)
            if why and why != self.refused.get(key):
                self.refused[key] = why
                self._acts.append(Act(key, Refused(why)))
                self._admit(self._admission.followers(key), now)
                self._judge(now)
            elif not why and self.refused.pop(key, ""):
                self._admit(self._admission.followers(key), now)

    def _forget(self, key: Key) -> None:
        self._admission.forget(key)
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
        # While one project takes the place of another, who has ended says nothing about either.
        if self.outcome is None and self.ending is None and self._reload is None:
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
        if self._reload is not None:
            self._reload = None
            self._acts.append(Act(None, Dropped()))
        self._admission.clear()
        self._rollings.clear()
        for key, life in self.lives.items():
            self._add(key, life.handle(Shutdown(), now))
        present = [life.spec for life in self.lives.values() if not life.clear]
        # Who does not run needs no time: a one-shot that has done its work, or one nobody has started.
        budget = Budget(replace(self._project, services=tuple(present)), self.order, self._rest)
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
    return life.state, life.started, life.ready, life.at_rest, life.left
