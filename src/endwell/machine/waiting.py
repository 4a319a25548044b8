"""What has come of a start, a stop or a restart that was asked for, and of whom nothing is known yet.

    asked for   done for a replica when                          not done when
    start       it is RUNNING                                    a try has failed, or it ends otherwise
    stop        it is at rest by its state                       never: it is killed in its time
    restart     another process of it is RUNNING than before     as with start

Who cannot be asked (it runs already, or does not run) has his answer at once, as supervisord says it. A
service with a readiness of its own is RUNNING when it is ready, so that is what is waited for. A failed try
ends the waiting although there may be another one: who asks wants to know. Who does not want to wait is told
what comes of the spawn, and of nothing later.

Source of the answers: supervisord's startProcess and stopProcess, and its faults.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from endwell.machine.act import Refused, RollingDone
from endwell.machine.effect import Announce
from endwell.machine.event import Spawned
from endwell.machine.forced import forced
from endwell.machine.reloading import Swapped
from endwell.machine.replica import Phase
from endwell.machine.state import RUNNING_STATES, STOPPED_STATES, State
from endwell.model.control import Kind
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from endwell.machine.act import Act
    from endwell.machine.ensemble import Ensemble
    from endwell.machine.life import Life

Key = tuple[str, int]

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


class Goal(Enum):
    """What was asked for."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Result:
    """What has come of it for one replica.

    Args:
        kind: why it is not done; None: it is.
        message: one line for people; empty if there is nothing to say. What is done may have needed force.
    """

    kind: Kind | None = None
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is done."""
        return self.kind is None


_DONE = Result()


class Waiting:
    """Who is waited for, and the results of the others.

    Args:
        goal: what was asked for.
        keys: of whom, in the order in which the results are wanted.
        ensemble: of which they are; it is looked at and never changed.
        patient: whether the end is waited for; else call `go_on` as soon as they are asked.

    Attributes:
        results: of those of whom it is known.
    """

    def __init__(
        self, goal: Goal, keys: Collection[Key], ensemble: Ensemble, *, patient: bool = True
    ) -> None:
        self.results: dict[Key, Result] = {}
        self._goal = goal
        self._patient = patient
        self._keys = tuple(keys)
        self._ensemble = ensemble
        self._lives: Mapping[Key, Life] = ensemble.lives
        self._before = {key: self._lives[key].spawned_at for key in keys}
        self._among = frozenset(keys)
        self._killed = {key: _killed_at(self._lives[key]) for key in keys}
        self._stopping = {key for key in keys if self._lives[key].state is State.STOPPING}
        for key in keys:
            if (result := self._at_once(key)) is not None:
                self.results[key] = result

    @property
    def done(self) -> bool:
        """Whether everything is known."""
        return len(self.results) == len(self._keys)

    @property
    def open(self) -> tuple[Key, ...]:
        """Those of whom it is not known yet: before anything is done, those who are to be asked."""
        return tuple(key for key in self._keys if key not in self.results)

    def took(self, act: Act) -> bool:
        """Take what is new; return whether everything is known now."""
        key, effect = act
        if self._ensemble.ending is not None and self._goal is not Goal.STOP:
            self.end()
        elif isinstance(effect, RollingDone):
            life = None if key is None else self._lives.get(key)
            who = "the one before it" if life is None else life.spec.label
            for one in effect.left:
                self._settle(one, Result(Kind.FAILED, f"{who} did not come back, so it was left as it is"))
        elif isinstance(effect, Swapped):
            self.look()
        elif key is None or key not in self._among or key in self.results:
            pass
        elif isinstance(effect, Refused):
            self._settle(key, Result(Kind.REFUSED, effect.why))
        elif isinstance(effect, Spawned) and not self._patient:
            self._settle(key, _DONE)
        elif isinstance(effect, Announce) and effect.was is not effect.state:
            self._changed(key, effect.state)
        return self.done

    def look(self) -> bool:
        """Look at everybody: somebody has asked for something, of which not all is news.

        Returns whether everything is known now.
        """
        if self._ensemble.ending is not None and self._goal is not Goal.STOP:
            self.end()
        for key in self.open:
            life = self._lives.get(key)
            if life is None:
                self._settle(key, Result(Kind.ABNORMAL_TERMINATION, "it was removed"))
            elif self._goal is Goal.STOP:
                self._changed(key, life.state)
            elif key in self._ensemble.refused:
                self._settle(key, Result(Kind.REFUSED, self._ensemble.refused[key]))
            elif life.at_rest and key not in self._ensemble.waiting:
                self._settle(key, self._at_rest(key, life))
        return self.done

    def end(self) -> None:
        """Everything is ending: nobody is started any more."""
        for key in self.open:
            self._settle(key, Result(Kind.STOPPING, "the container is ending"))

    def go_on(self) -> None:
        """They were asked, and nobody wants to wait: what has begun well counts as done."""
        for key in self.open:
            if self._goal is not Goal.START or self._lives[key].phase is not Phase.SPAWNING:
                self._settle(key, _DONE)

    # -------------------------------------------------------------------------------------------------- how

    def _settle(self, key: Key, result: Result) -> None:
        if key in self._among:
            self.results.setdefault(key, result)

    def _at_once(self, key: Key) -> Result | None:
        life = self._lives[key]
        if self._goal is Goal.START and life.state in RUNNING_STATES:
            return Result(Kind.ALREADY_STARTED, f"it is {life.state.name} already")
        if self._goal is Goal.STOP and life.state in STOPPED_STATES:
            # One that waits to be started, or pauses before a restart, is asked not to be; and one that has
            # left somebody behind, to end them.
            if key in self._ensemble.waiting or not life.clear:
                return None
            return Result(Kind.NOT_RUNNING, f"it is {life.state.name} already")
        return None

    def _well(self, key: Key) -> Result:
        """Return that it is done, and whether that was by force."""
        life = self._lives[key]
        return _DONE if _killed_at(life) == self._killed[key] else Result(message=forced(life))

    def _at_rest(self, key: Key, life: Life) -> Result:
        """Return what has come of a start that is over, of which the news are still on their way."""
        if life.state in _FAILED:
            return Result(_why_not(life), life.spawn_error or life.why)
        if life.state is State.EXITED and life.spawned_at != self._before[key]:
            return _DONE
        return Result(Kind.ABNORMAL_TERMINATION, life.why or "it was stopped")

    def _changed(self, key: Key, state: State) -> None:
        if self._goal is Goal.STOP:
            if state in STOPPED_STATES:
                already = Result(Kind.NOT_RUNNING, "it was stopping already")
                self._settle(key, already if key in self._stopping else self._well(key))
            return
        life = self._lives[key]
        if life.spawned_at == self._before[key] and state not in _FAILED:
            return  # on its way down, or before its spawn
        if state is State.RUNNING:
            self._settle(key, self._well(key))
        elif state in _FAILED:
            self._settle(key, Result(_why_not(life), life.spawn_error or life.why))
        elif state is not State.STARTING:
            self._settle(key, Result(Kind.ABNORMAL_TERMINATION, life.why or f"it is {state.name}"))


_FAILED = frozenset({State.BACKOFF, State.FATAL})


def _killed_at(life: Life) -> float | None:
    return None if life.stop is None else life.stop.killed


def _why_not(life: Life) -> Kind:
    if life.end is None and life.failure_status == _NOT_FOUND:
        return Kind.NO_FILE
    if life.end is None and life.failure_status == _NOT_EXECUTABLE:
        return Kind.NOT_EXECUTABLE
    return Kind.SPAWN_ERROR
