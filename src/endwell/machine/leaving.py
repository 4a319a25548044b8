"""The stop of one replica: drain, tell, kill, and wait until nothing of it is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.effect import Kill, Send
from endwell.machine.event import Drained, KillingTime, Moment, Stop
from endwell.machine.following import follow, judge, shut, then, want
from endwell.machine.replica import Next, Phase, Replica
from endwell.machine.state import State
from endwell.model.readiness import Unhealthy
from endwell.model.signals import CONT, TERM
from endwell.model.stopping import Audience

if TYPE_CHECKING:
    from endwell.machine.event import (
        Answer,
        Died,
        Event,
        Gone,
        HooksDone,
        HooksLate,
        Hurry,
        Shutdown,
        Spawned,
        SpawnFailed,
    )

# SIGKILL again and again without a pause would be a loop; supervisord looks once a second.
AGAIN_AT_LEAST = 1.0

# ------------------------------------------------------------------------------------------------ asked for


def stop_running(replica: Replica, event: Stop) -> None:
    """It is used: it may have to drain."""
    want(replica, event)
    if event.drain:
        leave(replica)
    else:
        close(replica)
        tell(replica, Phase.TOLD)


def stop_starting(replica: Replica, event: Stop) -> None:
    """Nobody uses it yet: there is nothing to drain."""
    want(replica, event)
    close(replica)
    tell(replica, Phase.TOLD)


def stop_failing(replica: Replica, event: Stop) -> None:
    """It was told, or killed, before: that time counts."""
    close(replica)
    replica.phase = Phase.TOLD if replica.killed_at is None else Phase.KILLED  # its timer goes with it
    want(replica, event)


def stop_preparing(replica: Replica, event: Stop) -> None:
    """There is no process yet."""
    want(replica, event)
    replica.cancel()
    close(replica)
    replica.move(State.STOPPED)
    follow(replica)


def shut_preparing(replica: Replica, event: Shutdown) -> None:
    """What has not begun to run is not started any more."""
    shut(replica, event)
    stop_preparing(replica, Stop())


def stop_spawning(replica: Replica, event: Stop) -> None:
    """There may be a process already: it is told as soon as it has a number."""
    want(replica, event)
    replica.enter(Phase.ABORTING)
    close(replica)


def stop_again(replica: Replica, event: Stop) -> None:
    """It is being stopped: perhaps by an earlier deadline now, or without draining any longer."""
    want(replica, event)
    if replica.phase is Phase.DRAINING and not event.drain:
        hurry_drain(replica, event)


def close(replica: Replica) -> None:
    """From here on it stops."""
    replica.asked_at = replica.now
    replica.ready = False
    replica.move(State.STOPPING)


# --------------------------------------------------------------------------------------------------- health


def answered(replica: Replica, event: Answer) -> None:
    """It was asked for its health."""
    health = replica.spec.health
    if health is None:
        return
    if event.healthy:
        replica.bad_answers = 0
        mark(replica, healthy=True)
        return
    # As Docker has it: the first good answer ends the start period.
    if replica.healthy is None and replica.age < health.start_period:
        return
    replica.bad_answers += 1
    if replica.bad_answers < health.retries:
        return
    replica.why = f"not healthy: {replica.bad_answers} bad answers in a row"
    mark(replica, healthy=False)
    if health.then is Unhealthy.RESTART:
        replica.next = Next.JUDGE
        leave(replica)


def mark(replica: Replica, *, healthy: bool) -> None:
    """Take note of its health."""
    if replica.healthy is not healthy:
        replica.healthy = healthy
        replica.announce(replica.state)


# ---------------------------------------------------------------------------------------------------- drain


def leave(replica: Replica) -> None:
    """It is no longer ready; drain if there is something to drain, and then tell it to end."""
    replica.enter(Phase.DRAINING)
    close(replica)
    spec = replica.spec
    share = replica.share(spec.longest_stop)
    if spec.drain * share:
        replica.set(Drained, spec.drain * share)
    replica.run(Moment.BEFORE_STOP, sum(hook.timeout for hook in spec.hooks.before_stop) * share)
    drained(replica)


def drained(replica: Replica, _: Event | None = None) -> None:
    """One of the two that are waited for is over: is the other one?"""
    if Drained not in replica.timers and replica.awaited is None:
        tell(replica, Phase.TOLD)


def drain_hooks_done(replica: Replica, event: HooksDone) -> None:
    """The before-stop hooks are done."""
    if event.moment is replica.awaited:
        replica.hooks_over()
        drained(replica)


def drain_hooks_late(replica: Replica, _: HooksLate) -> None:
    """The before-stop hooks have had their time."""
    replica.cancel()
    drained(replica)


def hurry_drain(replica: Replica, _: Event) -> None:
    """No more draining."""
    replica.cancel()
    replica.timers.clear()
    drained(replica)


def died_draining(replica: Replica, event: Died) -> None:
    """It did not wait to be told."""
    replica.cancel()
    replica.enter(Phase.TOLD)
    await_end(replica)
    died_told(replica, event)


# -------------------------------------------------------------------------------------------- tell and kill


def tell(replica: Replica, phase: Phase) -> None:
    """Tell it to end, and give it its time."""
    replica.enter(phase)
    to = Audience.GROUP if replica.spec.stop_group else Audience.MAIN
    replica.effects.append(Send((replica.spec.stop_signal,), to))
    replica.told_at = replica.now
    await_end(replica)


def await_end(replica: Replica) -> None:
    """Give it its time, cut to what is left once the after-stop hooks have theirs."""
    spec = replica.spec
    replica.set(KillingTime, spec.stop_timeout * replica.share(spec.stop_timeout + spec.cleaning_time))


def tell_rest(replica: Replica) -> None:
    """Tell those whom it has left behind; the time that it has goes on for them."""
    if replica.killed_at is None:
        replica.effects.append(Send((TERM, CONT), Audience.TREE))
        replica.told_at = replica.now if replica.told_at is None else replica.told_at


def kill(replica: Replica, _: Event) -> None:
    """SIGKILL; one that has failed to start stays in its phase, since that is what its end means."""
    if replica.killed_at is None:
        replica.killed_at = replica.now
    if replica.phase is Phase.TOLD:
        replica.enter(Phase.KILLED)
    replica.effects.append(Kill())
    replica.set(KillingTime, max(replica.spec.stop_timeout, AGAIN_AT_LEAST))


def hurry_killing(replica: Replica, event: Hurry) -> None:
    """Kill it, once."""
    if replica.killed_at is None:
        kill(replica, event)


def died_told(replica: Replica, event: Died) -> None:
    """It has ended; others of its tree may be left."""
    replica.collect(event.end)
    if event.left:
        tell_rest(replica)
    else:
        stopped(replica)


def gone_told(replica: Replica, _: Gone) -> None:
    """The others have ended as well."""
    if not replica.pid:
        stopped(replica)


def spawned_unwanted(replica: Replica, event: Spawned) -> None:
    """The process of one that is to stop."""
    replica.pid = replica.about = event.pid
    replica.spawned_at = replica.now
    replica.left = False
    tell(replica, Phase.TOLD)


def failed_unwanted(replica: Replica, event: SpawnFailed) -> None:
    """There will be none."""
    replica.spawn_error = event.reason
    replica.move(State.STOPPED)
    follow(replica)


def stopped(replica: Replica) -> None:
    """Nothing of it is left."""
    unhealthy = replica.next is Next.JUDGE
    replica.failed = unhealthy
    replica.why = replica.why if unhealthy else replica.how
    replica.move(State.STOPPED)
    if unhealthy:
        replica.failure_status = 1  # how it ended was our doing
        judge(replica, None)
    else:
        then(replica, replica.next)
