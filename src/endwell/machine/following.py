"""What follows when a process has ended: the restart policy, the after-stop hooks, and the next try.

Nothing is started here. A start is raised as an event, and taken by the table in the phase that was reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.effect import Send
from endwell.machine.event import KillingTime, Moment, RetryTime, Start
from endwell.machine.replica import Next, Phase, Replica
from endwell.machine.state import State
from endwell.model.signals import CONT, TERM
from endwell.model.stopping import Audience

if TYPE_CHECKING:
    from endwell.machine.event import Died, Event, HooksDone, Hurry, Shutdown, Stop

BAD_EXIT = "Bad exit code {}"  # what supervisord says; people search for it


def start_failed(replica: Replica, why: str) -> None:
    """One more try has failed, and nothing of it runs."""
    replica.ready = replica.started = False
    replica.failed, replica.status, replica.spawn_error, replica.why = True, None, why, why
    replica.failure_status = replica.failure_status or 1
    replica.tries += 1
    replica.move(State.BACKOFF)
    start = replica.spec.start
    if replica.last or (start.retries is not None and replica.tries > start.retries):
        replica.tries = 0
        replica.move(State.FATAL)
        then(replica, Next.STAY)
    else:
        then(replica, Next.RETRY, start.backoff.delay(replica.tries, replica.chance))


def died(replica: Replica, event: Died) -> None:
    """It has ended by itself; those it has left behind go on until it is stopped, or started again."""
    replica.collect(event.end)
    replica.left = event.left
    replica.failed = event.end.signal is not None or event.end.code not in replica.spec.restart.success
    if replica.failed:
        replica.failure_status = replica.failure_status or 1
        replica.spawn_error = BAD_EXIT.format(replica.status)
    replica.why = replica.how
    replica.move(State.EXITED, expected=not replica.failed)
    judge(replica, None if event.end.signal else event.end.code)


def judge(replica: Replica, status: int | None) -> None:
    """Ask the restart policy about an end with this exit status; None: a failure of another kind."""
    policy = replica.spec.restart
    if replica.age >= policy.reset_after:
        replica.row = 0
    given_up = policy.limit is not None and replica.row >= policy.limit
    if replica.last or given_up or not policy.wants(status):
        then(replica, Next.STAY)
        return
    replica.row += 1
    replica.restarts += 1
    then(replica, Next.RETRY, policy.backoff.delay(replica.row, replica.chance))


def then(replica: Replica, following: Next, pause: float = 0.0) -> None:
    """The process is gone: run the after-stop hooks, if there was a process, and then go on."""
    replica.next = following
    replica.retry_at = replica.now + pause if following is Next.RETRY else None
    replica.enter(Phase.CLEANING)
    left = min(replica.spec.cleaning_time, replica.by.left(replica.now))
    if replica.end is None or not replica.run(Moment.AFTER_STOP, left):
        follow(replica)


def follow(replica: Replica) -> None:
    """Nothing is left to be done for the life that was: wait, rest, or start again."""
    if replica.next is Next.AGAIN:
        replica.enter(Phase.IDLE)
        replica.raised.append(Start())
    elif replica.retry_at is not None:
        replica.enter(Phase.PAUSED)
        if replica.retry_at > replica.now:
            replica.timers[RetryTime] = replica.retry_at
        else:
            replica.raised.append(RetryTime())
    elif replica.left and replica.asked_at is not None:
        sweep(replica)
    else:
        replica.enter(Phase.IDLE)


def sweep(replica: Replica) -> None:
    """It is not wanted any more: tell those whom it has left behind to end."""
    replica.enter(Phase.SWEEPING)
    replica.effects.append(Send((TERM, CONT), Audience.TREE))
    replica.told_at = replica.now
    replica.set(KillingTime, replica.spec.stop_timeout * replica.share(replica.spec.stop_timeout))


def gone(replica: Replica, _: Event) -> None:
    """Those it had left behind have ended by themselves."""
    replica.left = False


def swept(replica: Replica, event: Event) -> None:
    """They have ended, as they were told."""
    gone(replica, event)
    follow(replica)


def cleaned(replica: Replica, event: HooksDone) -> None:
    """The after-stop hooks are done."""
    if event.moment is replica.awaited:
        follow(replica)


def clean_no_more(replica: Replica, _: Hurry) -> None:
    """The after-stop hooks have had their time, or somebody is in a hurry."""
    replica.cancel()
    follow(replica)


# ----------------------------------------------------------------------------- asked for while nothing runs


def want(replica: Replica, event: Stop) -> None:
    """Take note of a wish that it stops: what follows, and by when; what is under way is cut to that."""
    replica.next = Next.AGAIN if event.again and not replica.last else Next.STAY
    if event.by < replica.by:
        replica.by = event.by
        _cut(replica)


def stop(replica: Replica, event: Stop) -> None:
    """It is not tried again; or now, if that was what was asked for."""
    want(replica, event)
    replica.retry_at = None
    replica.asked_at = replica.now
    if replica.state is State.BACKOFF and replica.next is Next.STAY:
        replica.move(State.STOPPED)
    if replica.phase is not Phase.CLEANING:
        follow(replica)


def start_after(replica: Replica, _: Event) -> None:
    """Asked to run while it ends: it is started when it has ended."""
    if not replica.last:
        replica.next = Next.AGAIN


def shut(replica: Replica, _: Event) -> None:
    """It is not started any more; what runs is stopped in its turn."""
    replica.last = True
    if replica.next is Next.AGAIN:
        replica.next = Next.STAY


def shut_resting(replica: Replica, event: Shutdown) -> None:
    """Nothing of it runs: it is given up now."""
    shut(replica, event)
    replica.next, replica.retry_at = Next.STAY, None
    if replica.state is State.BACKOFF:
        replica.tries = 0
        replica.move(State.FATAL)
    if replica.phase is Phase.PAUSED:
        follow(replica)


def _cut(replica: Replica) -> None:
    """The deadline has come nearer: shorten what is under way, in proportion to what is to come."""
    to_come = {
        Phase.DRAINING: replica.spec.stop_timeout + replica.spec.cleaning_time,
        Phase.TOLD: replica.spec.cleaning_time,
        Phase.CLEANING: 0.0,
        Phase.SWEEPING: 0.0,
    }
    if replica.phase not in to_come:
        return
    ahead = max((at - replica.now for at in replica.timers.values()), default=0.0)
    share = replica.share(max(ahead, 0.0) + to_come[replica.phase])
    for timer, at in replica.timers.items():
        replica.timers[timer] = replica.now + max(at - replica.now, 0.0) * share
