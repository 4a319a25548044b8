"""endwell.machine.life: a replica's life, as supervisord's clients see it and Docker's policies want it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from endwell.machine.effect import Announce, Cancel, Kill, Run, Send, Spawn, WakeAt
from endwell.machine.event import (
    EVENTS,
    TIMERS,
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
from endwell.machine.life import TABLE, ImpossibleError, Life
from endwell.machine.replica import Course, Phase
from endwell.machine.state import ARROWS, State
from endwell.model.process import End
from endwell.model.readiness import Health, Means, Readiness, Unhealthy
from endwell.model.restart import (
    AT_ONCE,
    AT_ONCE_AT_FIRST,
    SUPERVISORD,
    Restart,
    RestartPolicy,
    StartPolicy,
    docker,
)
from endwell.model.service import Hook, Hooks, ServiceSpec
from endwell.model.signals import CONT, QUIT, TERM, Signal
from endwell.model.stopping import Audience, Deadline
from endwell.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endwell.machine.effect import Effect
    from endwell.machine.event import Event

OK, BAD, CRASH = End(0), End(3), End(signal=Signal(11))
HOOK = Hook(("hook",), timeout=2.0)


def spec(when: Restart = Restart.NO, limit: int | None = None, **more: object) -> ServiceSpec:
    start, restart = docker(when, limit)
    return replace(ServiceSpec(name="web", command=("web",), start=start, restart=restart), **more)  # type: ignore[arg-type]


def supervisord(when: Restart = Restart.ON_FAILURE, seconds: float = 1.0, retries: int = 3) -> ServiceSpec:
    return spec(
        start=StartPolicy(seconds, retries, SUPERVISORD),
        restart=RestartPolicy(when, backoff=AT_ONCE),
    )


def states(effects: Iterable[Effect]) -> list[State]:
    return [one.state for one in effects if isinstance(one, Announce) and one.state is not one.was]


def running(life: Life, now: float = 0.0, pid: int = 7) -> Life:
    life.handle(Start(), now)
    life.handle(Spawned(pid), now)
    if life.spec.start.seconds:
        life.tick(now + life.spec.start.seconds)
    assert life.state is State.RUNNING
    return life


class TestTable:
    """Every pair is decided: it is in the table, or it is an error that names both."""

    # What is not in a row cannot happen there; everything else must not be missing.
    EVERYWHERE = frozenset({Start, Stop, Hurry, Shutdown, Ready, Seen, Answer, Gone, HooksDone})

    def test_every_phase_has_a_row(self) -> None:
        assert set(TABLE) == set(Phase)

    @pytest.mark.parametrize("phase", Phase)
    def test_what_comes_from_outside_or_late_can_come_at_any_time(self, phase: Phase) -> None:
        assert set(TABLE[phase]) >= self.EVERYWHERE

    @pytest.mark.parametrize("phase", Phase)
    def test_only_where_there_is_a_process_can_one_die(self, phase: Phase) -> None:
        alive = {Phase.STARTING, Phase.FAILING, Phase.RUNNING, Phase.DRAINING, Phase.TOLD, Phase.KILLED}
        assert (Died in TABLE[phase]) == (phase in alive)
        spawning = {Phase.SPAWNING, Phase.ABORTING}
        assert (Spawned in TABLE[phase]) == (SpawnFailed in TABLE[phase]) == (phase in spawning)

    def test_every_event_has_a_place(self) -> None:
        assert {event for row in TABLE.values() for event in row} == set(EVENTS)

    @pytest.mark.parametrize("phase", Phase)
    @pytest.mark.parametrize(
        "event", [Spawned(1), SpawnFailed("no"), Died(OK), *(timer() for timer in TIMERS)]
    )
    def test_a_pair_that_is_not_in_the_table_names_both_and_changes_nothing(
        self, phase: Phase, event: Event
    ) -> None:
        if type(event) in TABLE[phase]:
            return
        life = Life(spec())
        life.phase = phase
        with pytest.raises(ImpossibleError, match=rf"{type(event).__name__} for web: it is {phase.value}"):
            life.handle(event, 1.0)
        assert (life.phase, life.state, life.wake) == (phase, State.STOPPED, math.inf)

    def test_the_numbers_are_those_of_the_remote_interface(self) -> None:
        assert {state.name: state.value for state in State} == {
            "STOPPED": 0,
            "STARTING": 10,
            "RUNNING": 20,
            "BACKOFF": 30,
            "STOPPING": 40,
            "EXITED": 100,
            "FATAL": 200,
            "UNKNOWN": 1000,
        }
        assert set(ARROWS) == set(State)


class TestSupervisord:
    """What its documents and its behavior say."""

    def test_it_runs_when_it_has_lived_for_startsecs(self) -> None:
        life = Life(supervisord())
        effects = life.handle(Start(), 10.0)
        assert states(effects) == [State.STARTING]
        assert effects[-1] == Spawn()
        assert life.handle(Spawned(7), 10.0) == (WakeAt(11.0),)
        assert life.tick(10.99) == ()
        effects = life.tick(11.0)
        assert effects[0] == Announce(
            State.STARTING, State.RUNNING, 7, 0, expected=True, ready=True, healthy=None, why=""
        )
        assert effects[1:] == (WakeAt(math.inf),)

    def test_with_startsecs_0_it_runs_as_soon_as_it_is_spawned(self) -> None:
        life = Life(supervisord(seconds=0))
        life.handle(Start(), 0)
        assert states(life.handle(Spawned(7), 0)) == [State.RUNNING]

    def test_the_nth_retry_waits_for_n_seconds_and_then_it_is_given_up(self) -> None:
        life = Life(supervisord())
        now, seen = 0.0, states(life.handle(Start(), 0.0))
        for n in (1, 2, 3):
            life.handle(Spawned(n), now)
            effects = life.handle(Died(BAD), now + 0.25)
            seen += states(effects)
            assert life.tries == n
            assert life.wake == life.retry_at == now + 0.25 + n
            assert life.spawn_error == "Exited too quickly (process log may have details)"
            assert life.status is None
            now = life.wake
            assert not states(life.tick(now - 0.01))
            seen += states(life.tick(now))
        life.handle(Spawned(4), now)
        seen += states(life.handle(Died(BAD), now + 0.25))
        assert seen == [State.STARTING, State.BACKOFF] * 4 + [State.FATAL]
        assert (life.at_rest, life.failed, life.failure_status, life.wake) == (True, True, 3, math.inf)
        assert states(life.handle(Start(), 100.0)) == [State.STARTING]
        assert (life.tries, life.failed) == (0, False)

    def test_a_success_makes_the_tries_forgotten(self) -> None:
        life = Life(supervisord())
        life.handle(Start(), 0)
        life.handle(SpawnFailed("no such file", 127), 0)
        assert (life.state, life.tries, life.spawn_error) == (State.BACKOFF, 1, "no such file")
        life.tick(1)
        life.handle(Spawned(7), 1)
        life.tick(2)
        assert (life.state, life.tries) == (State.RUNNING, 0)

    @pytest.mark.parametrize(
        ("when", "end", "again"),
        [
            (Restart.ON_FAILURE, OK, False),
            (Restart.ON_FAILURE, BAD, True),
            (Restart.ON_FAILURE, CRASH, True),
            (Restart.ON_FAILURE, End(), True),
            (Restart.ALWAYS, OK, True),
            (Restart.UNLESS_STOPPED, OK, True),
            (Restart.NO, CRASH, False),
        ],
    )
    def test_a_death_while_running_is_answered_at_once(self, when: Restart, end: End, *, again: bool) -> None:
        life = running(Life(supervisord(when)))
        effects = life.handle(Died(end), 5.0)
        assert states(effects) == [State.EXITED, State.STARTING][: 1 + again]
        exited = next(one for one in effects if isinstance(one, Announce))
        assert (exited.pid, exited.expected) == (7, end == OK)
        assert (Spawn() in effects) == again
        if not again:
            assert life.status == (-1 if end.signal else end.code)
            assert life.completed == (end == OK)

    def test_the_bad_exit_is_told_as_supervisord_tells_it(self) -> None:
        life = running(Life(supervisord(Restart.NO)))
        life.handle(Died(CRASH), 5.0)
        assert (life.status, life.spawn_error, life.failure_status) == (-1, "Bad exit code -1", 139)

    def test_a_death_that_is_reported_before_the_timer_came_is_no_quick_one(self) -> None:
        life = Life(supervisord(Restart.NO))
        life.handle(Start(), 0)
        life.handle(Spawned(7), 0)
        assert states(life.handle(Died(OK), 1.0)) == [State.RUNNING, State.EXITED]

    def test_a_stop_tells_waits_and_kills_again_and_again(self) -> None:
        life = running(Life(replace(supervisord(), stop_timeout=3.0, stop_signal=QUIT)))
        effects = life.handle(Stop(), 5.0)
        assert states(effects) == [State.STOPPING]
        assert effects[1:] == (Send((QUIT,), Audience.MAIN), WakeAt(8.0))
        assert life.tick(7.99) == ()
        assert life.tick(8.0) == (Kill(), WakeAt(11.0))
        assert life.tick(11.0) == (Kill(), WakeAt(14.0))
        effects = life.handle(Died(End(signal=Signal(9))), 11.5)
        assert effects[0] == Announce(
            State.STOPPING,
            State.STOPPED,
            7,
            0,
            expected=True,
            ready=False,
            healthy=None,
            why="ended by SIGKILL",
            end=End(signal=Signal(9)),
        )
        assert (life.status, life.killed_at, life.told_at, life.ended_at) == (-1, 8.0, 5.0, 11.5)
        assert (life.failed, life.at_rest, life.pid) == (False, True, 0)

    def test_how_it_was_stopped_is_known_in_the_next_life(self) -> None:
        life = running(Life(replace(supervisord(), drain=1.0, stop_timeout=3.0)))
        seen = [life.stop]
        life.handle(Stop(), 5.0)
        seen.append(life.stop)  # it is not told yet
        life.tick(6.0)
        seen.append(life.stop)
        life.tick(9.0)
        life.handle(Died(End(signal=Signal(9))), 9.5)
        seen.append(life.stop)
        life.handle(Start(), 10.0)
        life.handle(Spawned(8), 10.0)
        seen.append(life.stop)
        life.handle(Stop(), 20.0)  # it has nothing to drain yet
        seen.append(life.stop)
        course = Course(asked=5.0, told=6.0, killed=9.0, ended=9.5, how="ended by SIGKILL")
        under_way = replace(course, killed=None, ended=None, how="")
        assert seen == [None, None, under_way, course, course, replace(under_way, asked=20.0, told=20.0)]

    def test_a_stop_time_of_nothing_is_no_loop(self) -> None:
        life = running(Life(replace(supervisord(), stop_timeout=0.0)))
        assert life.handle(Stop(), 5.0)[-1] == WakeAt(5.0)
        assert life.tick(5.0) == (Kill(), WakeAt(6.0))

    def test_what_is_due_in_the_instant_that_has_just_come_is_said_again(self) -> None:
        life = running(Life(replace(supervisord(), drain=1.0, stop_timeout=0.0)))
        assert life.handle(Stop(), 5.0)[-1] == WakeAt(6.0)
        assert life.tick(6.0) == (Send((TERM,), Audience.MAIN), WakeAt(6.0))
        assert life.tick(6.0) == (Kill(), WakeAt(7.0))

    def test_the_group_is_told_if_it_says_so(self) -> None:
        life = running(Life(replace(supervisord(), stop_group=True)))
        assert Send((TERM,), Audience.GROUP) in life.handle(Stop(), 5.0)

    def test_a_stop_in_backoff_is_done_at_once_and_a_shutdown_gives_up(self) -> None:
        for event, state in ((Stop(), State.STOPPED), (Shutdown(), State.FATAL)):
            life = Life(supervisord())
            life.handle(Start(), 0)
            life.handle(SpawnFailed("no"), 0)
            assert states(life.handle(event, 0.5)) == [state]
            assert (life.at_rest, life.wake, life.retry_at) == (True, math.inf, None)

    def test_after_the_shutdown_nothing_is_started(self) -> None:
        life = running(Life(supervisord(Restart.ALWAYS)))
        assert life.handle(Shutdown(), 5.0) == ()
        assert states(life.handle(Died(BAD), 6.0)) == [State.EXITED]
        assert life.handle(Start(), 7.0) == ()
        assert life.handle(Stop(again=True), 7.0) == ()


class TestDocker:
    """The restart policies of docker run, and their pauses."""

    def test_the_pause_doubles_up_to_a_minute(self) -> None:
        life = Life(spec(Restart.ALWAYS))
        life.handle(Start(), 0)
        now, pauses = 0.0, []
        for _ in range(12):
            life.handle(Spawned(7), now)
            life.handle(Died(OK), now + 1)
            assert life.state is State.EXITED
            pauses.append(round(life.wake - now - 1, 6))
            now = life.wake
            life.tick(now)
        assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60, 60]
        assert life.restarts == 12

    def test_ten_seconds_of_life_make_it_forgotten(self) -> None:
        life = Life(spec(Restart.ON_FAILURE, 2))
        life.handle(Start(), 0)
        now = 0.0
        for lived, again in ((1, True), (1, True), (10, True), (9.99, True), (1, False)):
            life.handle(Spawned(7), now)
            life.handle(Died(BAD), now + lived)
            assert (life.phase is Phase.PAUSED) == again
            now = life.wake
            life.tick(now)
        assert (life.state, life.failed, life.restarts) == (State.EXITED, True, 4)

    def test_jitter_shortens_the_pause_by_chance(self) -> None:
        policy = RestartPolicy(Restart.ALWAYS, backoff=replace(AT_ONCE, first=1.0, jitter=0.5))
        life = running(Life(spec(restart=policy)))
        life.handle(Died(OK), 20.0, chance=1.0)
        assert life.wake == 20.5

    def test_a_loop_at_once_is_braked(self) -> None:
        policy = RestartPolicy(Restart.ALWAYS, backoff=AT_ONCE_AT_FIRST, reset_after=1.0)
        life = running(Life(spec(restart=policy)))
        now, starts = 0.0, 0
        while now < 100:
            life.handle(Died(BAD), now)
            now = life.wake if life.phase is Phase.PAUSED else now
            life.tick(now)
            life.handle(Spawned(7), now)
            starts += 1
        assert 100 <= starts < 125
        life.handle(Died(BAD), now + 1.0)
        assert life.phase is Phase.SPAWNING

    def test_a_stop_by_hand_disables_the_restart(self) -> None:
        life = running(Life(spec(Restart.ALWAYS)))
        life.handle(Stop(), 1.0)
        life.handle(Died(BAD), 2.0)
        assert (life.state, life.at_rest, life.failed) == (State.STOPPED, True, False)
        life = running(Life(spec(Restart.ALWAYS)))
        life.handle(Died(BAD), 2.0)
        assert life.handle(Stop(), 2.05) == (WakeAt(math.inf),)
        assert (life.state, life.at_rest) == (State.EXITED, True)

    def test_no_means_that_a_start_is_tried_once(self) -> None:
        life = Life(spec(Restart.NO))
        life.handle(Start(), 0)
        life.handle(SpawnFailed("no such file", 127), 0)
        assert (life.state, life.failure_status) == (State.FATAL, 127)


class TestReadiness:
    """RUNNING means that it can be used."""

    READY = Readiness(Means.NOTIFY, timeout=5.0)

    def test_it_starts_until_it_is_ready(self) -> None:
        life = Life(spec(ready=self.READY))
        life.handle(Start(), 0)
        assert life.handle(Spawned(7), 0) == (WakeAt(5.0),)
        assert (life.state, life.started, life.ready) == (State.STARTING, True, False)
        assert states(life.handle(Ready(), 1)) == [State.RUNNING]
        assert (life.ready, life.wake) == (True, math.inf)
        assert life.handle(Ready(), 2) == ()

    def test_ready_early_waits_until_it_has_lived_long_enough(self) -> None:
        life = Life(spec(ready=self.READY, start=StartPolicy(2.0)))
        life.handle(Start(), 0)
        life.handle(Spawned(7), 0)
        effects = life.handle(Ready(), 1)
        assert states(effects) == []
        assert any(isinstance(one, Announce) and one.ready for one in effects)
        assert states(life.tick(2)) == [State.RUNNING]

    def test_not_ready_in_time_is_a_failed_start(self) -> None:
        life = Life(spec(ready=self.READY, stop_timeout=3.0, start=StartPolicy(retries=1)))
        life.handle(Start(), 0)
        life.handle(Spawned(7), 0)
        assert life.handle(Seen("connection refused"), 1) == life.handle(Seen("HTTP 503"), 2) == ()
        assert life.tick(5) == (Send((TERM,), Audience.MAIN), WakeAt(8.0))
        assert (life.state, life.phase) == (State.STARTING, Phase.FAILING)
        assert life.handle(Seen("no such file"), 6) == ()
        assert life.tick(8)[0] == Kill()
        effects = life.handle(Died(End(signal=Signal(9)), left=True), 8.5)
        assert states(effects) == []
        assert life.tick(11)[0] == Kill()
        assert states(life.handle(Gone(), 11.5)) == [State.BACKOFF]
        assert life.spawn_error == "not ready after 5s (notify): HTTP 503"
        assert life.wake == pytest.approx(11.6)

    def test_what_one_life_has_shown_says_nothing_about_the_next(self) -> None:
        life = Life(spec(ready=self.READY, start=StartPolicy(retries=1)))
        life.handle(Start(), 0)
        life.handle(Spawned(7), 0)
        life.handle(Seen("HTTP 503"), 1)
        life.handle(Died(End(code=1)), 2)
        life.tick(3)
        life.handle(Spawned(8), 3)
        life.tick(8)
        assert life.why == "not ready after 5s (notify): READY=1 did not come"

    def test_a_stop_meanwhile_keeps_the_time_that_has_passed(self) -> None:
        life = Life(spec(ready=self.READY, stop_timeout=3.0))
        life.handle(Start(), 0)
        life.handle(Spawned(7), 0)
        life.tick(5)
        assert states(life.handle(Stop(), 6)) == [State.STOPPING]
        assert life.wake == 8.0
        assert states(life.handle(Died(BAD), 7)) == [State.STOPPED]

    def test_an_end_before_it_was_ready_is_a_failed_start(self) -> None:
        life = Life(spec(ready=self.READY))
        life.handle(Start(), 0)
        life.handle(Spawned(7), 0)
        life.handle(Died(BAD), 1)
        assert (life.state, life.spawn_error) == (State.FATAL, "exited with 3 before it was ready")

    def test_one_that_cannot_say_so_is_not_asked(self) -> None:
        life = Life(supervisord())
        life.handle(Start(), 0)
        life.handle(Spawned(7), 0)
        assert life.handle(Ready(), 0.5) == ()


class TestHealth:
    """HEALTHCHECK's counting."""

    HEALTH = Health(Means.TCP, ":80", retries=2, start_period=10.0)

    def test_so_many_bad_answers_in_a_row_restart_it(self) -> None:
        life = running(Life(spec(Restart.ALWAYS, health=self.HEALTH)))
        for now, healthy, state in (
            (1, False, State.RUNNING),
            (2, False, State.RUNNING),
            (3, True, State.RUNNING),
            (4, False, State.RUNNING),
            (5, True, State.RUNNING),
            (6, False, State.RUNNING),
            (7, False, State.STOPPING),
        ):
            life.handle(Answer(healthy), now)
            assert life.state is state
        assert states(life.handle(Died(OK), 8)) == [State.STOPPED]
        assert (life.phase, life.row, life.why) == (Phase.PAUSED, 1, "not healthy: 2 bad answers in a row")
        assert states(life.tick(life.wake)) == [State.STARTING]

    def test_without_a_restart_policy_it_has_failed(self) -> None:
        life = running(Life(spec(health=replace(self.HEALTH, start_period=0, retries=1))))
        life.handle(Answer(healthy=False), 1)
        life.handle(Died(OK), 2)
        assert (life.at_rest, life.failed, life.failure_status) == (True, True, 1)

    def test_a_mark_is_only_a_mark(self) -> None:
        life = running(Life(spec(health=replace(self.HEALTH, then=Unhealthy.MARK))))
        for now in (11, 12, 13):
            effects = life.handle(Answer(healthy=False), now)
            assert bool(effects) == (now == 12)
        assert (life.state, life.healthy) == (State.RUNNING, False)
        assert life.handle(Answer(healthy=True), 14)
        assert life.healthy


class TestStop:
    """Drain, tell, kill, clean up, within one deadline."""

    HOOKS = Hooks(before_stop=(HOOK,), after_stop=(HOOK,))

    def test_the_hooks_and_the_drain_are_waited_for(self) -> None:
        life = running(Life(spec(hooks=self.HOOKS, drain=1.0)))
        effects = life.handle(Stop(), 10.0)
        assert effects[0] == Announce(
            State.RUNNING, State.STOPPING, 7, 0, expected=True, ready=False, healthy=None, why=""
        )
        assert effects[1:] == (Run(Moment.BEFORE_STOP, (HOOK,), Deadline(12.0)), WakeAt(11.0))
        assert life.tick(11.0) == (WakeAt(12.0),)
        assert life.handle(HooksDone(Moment.AFTER_START), 11.2) == ()
        assert life.handle(HooksDone(Moment.BEFORE_STOP), 11.5)[0] == Send((TERM,), Audience.MAIN)
        effects = life.handle(Died(OK), 12.0)
        assert effects[1:] == (Run(Moment.AFTER_STOP, (HOOK,), Deadline(14.0)), WakeAt(14.0))
        assert (life.state, life.at_rest) == (State.STOPPED, False)
        assert life.handle(HooksDone(Moment.AFTER_STOP), 13.0) == (WakeAt(math.inf),)
        assert life.at_rest

    def test_hooks_that_take_too_long_are_not_waited_for(self) -> None:
        life = running(Life(spec(hooks=self.HOOKS)))
        life.handle(Stop(), 10.0)
        assert life.tick(12.0)[:2] == (Cancel(Moment.BEFORE_STOP), Send((TERM,), Audience.MAIN))
        life.handle(Died(OK), 13.0)
        assert life.tick(15.0) == (Cancel(Moment.AFTER_STOP), WakeAt(math.inf))

    def test_what_does_not_fit_is_cut_in_proportion(self) -> None:
        life = running(Life(spec(hooks=self.HOOKS, stop_timeout=4.0)))
        life.handle(Stop(by=Deadline(14.0)), 10.0)  # 2 + 4 + 2 in 4 s
        assert life.wake == 11.0
        life.tick(11.0)
        assert life.wake == 13.0
        assert Kill() in life.tick(13.0)
        life.handle(Died(OK), 13.5)
        assert life.wake == 14.0

    def test_what_is_not_needed_is_left_to_those_after_it(self) -> None:
        life = running(Life(spec(hooks=self.HOOKS, stop_timeout=4.0)))
        life.handle(Stop(by=Deadline(16.0)), 10.0)
        life.handle(HooksDone(Moment.BEFORE_STOP), 10.0)
        assert life.wake == 14.0

    def test_an_earlier_deadline_cuts_what_is_under_way(self) -> None:
        life = running(Life(spec(hooks=self.HOOKS, stop_timeout=4.0)))
        life.handle(Stop(), 10.0)
        life.handle(Stop(by=Deadline(14.0)), 10.0)
        assert life.wake == 11.0
        life.tick(11.0)
        life.handle(Stop(by=Deadline(12.5)), 11.0)
        assert life.wake == pytest.approx(11.75)
        life.handle(Stop(by=Deadline(99.0)), 11.0)
        assert life.wake == pytest.approx(11.75)
        life.handle(Died(OK), 11.5)
        assert life.wake == 12.5

    def test_no_time_at_all(self) -> None:
        life = running(Life(spec(hooks=self.HOOKS, drain=1.0)))
        effects = life.handle(Stop(by=Deadline(9.0)), 10.0)
        assert effects[1:] == (Send((TERM,), Audience.MAIN), WakeAt(10.0))
        assert life.tick(10.0)[0] == Kill()
        life.handle(Died(OK), 10.1)
        assert life.at_rest

    def test_a_hurry_takes_the_next_step(self) -> None:
        life = running(Life(spec(hooks=self.HOOKS, drain=9.0)))
        life.handle(Stop(), 10.0)
        assert life.handle(Hurry(), 10.5)[:2] == (Cancel(Moment.BEFORE_STOP), Send((TERM,), Audience.MAIN))
        assert life.handle(Hurry(), 10.6)[0] == Kill()
        assert life.handle(Hurry(), 10.7) == ()
        life.handle(Died(OK), 11)
        assert life.handle(Hurry(), 11.1) == (Cancel(Moment.AFTER_STOP), WakeAt(math.inf))
        assert life.handle(Hurry(), 11.2) == ()

    def test_without_drain_it_is_told_at_once(self) -> None:
        for first in (Stop(drain=False), Stop()):
            life = running(Life(spec(hooks=self.HOOKS)))
            effects = [*life.handle(first, 10.0), *life.handle(Stop(drain=False), 10.0)]
            assert effects.count(Send((TERM,), Audience.MAIN)) == 1
            assert life.phase is Phase.TOLD

    def test_those_it_leaves_behind_are_told_and_killed(self) -> None:
        life = running(Life(spec(stop_timeout=3.0)))
        life.handle(Stop(), 10.0)
        assert life.handle(Died(OK, left=True), 11.0) == (Send((TERM, CONT), Audience.TREE),)
        assert (life.state, life.pid) == (State.STOPPING, 0)
        assert life.tick(13.0)[0] == Kill()
        effects = life.handle(Gone(), 13.1)
        assert states(effects) == [State.STOPPED]
        assert next(one for one in effects if isinstance(one, Announce)).pid == 7

    def test_one_that_ends_while_it_drains_is_not_told_any_more(self) -> None:
        for left in (False, True):
            life = running(Life(spec(hooks=self.HOOKS)))
            life.handle(Stop(), 10.0)
            effects = life.handle(Died(OK, left=left), 10.5)
            assert Cancel(Moment.BEFORE_STOP) in effects
            assert Send((TERM,), Audience.MAIN) not in effects
            assert (Send((TERM, CONT), Audience.TREE) in effects) == left
            assert life.told_at == (10.5 if left else None)

    def test_those_whom_sigkill_leaves_behind_are_not_told_but_killed(self) -> None:
        life = running(Life(spec(stop_timeout=3.0)))
        life.handle(Stop(), 10.0)
        life.tick(13.0)
        assert life.handle(Died(OK, left=True), 13.1) == ()
        assert life.tick(16.0)[0] == Kill()

    def test_gone_before_the_process_is_nothing(self) -> None:
        life = running(Life(spec()))
        life.handle(Stop(), 10.0)
        assert life.handle(Gone(), 10.5) == ()

    def test_a_restart_by_hand(self) -> None:
        life = running(Life(spec()))
        life.handle(Stop(again=True), 10.0)
        assert states(life.handle(Died(OK), 11.0)) == [State.STOPPED, State.STARTING]
        life.handle(Spawned(8), 11.0)
        life.handle(Stop(), 12.0)
        life.handle(Start(), 12.5)
        assert states(life.handle(Died(OK), 13.0)) == [State.STOPPED, State.STARTING]
        life.handle(Spawned(9), 13.0)
        life.handle(Stop(again=True), 14.0)
        life.handle(Stop(), 14.0)
        assert states(life.handle(Died(OK), 15.0)) == [State.STOPPED]
        assert states(life.handle(Stop(again=True), 16.0)) == [State.STARTING]

    def test_a_stop_while_it_is_spawned(self) -> None:
        life = Life(spec())
        life.handle(Start(), 0)
        assert states(life.handle(Stop(), 0)) == [State.STOPPING]
        assert life.handle(Spawned(7), 0)[0] == Send((TERM,), Audience.MAIN)
        assert states(life.handle(Died(OK), 0)) == [State.STOPPED]
        life.handle(Start(), 1)
        life.handle(Stop(), 1)
        assert states(life.handle(SpawnFailed("no"), 1)) == [State.STOPPED]
        assert (life.at_rest, life.failed) == (True, False)


class TestStartHooks:
    """before-start and after-start."""

    def test_it_is_spawned_when_they_are_done(self) -> None:
        life = Life(spec(hooks=Hooks(before_start=(HOOK,), after_start=(HOOK,))))
        effects = life.handle(Start(), 0)
        assert effects[1:] == (Run(Moment.BEFORE_START, (HOOK,), Deadline(2.0)), WakeAt(2.0))
        assert Spawn() in life.handle(HooksDone(Moment.BEFORE_START), 1)
        assert Run(Moment.AFTER_START, (HOOK,), Deadline(3.0)) in life.handle(Spawned(7), 1)
        assert life.handle(HooksDone(Moment.AFTER_START, "exited with 1"), 2) == ()

    def test_one_that_fails_or_is_late_is_a_failed_start(self) -> None:
        life = Life(spec(hooks=Hooks(before_start=(HOOK,), after_stop=(HOOK,))))
        life.handle(Start(), 0)
        life.handle(HooksDone(Moment.BEFORE_START, "hook exited with 1"), 1)
        assert (life.state, life.at_rest, life.spawn_error) == (State.FATAL, True, "hook exited with 1")
        life.handle(Start(), 5)
        effects = life.tick(7)
        assert effects[0] == Cancel(Moment.BEFORE_START)
        assert states(effects) == [State.BACKOFF, State.FATAL]

    @pytest.mark.parametrize("event", [Stop(), Shutdown()])
    def test_a_stop_before_there_is_a_process(self, event: Event) -> None:
        life = Life(spec(hooks=Hooks(before_start=(HOOK,))))
        life.handle(Start(), 0)
        effects = life.handle(event, 1)
        assert Cancel(Moment.BEFORE_START) in effects
        assert states(effects) == [State.STOPPING, State.STOPPED]
        assert life.at_rest

    def test_while_the_after_stop_hooks_run_nothing_is_started(self) -> None:
        life = running(Life(spec(Restart.ALWAYS, hooks=Hooks(after_stop=(HOOK,)))))
        assert Run(Moment.AFTER_STOP, (HOOK,), Deadline(22.0)) in life.handle(Died(BAD), 20.0)
        assert life.tick(20.1) == ()
        assert Spawn() in life.handle(HooksDone(Moment.AFTER_STOP), 21.0)

    @pytest.mark.parametrize(
        ("event", "state", "again"),
        [
            (Stop(), State.EXITED, False),
            (Shutdown(), State.EXITED, False),
            (Start(), State.STARTING, True),
            (Stop(again=True), State.STARTING, True),
        ],
    )
    def test_what_is_asked_meanwhile_is_done_afterwards(
        self, event: Event, state: State, *, again: bool
    ) -> None:
        life = running(Life(spec(Restart.ALWAYS, hooks=Hooks(after_stop=(HOOK,)))))
        life.handle(Died(BAD), 20.0)
        life.handle(event, 20.5)
        assert life.phase is Phase.CLEANING
        assert (Spawn() in life.handle(HooksDone(Moment.AFTER_STOP), 21.0)) == again
        assert life.state is state


class TestLeftBehind:
    """Others who outlive the process: not the service any more, but its own until it is stopped."""

    TELL = Send((TERM, CONT), Audience.TREE)

    def left(self, when: Restart = Restart.NO, hooks: Hooks = Hooks()) -> Life:  # noqa: B008  a value
        life = running(Life(spec(when, stop_timeout=3.0, hooks=hooks)))
        life.handle(Died(OK, left=True), 20.0)
        return life

    def test_it_does_not_count_as_running(self) -> None:
        life = self.left()
        assert (life.state, life.at_rest, life.clear, life.completed) == (State.EXITED, True, False, True)
        assert life.handle(Gone(), 30.0) == ()
        assert life.clear

    def test_a_stop_tells_them_and_kills_them_in_their_time(self) -> None:
        life = self.left()
        effects = life.handle(Stop(), 21.0)
        assert effects == (self.TELL, WakeAt(24.0))
        assert (life.phase, life.state, life.told_at) == (Phase.SWEEPING, State.EXITED, 21.0)
        assert Kill() in life.tick(24.0)
        assert life.handle(Gone(), 24.1) == (WakeAt(math.inf),)
        assert (life.clear, life.killed_at) == (True, 24.0)

    def test_who_is_in_a_hurry_kills_them_once(self) -> None:
        life = self.left()
        life.handle(Stop(), 21.0)
        assert Kill() in life.handle(Hurry(), 21.5)
        assert life.handle(Hurry(), 21.6) == ()

    def test_the_deadline_cuts_their_time(self) -> None:
        life = self.left()
        assert WakeAt(22.0) in life.handle(Stop(Deadline(22.0)), 21.0)
        assert WakeAt(21.5) in life.handle(Stop(Deadline(21.5)), 21.0)

    @pytest.mark.parametrize("event", [Start(), Stop(again=True)])
    def test_what_is_asked_to_run_meanwhile_runs_afterwards(self, event: Event) -> None:
        life = self.left()
        life.handle(Stop(), 21.0)
        assert life.handle(event, 22.0) == ()
        assert Spawn() in life.handle(Gone(), 23.0)

    def test_a_restart_by_the_policy_ends_nobody_here(self) -> None:
        life = self.left(Restart.ALWAYS)
        assert Spawn() in life.tick(21.0)
        assert life.left
        life.handle(Spawned(8), 22.0)
        assert not life.left

    @pytest.mark.parametrize("event", [SpawnFailed("no"), Gone()])
    def test_one_that_is_not_wanted_any_more_sweeps_when_it_has_come_to_that(self, event: Event) -> None:
        life = self.left(Restart.ALWAYS)
        life.tick(21.0)
        life.handle(Stop(), 21.5)
        assert life.phase is Phase.ABORTING
        left = isinstance(event, SpawnFailed)
        effects = life.handle(event, 22.0)
        assert (self.TELL in effects) == left
        assert life.phase is (Phase.SWEEPING if left else Phase.ABORTING)

    def test_the_after_stop_hooks_come_first(self) -> None:
        life = self.left(hooks=Hooks(after_stop=(HOOK,)))
        assert life.handle(Stop(), 20.5) == ()
        assert self.TELL in life.handle(HooksDone(Moment.AFTER_STOP), 21.0)

    def test_the_end_of_everything_waits_for_its_turn(self) -> None:
        life = self.left()
        assert life.handle(Shutdown(), 21.0) == ()
        assert self.TELL in life.handle(Stop(Deadline(30.0)), 22.0)
        life.handle(Gone(), 22.5)
        assert life.handle(Start(), 23.0) == ()

    def test_one_that_is_not_started_in_time_leaves_them_too(self) -> None:
        life = Life(supervisord(retries=0))
        life.handle(Start(), 0)
        life.handle(Spawned(7), 0)
        assert states(life.handle(Died(OK, left=True), 0.5)) == [State.BACKOFF, State.FATAL]
        assert self.TELL in life.handle(Stop(), 1.0)
