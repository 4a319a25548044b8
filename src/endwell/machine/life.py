"""The life of one replica of a service, as a table: what each event means in each phase.

What supervisord's clients see is the state (`machine.state`). It is too coarse to decide by: STOPPING is one
state, but a replica that still drains, one that was told and one that was killed answer the same event in
three ways. So decisions go by the phase, and the state is announced along the arrows that supervisord
publishes:

    phase       state      what is waited for
    IDLE        any of the three at rest: nothing; it stays like this until somebody asks
    PREPARING   STARTING   the before-start hooks
    SPAWNING    STARTING   Spawned or SpawnFailed
    STARTING    STARTING   that it has lived long enough and, if it can say so, is ready
    FAILING     STARTING   the end of one that was not ready in time, and was told to end for it
    RUNNING     RUNNING    nothing
    ABORTING    STOPPING   Spawned or SpawnFailed, of one that is no longer wanted
    DRAINING    STOPPING   the before-stop hooks and the drain
    TOLD        STOPPING   the end of the process and of what it leaves behind
    KILLED      STOPPING   the same, with a further SIGKILL from time to time
    CLEANING    at rest or BACKOFF: the after-stop hooks; what is next is decided already
    PAUSED      BACKOFF, EXITED, or STOPPED when its health was the reason: the time of the next try
    SWEEPING    at rest: the end of those who have outlived the process, and were told when it was stopped

Four rules hold it together. A timer belongs to the phase that has set it and is forgotten with it, so that
none comes too late. A start begins in the table only, in IDLE or PAUSED, where nothing runs: what wants one
raises an event. `Spawn` is asked for in one place. And what cannot be (a pair that is not in the table) is an
error that names the event and the phase, before anything has changed.

Who outlives the process goes on for as long as the service is wanted: in many containers a service is started
by `service nginx start`, and what that leaves is the whole point. The service does not count as running for
it. Its next process is started when those are gone, and a stop ends them, at the end of the container in the
service's turn.

A stop has one deadline for everything. When what a replica may take (drain, stop timeout, after-stop hooks)
does not fit, each step gets the same share of what it asks for; what it does not need is left to those that
follow.

Beside supervisord's semantics (supervisord.org, "Subprocesses") the policies are Docker's; `model.restart`
has both as values. With `ready`, a start has succeeded when the service is ready, so that RUNNING means it
can be used, and who waits for a start waits for that; not being ready in time is a failed start.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from endwell.machine import following, leaving, starting
from endwell.machine.effect import WakeAt
from endwell.machine.event import (
    Answer,
    Died,
    Drained,
    Event,
    Gone,
    HooksDone,
    HooksLate,
    Hurry,
    KillingTime,
    LivedLongEnough,
    NotReadyInTime,
    Ready,
    RetryTime,
    Seen,
    Shutdown,
    Spawned,
    SpawnFailed,
    Start,
    Stop,
)
from endwell.machine.replica import Phase, Replica

if TYPE_CHECKING:
    from endwell.machine.effect import Effect
    from endwell.model.service import ServiceSpec

Act = Callable[[Replica, Any], None]


def _nothing(_: Replica, __: Event) -> None:
    """It is done already, or it comes too late: from the life before, say."""


_LATE: dict[type[Event], Act] = {
    Ready: _nothing,
    Seen: _nothing,
    Answer: _nothing,
    Gone: following.gone,
    HooksDone: _nothing,
}

# Phase by phase: what can happen there, and what is done about it.
TABLE: dict[Phase, dict[type[Event], Act]] = {
    Phase.IDLE: {
        **_LATE,
        Start: starting.start,
        Stop: following.stop,
        Hurry: _nothing,
        Shutdown: following.shut_resting,
    },
    Phase.PREPARING: {
        **_LATE,
        Start: _nothing,
        Stop: leaving.stop_preparing,
        Hurry: _nothing,
        Shutdown: leaving.shut_preparing,
        HooksDone: starting.prepared,
        HooksLate: starting.prepared_late,
    },
    Phase.SPAWNING: {
        **_LATE,
        Start: _nothing,
        Stop: leaving.stop_spawning,
        Hurry: _nothing,
        Shutdown: following.shut,
        Spawned: starting.spawned,
        SpawnFailed: starting.spawn_failed,
    },
    Phase.STARTING: {
        **_LATE,
        Start: _nothing,
        Stop: leaving.stop_starting,
        Hurry: _nothing,
        Shutdown: following.shut,
        Ready: starting.told_ready,
        Seen: starting.seen,
        Died: starting.died_starting,
        LivedLongEnough: starting.lived,
        NotReadyInTime: starting.not_ready,
    },
    Phase.FAILING: {
        **_LATE,
        Start: _nothing,
        Stop: leaving.stop_failing,
        Hurry: leaving.hurry_killing,
        Shutdown: following.shut,
        Died: starting.died_failing,
        Gone: starting.gone_failing,
        KillingTime: leaving.kill,
    },
    Phase.RUNNING: {
        **_LATE,
        Start: _nothing,
        Stop: leaving.stop_running,
        Hurry: _nothing,
        Shutdown: following.shut,
        Answer: leaving.answered,
        Died: following.died,
    },
    Phase.ABORTING: {
        **_LATE,
        Start: following.start_after,
        Stop: following.want,
        Hurry: _nothing,
        Shutdown: following.shut,
        Spawned: leaving.spawned_unwanted,
        SpawnFailed: leaving.failed_unwanted,
    },
    Phase.DRAINING: {
        **_LATE,
        Start: following.start_after,
        Stop: leaving.stop_again,
        Hurry: leaving.hurry_drain,
        Shutdown: following.shut,
        Died: leaving.died_draining,
        HooksDone: leaving.drain_hooks_done,
        Drained: leaving.drained,
        HooksLate: leaving.drain_hooks_late,
    },
    Phase.TOLD: {
        **_LATE,
        Start: following.start_after,
        Stop: leaving.stop_again,
        Hurry: leaving.kill,
        Shutdown: following.shut,
        Died: leaving.died_told,
        Gone: leaving.gone_told,
        KillingTime: leaving.kill,
    },
    Phase.KILLED: {
        **_LATE,
        Start: following.start_after,
        Stop: leaving.stop_again,
        Hurry: _nothing,
        Shutdown: following.shut,
        Died: leaving.died_told,
        Gone: leaving.gone_told,
        KillingTime: leaving.kill,
    },
    Phase.CLEANING: {
        **_LATE,
        Start: following.start_after,
        Stop: following.stop,
        Hurry: following.clean_no_more,
        Shutdown: following.shut_resting,
        HooksDone: following.cleaned,
        HooksLate: following.clean_no_more,
    },
    Phase.PAUSED: {
        **_LATE,
        Start: starting.start,
        Stop: following.stop,
        Hurry: _nothing,
        Shutdown: following.shut_resting,
        RetryTime: starting.begin,
    },
    Phase.SWEEPING: {
        **_LATE,
        Start: following.start_after,
        Stop: following.want,
        Hurry: leaving.hurry_killing,
        Shutdown: following.shut,
        Gone: following.swept,
        KillingTime: leaving.kill,
    },
}


class ImpossibleError(Exception):
    """An event that cannot happen in this phase: a mistake of whoever reports it; nothing has changed."""


class Life(Replica):
    """A replica that takes events, and says what is to be done about them.

    Nothing here looks at a clock: `now` is seconds on the monotonic clock and never goes back.

    Args:
        spec: what the file says about the replica.
    """

    def __init__(self, spec: ServiceSpec) -> None:
        super().__init__(spec)
        self._wake = math.inf

    @property
    def wake(self) -> float:
        """The instant of the next timer, infinity without one: what the last `WakeAt` has said."""
        return self._wake

    def handle(self, event: Event, now: float, chance: float = 0.0) -> tuple[Effect, ...]:
        """Take an event and return what is to be done, in order.

        Args:
            event: what has happened.
            now: when.
            chance: from 0 to 1, for the jitter of a pause.

        Raises:
            ImpossibleError: it cannot happen in this phase.
        """
        self.now, self.chance, self.effects, self.raised = now, chance, [], [event]
        while self.raised:
            event = self.raised.pop(0)
            act = TABLE[self.phase].get(type(event))
            if act is None:
                raise ImpossibleError(
                    f"cannot take {type(event).__name__} for {self.spec.label}: it is {self.phase.value}"
                    f" ({self.state.name}), where that does not happen; report it as a mistake of endwell"
                )
            act(self, event)
        wake = min(self.timers.values(), default=math.inf)
        if wake != self._wake:
            self._wake = wake
            self.effects.append(WakeAt(wake))
        return tuple(self.effects)

    def tick(self, now: float, chance: float = 0.0) -> tuple[Effect, ...]:
        """Take the timers that are due, in their order; one that is not due is left alone."""
        effects: list[Effect] = []
        # What they set for this very instant is for the next call: `WakeAt` says so, and there is no loop.
        due = sorted((at, timer.__name__, timer) for timer, at in self.timers.items() if at <= now)
        for at, _, timer in due:
            if self.timers.get(timer) == at:  # not forgotten with its phase
                del self.timers[timer]
                self._wake = math.nan  # it was used up: also the same instant has to be said again
                effects += self.handle(timer(), now, chance)
        return tuple(effects)
