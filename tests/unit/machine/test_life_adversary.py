"""Whatever a service does and whoever asks for what, in any order: what never happens, what always does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from endwell.machine.effect import Announce, Cancel, Kill, Run, Send, Spawn, WakeAt
from endwell.machine.event import (
    Answer,
    Died,
    Gone,
    HooksDone,
    Hurry,
    Moment,
    Ready,
    Seen,
    Shutdown,
    Spawned,
    SpawnFailed,
    Start,
    Stop,
)
from endwell.machine.life import Life
from endwell.machine.replica import Phase
from endwell.machine.state import ARROWS, State
from endwell.model.process import End
from endwell.model.readiness import Health, Means, Readiness, Unhealthy
from endwell.model.restart import AT_ONCE, DOCKER, SUPERVISORD, Restart, RestartPolicy, StartPolicy
from endwell.model.service import Hook, Hooks, ServiceSpec
from endwell.model.signals import Signal
from endwell.model.stopping import Audience, Deadline

if TYPE_CHECKING:
    from endwell.machine.event import Event

HOOKS = st.sampled_from([(), (Hook(("x",), 1.0),), (Hook(("x",), 1.0), Hook(("y",), 2.0))])
SPECS = st.builds(
    ServiceSpec,
    name=st.just("web"),
    command=st.just(("web",)),
    start=st.builds(
        StartPolicy,
        seconds=st.sampled_from([0.0, 1.0]),
        retries=st.sampled_from([None, 0, 2]),
        backoff=st.sampled_from([DOCKER, SUPERVISORD]),
    ),
    restart=st.builds(
        RestartPolicy,
        when=st.sampled_from(Restart),
        limit=st.sampled_from([None, 2]),
        backoff=st.sampled_from([DOCKER, AT_ONCE]),
        reset_after=st.sampled_from([1.0, 10.0]),
    ),
    ready=st.sampled_from([None, Readiness(Means.NOTIFY), Readiness(Means.NOTIFY, timeout=2.0)]),
    health=st.sampled_from(
        [None, Health(Means.TCP, ":1", retries=1), Health(Means.TCP, ":1", retries=2, then=Unhealthy.MARK)]
    ),
    stop_timeout=st.sampled_from([0.0, 3.0]),
    drain=st.sampled_from([0.0, 1.5]),
    hooks=st.builds(Hooks, before_start=HOOKS, after_start=HOOKS, before_stop=HOOKS, after_stop=HOOKS),
)
ENDS = st.sampled_from([End(0), End(3), End(signal=Signal(9)), End()])
SHORT = st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0, 20.0])


class Adversary(RuleBasedStateMachine):
    """A service with a will of its own, its kernel, its hooks, and people who ask for things."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.spawning = self.alive = self.left = False
        self.waited: Moment | None = None
        self.state = State.STOPPED
        self.wake = math.inf
        self.told: float | None = None
        self.hurried = self.shut = False
        self.killed: list[float] = []
        self.pid = 1
        self.restarts = 0

    @initialize(spec=SPECS)
    def begin(self, spec: ServiceSpec) -> None:
        self.life = Life(spec)

    # -------------------------------------------------------------------------------------------- the world

    def take(self, event: Event) -> None:
        self.perform(self.life.handle(event, self.now))

    def perform(self, effects: tuple[object, ...]) -> None:  # noqa: C901  one case for each effect
        for effect in effects:
            match effect:
                case Spawn():
                    assert not self.spawning, "two copies"
                    assert not self.alive, "two copies"
                    assert not self.shut, "started after the shutdown"
                    assert self.waited is None, "started before its hooks were done"
                    self.spawning, self.told, self.hurried, self.killed = True, None, False, []
                case Send(to=Audience.TREE):
                    assert self.left
                    assert not self.alive
                case Send():
                    assert self.alive
                    assert self.told is None, "told twice"
                    assert self.waited is None, "told before its hooks were done"
                    self.told = self.now
                case Kill():
                    self.check_kill()
                case Run(moment=Moment.AFTER_START):
                    assert self.life.state is State.RUNNING
                case Run(moment=moment, by=by):
                    assert self.waited is None, "two sets of hooks at once"
                    assert (moment is Moment.BEFORE_STOP) == self.alive
                    assert self.now < by.at
                    assert moment is Moment.BEFORE_START or by <= self.life.by
                    self.waited = moment
                case Cancel(moment=moment):
                    assert moment is self.waited
                    self.waited = None
                case WakeAt(at=at):
                    self.wake = at
                case Announce():
                    self.check_announcement(effect)

    def check_kill(self) -> None:
        assert self.alive or self.left
        assert self.life.phase in {Phase.KILLED, Phase.FAILING, Phase.SWEEPING}
        spec = self.life.spec
        if not self.hurried and self.life.by == Deadline() and self.told is not None and not self.killed:
            assert self.now >= self.told + spec.stop_timeout, "killed before its time"
        if self.killed:
            assert self.now >= self.killed[-1] + 1.0, "killed without a pause"
        self.killed.append(self.now)

    def check_announcement(self, said: Announce) -> None:
        assert said.was is self.state
        if said.state is not said.was:
            assert said.state in ARROWS[said.was], "not along an arrow"
            if said.state in {State.RUNNING, State.EXITED}:
                assert said.pid == self.pid
            if (said.was, said.state) == (State.EXITED, State.STARTING):
                self.restarts += 1
        if said.ready:
            assert self.alive
        self.state = said.state

    # ----------------------------------------------------------------------------------------------- people

    @rule()
    def start(self) -> None:
        self.take(Start())

    @rule(
        again=st.booleans(), drain=st.booleans(), seconds=st.sampled_from([math.inf, math.inf, 0.0, 2.0, 5.0])
    )
    def stop(self, again: bool, drain: bool, seconds: float) -> None:  # noqa: FBT001  hypothesis passes them by name
        self.take(Stop(Deadline(self.now + seconds), again, drain))

    @rule()
    def hurry(self) -> None:
        self.hurried = True
        self.take(Hurry())

    @precondition(lambda self: not self.shut)
    @rule(really=st.integers(0, 9))
    def shutdown(self, really: int) -> None:
        if really == 0:
            self.shut = True
            self.take(Shutdown())

    # ------------------------------------------------------------------------------------------ the service

    @precondition(lambda self: self.spawning)
    @rule(works=st.integers(0, 3))
    def spawn(self, works: int) -> None:
        self.spawning = False
        if works:
            self.pid += 1
            self.alive = True
            self.take(Spawned(self.pid))
        else:
            self.take(SpawnFailed("no memory"))

    @precondition(lambda self: self.alive)
    @rule(end=ENDS, left=st.booleans())
    def die(self, end: End, left: bool) -> None:  # noqa: FBT001  hypothesis passes them by name
        self.alive = False
        self.left = left
        self.take(Died(end, left))

    @precondition(lambda self: self.left and not self.alive)
    @rule()
    def gone(self) -> None:
        self.left = False
        self.take(Gone())

    @rule()
    def ready(self) -> None:
        self.take(Ready())

    @rule()
    def seen(self) -> None:
        self.take(Seen("no line matched"))

    @rule(healthy=st.booleans())
    def answer(self, healthy: bool) -> None:  # noqa: FBT001  hypothesis passes it by name
        self.take(Answer(healthy))

    @rule(moment=st.sampled_from(Moment), failed=st.sampled_from(["", "exited with 1"]))
    def hooks_done(self, moment: Moment, failed: str) -> None:
        if moment is self.waited:
            self.waited = None
        self.take(HooksDone(moment, failed))

    @rule(seconds=SHORT)
    def wait(self, seconds: float) -> None:
        """Let time pass, as an attentive loop does: never beyond what has to be done."""
        until = self.now + seconds
        for _ in range(200):
            if self.wake > until:
                break
            self.now = max(self.now, self.wake)
            self.perform(self.life.tick(self.now))
        else:
            raise AssertionError("it wakes up again and again")
        self.now = until

    # ------------------------------------------------------------------------------------ what holds always

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "life"):
            return
        life = self.life
        assert life.state is self.state
        assert life.wake == self.wake
        assert (life.pid != 0) == self.alive
        assert (life.phase in {Phase.SPAWNING, Phase.ABORTING}) == self.spawning
        assert self.alive or not life.ready
        if life.at_rest:
            assert life.wake == math.inf
            assert not self.alive
            assert life.state in {State.STOPPED, State.EXITED, State.FATAL}
        if life.phase is Phase.PAUSED:
            self.check_pause()
        if life.phase in {Phase.TOLD, Phase.KILLED, Phase.FAILING, Phase.PAUSED, Phase.SWEEPING}:
            assert life.wake < math.inf, "nothing would ever happen"

    def check_pause(self) -> None:
        life = self.life
        assert not self.shut
        if life.state is State.BACKOFF:
            pause = life.spec.start.backoff.delay(life.tries)
        else:
            pause = life.spec.restart.backoff.delay(life.row)
            assert 1 <= life.row <= (life.spec.restart.limit or math.inf)
            assert life.restarts >= life.row
        assert life.retry_at == life.wake
        assert life.wake - self.now <= pause + 1e-9

    def teardown(self) -> None:
        """However it has come to this: a stop with a deadline ends it by then, and it stays so."""
        if not hasattr(self, "life"):
            return
        if self.spawning:
            self.spawn(1)
        self.take(Shutdown())
        self.shut = True
        by = self.now + 5.0
        self.take(Stop(Deadline(by)))
        while not self.life.at_rest and self.now < by:
            if self.spawning:
                self.spawn(0)
            self.now = min(self.wake, by)
            self.perform(self.life.tick(self.now))
        if self.life.pid:
            assert self.life.killed_at is not None, "not killed by its deadline"
            assert self.life.killed_at <= by
            self.alive = self.left = False
            self.take(Died(End(signal=Signal(9))))
        elif self.life.phase in {Phase.TOLD, Phase.KILLED, Phase.FAILING, Phase.SWEEPING}:
            assert self.life.killed_at is not None
            self.left = False
            self.take(Gone())
        while not self.life.at_rest:
            assert self.wake <= by, "its hooks are waited for beyond the deadline"
            self.now = max(self.now, self.wake)
            self.perform(self.life.tick(self.now))
        for event in (Start(), Stop(again=True), Hurry(), Ready(), Gone(), HooksDone(Moment.AFTER_STOP)):
            assert self.life.handle(event, self.now + 1) == ()


TestAdversary = Adversary.TestCase
TestAdversary.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
