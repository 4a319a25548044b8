"""From the wish to start a replica until it runs, or has failed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.effect import Spawn
from endwell.machine.event import LivedLongEnough, Moment, NotReadyInTime
from endwell.machine.following import died, start_failed
from endwell.machine.leaving import tell, tell_rest
from endwell.machine.replica import Phase, Replica
from endwell.machine.state import State
from endwell.model.durations import format_duration

if TYPE_CHECKING:
    from endwell.machine.event import (
        Died,
        Event,
        Gone,
        HooksDone,
        HooksLate,
        Ready,
        Seen,
        Spawned,
        SpawnFailed,
    )

TOO_QUICKLY = (
    "Exited too quickly (process log may have details)"  # what supervisord says; people search for it
)
HOOKS_LATE = "the before-start hooks were not done in their time"


def start(replica: Replica, _: Event) -> None:
    """Somebody has asked for it: what went wrong before is forgotten."""
    if not replica.last:
        replica.forgive()
        begin(replica, _)


def begin(replica: Replica, _: Event) -> None:
    """Begin a life."""
    replica.forget()
    replica.enter(Phase.PREPARING)
    replica.move(State.STARTING)
    if not replica.run(Moment.BEFORE_START, sum(hook.timeout for hook in replica.spec.hooks.before_start)):
        spawn(replica)


def prepared(replica: Replica, event: HooksDone) -> None:
    """The before-start hooks are done."""
    if event.moment is not replica.awaited:
        return
    if event.failed:
        start_failed(replica, event.failed)
    else:
        spawn(replica)


def prepared_late(replica: Replica, _: HooksLate) -> None:
    """The before-start hooks have had their time."""
    replica.cancel()
    start_failed(replica, HOOKS_LATE)


def spawn(replica: Replica) -> None:
    """The only place that asks for a process."""
    replica.enter(Phase.SPAWNING)
    replica.effects.append(Spawn())


def spawned(replica: Replica, event: Spawned) -> None:
    """There is a process."""
    replica.pid = replica.about = event.pid
    replica.spawned_at = replica.now
    replica.left = False  # nobody is started before those have ended
    replica.enter(Phase.STARTING)
    if replica.spec.ready is not None and replica.spec.ready.timeout is not None:
        replica.set(NotReadyInTime, replica.spec.ready.timeout)
    if replica.spec.start.seconds:
        replica.set(LivedLongEnough, replica.spec.start.seconds)
    else:
        lived(replica, event)


def spawn_failed(replica: Replica, event: SpawnFailed) -> None:
    """There is none."""
    replica.failure_status = event.status
    start_failed(replica, event.reason)


def lived(replica: Replica, _: Event) -> None:
    """It has lived long enough: it counts as started."""
    replica.started = True
    if replica.spec.ready is None or replica.ready:
        run_freely(replica)


def told_ready(replica: Replica, _: Ready) -> None:
    """It says that it is ready."""
    if replica.spec.ready is None or replica.ready:
        return
    replica.ready = True
    replica.timers.pop(NotReadyInTime, None)
    if replica.started:
        run_freely(replica)
    else:
        replica.announce(replica.state)


def seen(replica: Replica, event: Seen) -> None:
    """It was looked at, and is not ready."""
    replica.seen = event.what


def run_freely(replica: Replica) -> None:
    """The start has succeeded."""
    replica.enter(Phase.RUNNING)
    replica.ready = replica.started = True
    replica.tries = 0
    replica.move(State.RUNNING)
    hooks = replica.spec.hooks.after_start
    replica.run(Moment.AFTER_START, sum(hook.timeout for hook in hooks), wait=False)


def not_ready(replica: Replica, _: NotReadyInTime) -> None:
    """It has failed to start, and has to end before that is so for others."""
    ready = replica.spec.ready
    if ready is not None:
        after = format_duration(ready.timeout or 0.0)
        replica.why = f"not ready after {after} ({ready.test}): {replica.seen or ready.silence}"
    tell(replica, Phase.FAILING)


def died_starting(replica: Replica, event: Died) -> None:
    """It has ended before it counted as started and ready."""
    # Whoever reports the death may be ahead of the clock: it has lived long enough all the same.
    if replica.spec.ready is None and replica.age >= replica.spec.start.seconds:
        run_freely(replica)
        died(replica, event)
        return
    replica.collect(event.end)
    replica.left = event.left
    start_failed(replica, f"{replica.how} before it was ready" if replica.started else TOO_QUICKLY)


def died_failing(replica: Replica, event: Died) -> None:
    """It was not ready in time and has ended for it, as it was told; others of it may be left."""
    replica.collect(event.end)
    if event.left:
        tell_rest(replica)
    else:
        not_ready_over(replica)


def gone_failing(replica: Replica, _: Gone) -> None:
    """The others have ended as well."""
    if not replica.pid:
        not_ready_over(replica)


def not_ready_over(replica: Replica) -> None:
    """Nothing of it is left; that it was told to end says nothing about how it failed."""
    replica.failure_status = 1
    start_failed(replica, replica.why)
