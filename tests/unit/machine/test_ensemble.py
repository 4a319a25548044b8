"""endwell.machine.ensemble and machine.ending: who starts when, what follows from what, and the end."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings, strategies as st

from endwell.machine.budget import Budget
from endwell.machine.ending import Step
from endwell.machine.event import Start
from endwell.machine.replica import Phase
from endwell.machine.state import State
from endwell.model.project import ExitWhen, Project, When
from endwell.model.readiness import Condition, Dependency, Means, Readiness
from endwell.model.restart import Restart, StartPolicy, docker
from endwell.model.service import Hook, Hooks, ServiceSpec
from endwell.model.stopping import StopPlan
from endwell.records import replace
from tests.unit.machine.test_order import acyclic
from tests.unit.machine.world import Manner, World

READY = Readiness(Means.NOTIFY)
STUBBORN = Manner(obeys=math.inf)


def spec(name: str, *after: str, when: Restart = Restart.NO, **more: object) -> ServiceSpec:
    """Make a service; `after` as in compose: `db`, `db ready`, `job completed`."""
    start, restart = docker(when)
    needs = tuple(
        Dependency(service, Condition(condition or "started"))
        for service, _, condition in (one.partition(" ") for one in after)
    )
    return replace(ServiceSpec(name=name, command=("x",), after=needs, start=start, restart=restart), **more)  # type: ignore[arg-type]


def began(*services: ServiceSpec, manners: dict[str, Manner] | None = None, **more: object) -> World:
    world = World(Project(services=services, **more), manners)  # type: ignore[arg-type]
    world.do(world.ensemble.start(None, world.now))
    return world


def state(world: World, name: str, index: int = 0) -> State:
    return world.ensemble.lives[name, index].state


class TestStart:
    """`after`, and what becomes of those who wait in vain."""

    def test_each_waits_for_what_it_says(self) -> None:
        world = began(
            spec("web", "db ready", "migrate completed"),
            spec("db", ready=READY),
            spec("migrate", "db started"),
            manners={"db": Manner(ready=5), "migrate": Manner(lives=2), "web": Manner()},
        )
        world.run(0)
        assert {name for name, _ in world.ensemble.waiting} == {"web"}
        assert state(world, "migrate") is State.RUNNING
        why = world.ensemble.why_waiting(("web", 0))
        assert why == "it waits for db to be ready and for migrate to be completed"
        world.run(4)
        assert world.ensemble.why_waiting(("web", 0)) == "it waits for db to be ready"
        world.run(1)
        assert state(world, "web") is State.RUNNING
        assert not world.ensemble.waiting

    def test_priority_orders_and_does_not_wait(self) -> None:
        world = World(Project(services=(spec("b", priority=5), spec("a", priority=1), spec("c", "a"))))
        acts = world.ensemble.start(None, world.now)
        assert list(dict.fromkeys(act.key[0] for act in acts if act.key)) == ["a", "b"]

    def test_all_replicas_have_to_be_there(self) -> None:
        db = [spec("db", index=index, replicas=2, ready=READY) for index in (0, 1)]
        world = began(*db, spec("web", "db ready"), manners={"db": Manner(ready=1)})
        world.run(0.5)
        assert state(world, "web") is State.STOPPED
        world.run(1)
        assert state(world, "web") is State.RUNNING

    def test_who_waits_for_what_has_failed_is_refused_with_the_reason(self) -> None:
        world = began(
            spec("job"),
            spec("web", "job completed"),
            spec("tail", "web"),
            manners={"job": Manner(lives=1, status=3)},
        )
        world.run(2)
        assert world.refused == {
            ("web", 0): "it waits for job to be completed, which has failed: exited with 3",
            ("tail", 0): "it waits for web, which is not started: "
            "it waits for job to be completed, which has failed: exited with 3",
        }
        assert world.ensemble.why_waiting(("web", 0)) == world.refused["web", 0]
        world.manners["job"] = Manner(lives=1)
        world.do(world.ensemble.start([("job", 0)], world.now))
        world.run(2)
        assert state(world, "web") is state(world, "tail") is State.RUNNING
        assert not world.ensemble.refused

    @pytest.mark.parametrize(
        ("need", "manner", "why"),
        [
            ("db started", Manner(spawns=False), "to be started, which has failed: no such file"),
            ("db ready", Manner(lives=1), "to be ready, which has ended: exited with 0"),
        ],
    )
    def test_other_ways_to_wait_in_vain(self, need: str, manner: Manner, why: str) -> None:
        world = began(spec("db"), spec("last", need, "db completed"), manners={"db": manner})
        world.run(2)
        if need == "db ready":
            assert state(world, "last") is State.STOPPED
        assert why in world.refused["last", 0]

    def test_a_start_takes_along_those_that_are_needed_but_no_finished_one_shot(self) -> None:
        world = began(
            spec("web", "db", "job completed", autostart=False),
            spec("db", autostart=False),
            spec("job"),
            manners={"job": Manner(lives=1)},
        )
        world.run(2)
        assert (state(world, "web"), state(world, "db")) == (State.STOPPED, State.STOPPED)
        world.do(world.ensemble.start([("web", 0)], world.now))
        world.run(1)
        assert state(world, "web") is state(world, "db") is State.RUNNING
        assert world.log("job").count("spawned") == 1

    def test_a_start_ends_a_pause(self) -> None:
        world = began(spec("a", when=Restart.ALWAYS), manners={"a": Manner(lives=1)})
        world.run(1.05)
        assert world.ensemble.lives["a", 0].phase is Phase.PAUSED
        world.do(world.ensemble.start([("a", 0)], world.now))
        world.run(0)
        assert world.log("a").count("spawned") == 2

    def test_a_stop_stops_those_and_nobody_else(self) -> None:
        world = began(spec("web", "db"), spec("db"), spec("late", "web completed"))
        world.run(1)
        world.do(world.ensemble.stop([("db", 0), ("late", 0)], world.now))
        world.run(1)
        assert (state(world, "db"), state(world, "web")) == (State.STOPPED, State.RUNNING)
        assert not world.ensemble.waiting


class TestRestart:
    """Replica by replica."""

    def three(self, **manner: float) -> World:
        services = [spec("web", index=index, replicas=3, ready=READY) for index in range(3)]
        world = began(*services, manners={"web": Manner(ready=1, obeys=1, **manner)})  # type: ignore[arg-type]
        world.run(1)
        return world

    def test_never_more_than_one_is_away(self) -> None:
        world = self.three()
        world.do(world.ensemble.restart(world.ensemble.lives, world.now))
        for _ in range(24):
            assert sum(not life.ready for life in world.ensemble.lives.values()) <= 1
            world.run(0.25)
        assert world.log("web").count("spawned") == 6
        assert world.rolled == [(("web", 2), ())]

    def test_when_one_does_not_come_back_the_others_are_left_alone(self) -> None:
        world = self.three()
        world.manners["web"] = replace(world.manners["web"], spawns=False)
        world.do(world.ensemble.restart(world.ensemble.lives, world.now))
        world.run(10)
        assert world.rolled == [(("web", 0), (("web", 1), ("web", 2)))]
        assert [state(world, "web", index) for index in range(3)] == [State.FATAL, *[State.RUNNING] * 2]

    def test_a_stop_by_hand_ends_it(self) -> None:
        world = self.three()
        world.do(world.ensemble.restart(world.ensemble.lives, world.now))
        world.do(world.ensemble.stop([("web", 0)], world.now))
        world.run(10)
        assert world.log("web").count("spawned") == 3

    def test_one_that_is_at_rest_is_started(self) -> None:
        world = began(spec("a", autostart=False), spec("b"))
        world.run(1)
        world.do(world.ensemble.restart([("a", 0), ("b", 0)], world.now))
        world.run(1)
        assert (world.log("a").count("spawned"), world.log("b").count("spawned")) == (1, 2)


class TestExitWhen:
    """The container ends with the status of who decided it."""

    ENDS = {"good": Manner(lives=1), "bad": Manner(lives=2, status=3), "worse": Manner(lives=3, status=4)}  # noqa: RUF012  a constant

    @pytest.mark.parametrize(
        ("when", "names", "status", "why"),
        [
            (ExitWhen(When.ANY_FAILS), "good bad worse", 3, "bad has failed: exited with 3"),
            (ExitWhen(When.ANY_FAILS), "good", None, ""),
            (ExitWhen(When.ANY_EXITS), "good bad", 0, "good has exited"),
            (ExitWhen(When.ANY_EXITS), "bad worse stays", 3, "bad has failed: exited with 3"),
            (ExitWhen(When.ANY_EXITS), "stays", None, ""),
            (ExitWhen(When.ALL_EXIT), "good bad worse", 3, "bad has failed: exited with 3"),
            (ExitWhen(When.ALL_EXIT), "good", 0, "all services have exited"),
            (ExitWhen(When.ALL_EXIT), "good stays", None, ""),
            (
                ExitWhen(When.SERVICE_EXITS, "worse"),
                "good bad worse stays",
                4,
                "worse has failed: exited with 4",
            ),
            (ExitWhen(When.SERVICE_EXITS, "good"), "good bad", 0, "good has exited"),
            (ExitWhen(When.SERVICE_EXITS, "stays"), "bad stays", None, ""),
            (ExitWhen(), "bad", None, ""),
        ],
    )
    def test_when(self, when: ExitWhen, names: str, status: int | None, why: str) -> None:
        world = began(*map(spec, names.split()), manners=self.ENDS, exit_when=when)
        world.run(20)
        if status is None:
            assert world.outcome is None
            assert world.over is None
        else:
            assert world.outcome == (status, why)
            assert world.over is not None

    def test_the_policy_has_its_say_first(self) -> None:
        services = spec("bad", when=Restart.ON_FAILURE), spec("stays")
        world = began(*services, manners=self.ENDS, exit_when=ExitWhen(When.ANY_FAILS))
        world.run(20)
        assert world.outcome is None

    def test_one_that_others_wait_for_may_complete(self) -> None:
        services = spec("good"), spec("stays", "good completed")
        world = began(*services, manners=self.ENDS, exit_when=ExitWhen(When.ANY_EXITS))
        world.run(20)
        assert world.outcome is None
        assert state(world, "stays") is State.RUNNING

    def test_one_that_is_not_ready_in_time_has_failed_by_itself_although_it_was_told_to_end(self) -> None:
        ready = Readiness(Means.NOTIFY, timeout=1.0)
        manner = Manner(ready=math.inf, status=143)
        services = [spec("slow", ready=ready, start=StartPolicy(retries=0))]
        world = began(*services, manners={"slow": manner}, exit_when=ExitWhen(When.ANY_FAILS))
        world.run(20)
        assert world.outcome == (1, "slow has failed: not ready after 1s (notify): READY=1 did not come")

    def test_a_stop_by_hand_is_no_end(self) -> None:
        world = began(spec("a"), exit_when=ExitWhen(When.SERVICE_EXITS, "a"))
        world.run(1)
        world.do(world.ensemble.stop([("a", 0)], world.now))
        world.run(1)
        assert state(world, "a") is State.STOPPED
        assert world.outcome is None

    def test_who_is_refused_is_not_waited_for(self) -> None:
        services = spec("bad"), spec("web", "bad completed")
        world = began(*services, manners=self.ENDS, exit_when=ExitWhen(When.ALL_EXIT))
        world.run(5)
        assert world.outcome == (3, "bad has failed: exited with 3")

    def test_who_still_waits_is_waited_for(self) -> None:
        services = spec("good"), spec("bad", "good completed")
        world = began(*services, manners=self.ENDS, exit_when=ExitWhen(When.ALL_EXIT))
        world.run(5)
        assert world.outcome == (3, "bad has failed: exited with 3")


class TestEnd:
    """One budget for everybody."""

    def test_each_is_told_when_those_who_need_it_have_ended(self) -> None:
        world = began(
            spec("web", "app"),
            spec("app", "db"),
            spec("db"),
            spec("cron"),
            manners={"web": Manner(obeys=1), "app": Manner(obeys=2), "cron": Manner(obeys=0.5)},
        )
        world.run(1)
        begin = world.now
        world.do(world.ensemble.shutdown(begin))
        world.run(10)
        told = {key[0]: (guest.told or 0) - begin for key, guest in world.guests.items()}
        assert told == {"web": 0, "cron": 0, "app": 1, "db": 3}
        assert world.over_at == begin + 3
        assert world.over is not None
        assert not world.over.late
        assert "killed" not in world.log("web")

    def test_by_priority_each_is_told_when_the_higher_ones_have_ended(self) -> None:
        numbers = {"web": 20, "app": 5, "cron": 5, "db": 1}
        world = began(
            *(spec(name, priority=number) for name, number in numbers.items()),
            manners={"web": Manner(obeys=1), "app": Manner(obeys=2), "cron": Manner(obeys=0.5)},
            stop_by_priority=True,
        )
        world.run(1)
        begin = world.now
        world.do(world.ensemble.shutdown(begin))
        world.run(10)
        told = {key[0]: (guest.told or 0) - begin for key, guest in world.guests.items()}
        assert told == {"web": 0, "app": 1, "cron": 1, "db": 3}
        assert world.over_at == begin + 3

    def test_by_priority_who_hangs_leaves_the_others_their_share(self) -> None:
        world = began(
            *(spec(name, priority=number) for name, number in (("web", 3), ("app", 2), ("db", 1))),
            manners={"web": STUBBORN, "app": Manner(obeys=1.5), "db": Manner(obeys=1.5)},
            stop_by_priority=True,
        )
        world.run(1)
        begin = world.now
        world.do(world.ensemble.shutdown(begin))
        world.run(20)
        killed = {key[0]: guest.killed for key, guest in world.guests.items()}
        assert killed == {"web": pytest.approx(begin + 9.5 * 2 / 3), "app": None, "db": None}

    def test_by_priority_who_is_slow_is_waited_for_as_supervisord_does(self) -> None:
        world = began(
            *(spec(name, priority=number) for name, number in (("web", 3), ("app", 2), ("db", 1))),
            manners={"web": Manner(obeys=6)},
            stop_by_priority=True,
        )
        world.run(1)
        world.do(world.ensemble.shutdown(world.now))
        world.run(20)
        assert not any(guest.killed for guest in world.guests.values())

    def test_by_priority_a_second_signal_does_not_wait_for_the_order(self) -> None:
        world = began(
            spec("web", priority=2), spec("db", priority=1), manners={"web": STUBBORN}, stop_by_priority=True
        )
        world.run(1)
        world.do(world.ensemble.shutdown(world.now))
        world.run(1)
        assert state(world, "db") is State.RUNNING
        world.do(world.ensemble.shutdown(world.now))
        assert state(world, "db") is State.STOPPING

    def test_by_priority_a_stop_by_hand_waits_for_nobody(self) -> None:
        world = began(
            spec("web", priority=2), spec("db", priority=1), manners={"web": STUBBORN}, stop_by_priority=True
        )
        world.run(1)
        world.do(world.ensemble.stop([("db", 0), ("web", 0)], world.now))
        assert state(world, "db") is state(world, "web") is State.STOPPING

    def test_many_end_at_once(self) -> None:
        world = began(*(spec(f"s{number}", priority=number) for number in range(50)), manners={})
        world.run(1)
        world.do(world.ensemble.shutdown(world.now))
        world.run(0)
        assert world.over_at == world.now

    def test_one_whom_somebody_needs_through_one_that_is_gone_still_waits(self) -> None:
        world = began(spec("web", "app"), spec("app", "db"), spec("db"), manners={"web": Manner(obeys=2)})
        world.run(1)
        world.do(world.ensemble.stop([("app", 0)], world.now))
        world.run(1)
        world.do(world.ensemble.shutdown(world.now))
        world.run(1)
        assert state(world, "db") is State.RUNNING
        world.run(1)
        assert state(world, "db") is State.STOPPED

    def test_the_deaf_are_killed_within_their_share_and_the_others_have_theirs(self) -> None:
        services = spec("web", "db", stop_timeout=10), spec("db", stop_timeout=28)
        world = began(*services, manners={"web": STUBBORN, "db": STUBBORN})
        world.run(1)
        begin = world.now
        world.do(world.ensemble.shutdown(begin))
        world.run(20)
        assert [(guest.told, guest.killed) for guest in world.guests.values()] == [
            (begin, begin + 2.5),
            (begin + 2.5, begin + 9.5),
        ]
        assert world.over_at == pytest.approx(begin + 9.5)

    def test_who_cannot_even_be_killed_holds_nobody_up(self) -> None:
        services = spec("web", "db", stop_timeout=2), spec("db", stop_timeout=2)
        world = began(*services, manners={"web": Manner(obeys=math.inf, dies=math.inf)})
        world.run(1)
        begin = world.now
        world.do(world.ensemble.shutdown(begin))
        world.run(20)
        assert world.guests["db", 0].told == begin + 2
        assert (world.over_at, world.rest_killed) == (begin + 9.75, begin + 9.5)
        assert world.over is not None
        assert world.over.late == (("web", 0),)
        assert world.ensemble.wake == math.inf

    def test_those_who_belong_to_nobody_are_told_last_and_killed_in_time(self) -> None:
        for lives, over in ((0.5, 0.5), (math.inf, 9.5)):
            world = began(spec("web"))
            world.rest_lives = lives
            world.run(1)
            begin = world.now
            world.do(world.ensemble.shutdown(begin))
            world.run(20)
            assert world.rest_told == begin
            assert world.over_at == begin + over

    def test_a_second_signal_tells_everybody_and_a_third_one_kills(self) -> None:
        hooks = Hooks(before_stop=(Hook(("x",), 5),))
        services = spec("web", "db", hooks=hooks), spec("db", drain=3.0)
        world = began(*services, manners={"web": replace(STUBBORN, hooks=4), "db": STUBBORN}, grace=60.0)
        world.run(1)
        world.do(world.ensemble.shutdown(world.now))
        world.run(1)
        assert [guest.told for guest in world.guests.values()] == [None, None]
        world.do(world.ensemble.shutdown(world.now))
        assert [guest.told for guest in world.guests.values()] == [world.now] * 2
        world.run(1)
        world.do(world.ensemble.shutdown(world.now))
        world.run(0)
        assert [guest.killed for guest in world.guests.values()] == [world.now] * 2
        assert world.over_at == world.now

    def test_a_hurry_while_the_rest_is_waited_for_kills_it(self) -> None:
        world = began(spec("web"))
        world.rest_lives = math.inf
        world.run(1)
        world.do(world.ensemble.shutdown(world.now))
        world.run(1)
        assert world.ensemble.ending is not None
        assert world.ensemble.ending.step is Step.REST
        world.do(world.ensemble.shutdown(world.now))
        world.run(0)
        assert world.over_at == world.now

    def test_nothing_starts_and_nothing_is_restarted(self) -> None:
        always = spec("web", "db", when=Restart.ALWAYS), spec("db", when=Restart.ALWAYS)
        services = (*always, spec("late", "one completed"), spec("one"))
        world = began(*services, manners={"web": Manner(obeys=3), "db": Manner(lives=2)})
        world.run(1)
        world.do(world.ensemble.shutdown(world.now))
        assert world.ensemble.start(None, world.now) == []
        assert world.ensemble.restart(world.ensemble.lives, world.now) == []
        world.run(20)
        assert [world.log(name).count("spawned") for name in ("web", "db", "late")] == [1, 1, 0]
        assert world.log("db")[-1] == "EXITED"

    def test_who_does_not_run_takes_no_time_from_the_others(self) -> None:
        slow = replace(spec("x"), stop_timeout=9.0)
        world = began(
            spec("web", "job completed", "by-hand"),
            replace(slow, name="job"),
            replace(slow, name="by-hand", autostart=False),
            manners={"job": Manner(lives=1), "web": Manner(obeys=8.0)},
            grace=10.0,
        )
        world.run(2)
        world.do(world.ensemble.stop([("by-hand", 0)], world.now))
        world.run(1)
        world.do(world.ensemble.shutdown(world.now))
        world.run(20)
        assert "killed" not in world.log("web")

    def test_what_a_dead_service_has_left_behind_is_ended_in_its_turn(self) -> None:
        world = began(
            spec("db"),
            spec("forks", "db", stop_timeout=3.0),
            manners={"forks": Manner(lives=1, leaves=math.inf), "db": Manner()},
        )
        world.run(2)
        assert state(world, "forks") is State.EXITED
        assert world.ensemble.lives["forks", 0].at_rest
        world.do(world.ensemble.shutdown(world.now))
        world.run(2)
        assert world.log("forks")[-1] == "told"
        assert "told" not in world.log("db")
        world.run(20)
        assert world.log("forks")[-1] == "killed"
        assert world.log("db")[-1] == "STOPPED"

    def test_a_stop_by_hand_ends_it_too_and_a_start_waits_for_that(self) -> None:
        world = began(spec("forks"), manners={"forks": Manner(lives=1, leaves=3)})
        world.run(2)
        world.do(world.ensemble.stop([("forks", 0)], world.now))
        assert world.ensemble.lives["forks", 0].phase is Phase.SWEEPING
        world.do(world.ensemble.start([("forks", 0)], world.now))
        world.run(1)
        assert world.log("forks").count("spawned") == 1
        world.run(2)
        assert world.log("forks").count("spawned") == 2

    def test_an_idle_project_ends_at_once(self) -> None:
        world = World(Project(services=(spec("a"),)))
        world.do(world.ensemble.shutdown(world.now))
        world.run(0)
        assert world.over_at == world.now
        assert world.ensemble.tick(world.now + 99) == []


MANNERS = st.builds(
    Manner,
    spawns=st.sampled_from([True, True, True, False]),
    lives=st.sampled_from([math.inf, math.inf, 0.0, 0.3, 2.0, 12.0]),
    status=st.sampled_from([0, 0, 3]),
    ready=st.sampled_from([0.0, 0.5, 3.0, math.inf]),
    obeys=st.sampled_from([0.0, 0.2, 3.0, math.inf]),
    dies=st.sampled_from([0.0, 0.0, 0.1, math.inf]),
    leaves=st.sampled_from([0.0, 0.0, 1.0, math.inf]),
    hooks=st.sampled_from([0.0, 0.5, math.inf]),
)
HOOKS = st.sampled_from([(), (), (Hook(("x",), 1.0),)])
TIMES = st.sampled_from([0.0, 0.05, 0.5, 1.0, 4.0, 15.0])


@st.composite
def projects(draw: st.DrawFn) -> Project:
    services = []
    for one in draw(acyclic()):
        start, restart = docker(draw(st.sampled_from(Restart)), draw(st.sampled_from([None, 1])))
        shared = replace(
            one,
            start=start,
            restart=restart,
            priority=draw(st.integers(1, 3)),
            replicas=draw(st.integers(1, 2)),
            ready=draw(st.sampled_from([None, READY, Readiness(Means.NOTIFY, timeout=1.0)])),
            stop_timeout=draw(TIMES),
            drain=draw(TIMES),
            hooks=Hooks(draw(HOOKS), draw(HOOKS), draw(HOOKS), draw(HOOKS)),
        )
        services += [replace(shared, index=index) for index in range(shared.replicas)]
    endless = {one.name for one in services if one.restart.when in {Restart.ALWAYS, Restart.UNLESS_STOPPED}}
    services = [
        replace(
            one,
            after=tuple(
                Dependency(
                    need.service,
                    draw(st.sampled_from(list(Condition)[: 2 if need.service in endless else 3])),
                )
                for need in one.after
            ),
        )
        for one in services
    ]
    when = draw(
        st.sampled_from(
            [ExitWhen(), ExitWhen(When.ANY_FAILS), ExitWhen(When.ANY_EXITS), ExitWhen(When.ALL_EXIT)]
        )
    )
    return Project(
        services=tuple(services), grace=draw(st.sampled_from([0.0, 1.0, 10.0, 60.0])), exit_when=when
    )


@settings(max_examples=150, deadline=None)
@given(projects(), st.data())
def test_whatever_they_do_it_ends_in_time(project: Project, data: st.DataObject) -> None:
    world = World(project, {one.name: data.draw(MANNERS) for one in project.services})
    world.rest_lives = data.draw(st.sampled_from([0.0, 1.0, math.inf]))
    ensemble = world.ensemble
    world.do(ensemble.start(None, world.now))
    by_hand = False
    for _ in range(data.draw(st.integers(0, 4))):
        world.run(data.draw(TIMES))
        asked = data.draw(st.sampled_from([ensemble.start, ensemble.stop, ensemble.restart]))
        keys = data.draw(st.lists(st.sampled_from(list(ensemble.lives)), max_size=3, unique=True))
        if ensemble.ending is None:
            world.do(asked(keys, world.now))
            by_hand = by_hand or bool(keys)
    if ensemble.ending is None:
        world.do(ensemble.shutdown(world.now))
    hurries = data.draw(st.lists(TIMES, max_size=2))
    for pause in hurries:
        world.run(pause)
        world.do(ensemble.shutdown(world.now))
    world.run(200)
    check_end(world, project)
    if not by_hand and not hurries:
        check_shares(world, project)
    for key in ensemble.lives:
        assert ensemble.handle(key, Start(), world.now) == []
    assert ensemble.tick(world.now + 1000) == ensemble.shutdown(world.now + 1000) == []
    assert ensemble.wake == math.inf


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), MANNERS, TIMES), min_size=1, max_size=6), TIMES)
def test_by_priority_nobody_is_told_before_the_higher_ones_are_over(
    drawn: list[tuple[int, Manner, float]], grace: float
) -> None:
    services = [
        spec(f"s{at}", priority=priority, stop_timeout=time) for at, (priority, _, time) in enumerate(drawn)
    ]
    manners = {f"s{at}": replace(one, dies=0.0, leaves=0.0) for at, (_, one, _) in enumerate(drawn)}
    world = began(*services, manners=manners, grace=grace, stop_by_priority=True)
    world.run(1)
    asked = world.now
    world.do(world.ensemble.shutdown(asked))
    world.run(200)
    check_end(world, Project(services=tuple(services), grace=grace))
    for one in services:
        told = world.guests[one.key].told
        if told is None or told < asked or told >= asked + StopPlan(grace=grace).kill:
            continue
        for other in services:
            if other.rank > one.rank:
                # Over, or in vain given its time: it is killed then.
                log = world.guests[other.key].log
                assert all(at <= told for at, line in log if line in {"told", "killed", "died"})


def check_end(world: World, project: Project) -> None:
    """It is over in time, and whoever is there still was killed."""
    assert world.ensemble.ending is not None
    assert world.over is not None
    assert world.over_at <= world.ensemble.ending.asked + StopPlan(grace=project.grace).leave + 1e-6
    for key, guest in world.guests.items():
        if guest.pid:
            assert key in world.over.late
            assert guest.killed is not None or world.rest_killed is not None, "left without SIGKILL"


def check_shares(world: World, project: Project) -> None:
    """Nobody was killed before his time, which is at least that of the plan's worst case."""
    assert world.ensemble.ending is not None
    rows = {(row.service, row.index): row for row in Budget(project, world.ensemble.order).schedule().rows}
    for key, guest in world.guests.items():
        if guest.killed is not None and guest.told is not None and guest.told >= world.ensemble.ending.asked:
            least = rows[key].killed - rows[key].told
            assert guest.killed - guest.told >= least - 1e-6, "killed before its time"
