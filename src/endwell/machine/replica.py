"""What is known of one replica of a service, and the small steps of which its life is made."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING

from endwell.machine.effect import Announce, Cancel, Run
from endwell.machine.event import HooksLate, Moment
from endwell.machine.state import STOPPED_STATES, State
from endwell.model.stopping import Deadline
from endwell.records import dataclass

if TYPE_CHECKING:
    from endwell.machine.effect import Effect
    from endwell.machine.event import Event, Timer
    from endwell.model.process import End
    from endwell.model.service import ServiceSpec


class Phase(Enum):
    """Where a replica is, as finely as decisions need it; `machine.life` says what each waits for."""

    IDLE = "idle"
    PREPARING = "preparing"
    SPAWNING = "spawning"
    STARTING = "starting"
    FAILING = "failing"
    RUNNING = "running"
    ABORTING = "aborting"
    DRAINING = "draining"
    TOLD = "told"
    KILLED = "killed"
    CLEANING = "cleaning"
    PAUSED = "paused"
    SWEEPING = "sweeping"


class Next(Enum):
    """What follows when this life is over."""

    STAY = "stay"
    AGAIN = "again"  # at once: somebody asked for it
    RETRY = "retry"  # at `retry_at`: its policy says so
    JUDGE = "judge"  # what its policy says about a failure: it is being stopped for its health


@dataclass(frozen=True, slots=True)
class Course:
    """How a replica was stopped.

    Args:
        asked: when it was asked to: from then on it drains, and its before-stop hooks run.
        told: when it got its stop signal.
        killed: when it first got SIGKILL; None if it did not.
        ended: when its process ended; None while it is there.
        how: it ended, for people.
    """

    asked: float
    told: float
    killed: float | None
    ended: float | None
    how: str


_NOTHING_RUNS = STOPPED_STATES | {State.BACKOFF}


class Replica:
    """One replica of a service, from its first start to the shutdown.

    Args:
        spec: what the file says about it.

    Attributes:
        state: as published.
        phase: as decisions need it.
        pid: of its process; 0 when there is none.
        started: whether it has counted as started since it was last spawned; it stays so when it has ended.
        ready: whether it can be used now.
        seen: what was seen last of one that is not ready; empty if nothing.
        healthy: what its health checks say; None before the first answer.
        tries: failed starts in a row.
        row: restarts in a row, forgotten after a life of `restart.reset_after`, or a start by hand.
        restarts: restarts since it was started by hand.
        end: how its last process ended; None before that, and while one runs.
        left: whether others of it have outlived its process, and are there still.
        status: the exit status supervisord would show: -1 for a signal, None where it shows none.
        spawn_error: why the last start has failed, or what was wrong with the last end; empty if nothing.
        why: what led to its last change, in one line for people.
        failed: whether its last life has ended in failure.
        failure_status: the exit status of a container that ends because of that.
        spawned_at: when its last process was spawned; None before the first.
        asked_at: when it was asked to stop; None when that was not so since it was last started.
        told_at: when it got its stop signal, likewise.
        killed_at: when it first got SIGKILL, likewise.
        ended_at: when its last process ended; None before that.
        stop_before: the last stop of an earlier life, as `stop` has it.
        retry_at: when it is tried again; None unless that is what it waits for.
        last: whether it is not started any more.
        next: what follows when this life is over.
        by: when the stop that is under way has to be over.
        awaited: the hooks that are waited for.
        timers: the instants this phase has set for itself.
    """

    def __init__(self, spec: ServiceSpec) -> None:
        self.spec = spec
        self.state = State.STOPPED
        self.phase = Phase.IDLE
        self.spawned_at: float | None = None
        self.ended_at: float | None = None
        self.told_at: float | None = None
        self.stop_before: Course | None = None
        self.last = False
        self.left = False
        self.timers: dict[type[Timer], float] = {}
        self.now = self.chance = 0.0
        self.effects: list[Effect] = []
        self.raised: list[Event] = []
        self.forgive()
        self.forget()

    def forget(self) -> None:
        """Begin anew: nothing is left of the life before but the time of its end, and how it was stopped."""
        self.stop_before = self.stop if self.told_at is not None else self.stop_before
        self.pid = 0
        self.about = 0  # the process that announcements are about, also when it has just gone
        self.started = self.ready = self.failed = False
        self.healthy: bool | None = None
        self.bad_answers = 0
        self.seen = ""
        self.end: End | None = None
        self.status: int | None = None
        self.spawn_error = self.why = ""
        self.failure_status = 0
        self.asked_at: float | None = None
        self.told_at = None
        self.killed_at: float | None = None
        self.retry_at: float | None = None
        self.next = Next.STAY
        self.by = Deadline()
        self.awaited: Moment | None = None

    def forgive(self) -> None:
        """Count tries and restarts anew: somebody has asked for it."""
        self.tries = self.row = self.restarts = 0

    def adjust(self, spec: ServiceSpec) -> None:
        """Let something else hold for it from now on; what is under way goes on as it has begun."""
        if spec.health != self.spec.health:
            self.healthy, self.bad_answers = None, 0
        self.spec = spec

    @property
    def at_rest(self) -> bool:
        """Whether nothing of it runs and nothing will unless somebody asks."""
        return self.phase is Phase.IDLE

    @property
    def clear(self) -> bool:
        """Whether it is at rest and nobody is left of it either."""
        return self.at_rest and not self.left

    @property
    def completed(self) -> bool:
        """Whether it has ended by itself, well and for good: a one-shot that has done its work."""
        return self.at_rest and self.state is State.EXITED and not self.failed

    @property
    def age(self) -> float:
        """Seconds since the spawn."""
        return self.now - (self.now if self.spawned_at is None else self.spawned_at)

    @property
    def stop(self) -> Course | None:
        """Its last stop, the one under way included; None before the first."""
        if self.told_at is None:
            return self.stop_before
        ended = None if self.pid or self.ended_at is None or self.ended_at < self.told_at else self.ended_at
        asked = self.told_at if self.asked_at is None else self.asked_at
        return Course(asked, self.told_at, self.killed_at, ended, "" if ended is None else self.how)

    @property
    def how(self) -> str:
        """How its process ended, for people."""
        if self.end is None or (self.end.signal is None and self.end.code is None):
            return "ended, and nobody saw how"
        if self.end.out_of_memory:
            return f"ended by {self.end.signal} from the kernel's OOM killer"
        return f"ended by {self.end.signal}" if self.end.signal else f"exited with {self.end.code}"

    def share(self, wanted: float) -> float:
        """Return the part of `wanted` seconds, from 0 to 1, for which there is room before the deadline."""
        left = self.by.left(self.now)
        return 1.0 if left >= wanted else left / wanted

    def enter(self, phase: Phase) -> None:
        """Go on to another phase; what this one has waited for is forgotten."""
        self.phase = phase
        self.timers.clear()
        self.awaited = None

    def set(self, timer: type[Timer], seconds: float) -> None:
        """Let a timer come in so many seconds; infinitely many are never."""
        if seconds < math.inf:
            self.timers[timer] = self.now + seconds

    def run(self, moment: Moment, seconds: float, *, wait: bool = True) -> bool:
        """Run the hooks of a moment, if any, for so many seconds; return whether they are waited for."""
        hooks = getattr(self.spec.hooks, moment.value)
        if not hooks or not seconds:
            return False
        self.effects.append(Run(moment, hooks, Deadline(self.now + seconds)))
        if wait:
            self.awaited = moment
            self.set(HooksLate, seconds)
        return wait

    def cancel(self) -> None:
        """Stop waiting for hooks, and kill them."""
        if self.awaited is not None:
            self.effects.append(Cancel(self.awaited))
            self.hooks_over()

    def hooks_over(self) -> None:
        """Nothing is waited for any more."""
        self.awaited = None
        self.timers.pop(HooksLate, None)

    def collect(self, end: End) -> None:
        """Take note of the end of the process; others of its tree may be there still."""
        self.end, self.ended_at = end, self.now
        self.failure_status = end.status or 0
        self.status = -1 if end.signal else end.code
        self.pid = 0
        self.ready = False
        self.healthy = None

    def move(self, state: State, *, expected: bool = True) -> None:
        """Enter a state, and say so."""
        was, self.state = self.state, state
        self.announce(was, expected=expected)
        if state in _NOTHING_RUNS:
            self.about = 0

    def announce(self, was: State, *, expected: bool = True) -> None:
        """Say that something has changed that others can see."""
        self.effects.append(
            Announce(
                was,
                self.state,
                self.about,
                self.tries,
                expected,
                self.ready,
                self.healthy,
                self.why,
                self.end,
            )
        )
