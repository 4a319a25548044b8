"""endwell.machine.waiting: what has come of a start, a stop or a restart that somebody waits for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from endwell.machine.act import Act
from endwell.machine.effect import Announce
from endwell.machine.event import Spawned
from endwell.machine.state import STOPPED_STATES, State
from endwell.machine.waiting import Goal, Waiting
from endwell.model.control import Kind
from endwell.model.project import Project
from endwell.model.readiness import Means, Readiness
from endwell.model.restart import SUPERVISORD, Restart, RestartPolicy, StartPolicy
from endwell.model.service import Hook, Hooks, ServiceSpec
from endwell.records import replace
from tests.unit.machine.test_ensemble import READY, spec
from tests.unit.machine.world import Manner, World

if TYPE_CHECKING:
    from endwell.machine.act import Key


class Asked(World):
    """A world in which somebody asks, and waits for the answers."""

    def __init__(self, *services: ServiceSpec, manners: dict[str, Manner] | None = None) -> None:
        super().__init__(Project(services=services), manners)
        self.waiting: list[Waiting] = []
        self.goals: dict[int, Goal] = {}

    def do(self, acts: list[Act]) -> None:
        super().do(acts)
        for act in acts:
            for waiting in self.waiting:
                before = set(waiting.results)
                waiting.took(act)
                for key in waiting.results.keys() - before:
                    self.check(self.goals[id(waiting)], key, waiting.results[key].ok, act)

    def check(self, goal: Goal, key: Key, ok: bool, act: Act) -> None:  # noqa: FBT001  as it is known
        """What has just become known of a replica is so."""
        if ok:
            assert act.key == key
            assert isinstance(act.effect, Announce)
            assert act.effect.state in ({State.RUNNING} if goal is not Goal.STOP else STOPPED_STATES)

    def ask(self, goal: Goal, *names: str) -> Waiting:
        keys = [key for key in self.ensemble.lives if not names or key[0] in names]
        waiting = Waiting(goal, keys, self.ensemble)
        self.waiting.append(waiting)
        self.goals[id(waiting)] = goal
        wanted = waiting.open
        ask = {
            Goal.START: self.ensemble.start,
            Goal.STOP: self.ensemble.stop,
            Goal.RESTART: self.ensemble.restart,
        }[goal]
        self.do(ask(wanted, self.now))
        for one in self.waiting:
            one.look()
        return waiting

    def kind(self, waiting: Waiting, name: str = "web", index: int = 0) -> Kind | str | None:
        result = waiting.results.get((name, index))
        return "open" if result is None else result.kind


def world(manner: Manner | None = None, **more: object) -> Asked:
    return Asked(spec("web", **more), manners={"web": manner or Manner()})  # type: ignore[arg-type]


def test_a_start_is_done_when_it_runs() -> None:
    made = world(start=StartPolicy(seconds=5))
    waiting = made.ask(Goal.START)
    assert made.kind(waiting) == "open"
    made.run(4.9)
    assert made.kind(waiting) == "open"
    made.run(0.2)
    assert made.kind(waiting) is None
    assert waiting.done


def test_a_start_is_done_when_it_is_ready() -> None:
    made = world(Manner(ready=3), ready=READY)
    waiting = made.ask(Goal.START)
    made.run(2)
    assert made.kind(waiting) == "open"
    made.run(2)
    assert made.kind(waiting) is None


def test_a_one_shot_that_has_ended_well_was_started() -> None:
    made = world(Manner(lives=0))
    waiting = made.ask(Goal.START)
    made.run(1)
    assert made.kind(waiting) is None
    assert made.ensemble.lives["web", 0].state is State.EXITED


@pytest.mark.parametrize(
    ("manner", "more", "kind"),
    [
        (Manner(spawns=False), {}, Kind.NO_FILE),
        (Manner(lives=0.1, status=1), {"start": StartPolicy(1, 3, SUPERVISORD)}, Kind.SPAWN_ERROR),
        (Manner(ready=9), {"ready": Readiness(Means.NOTIFY, timeout=1)}, Kind.SPAWN_ERROR),
    ],
)
def test_a_failed_try_ends_the_waiting(manner: Manner, more: dict[str, object], kind: Kind) -> None:
    made = world(manner, **more)
    waiting = made.ask(Goal.START)
    made.run(2)
    assert made.kind(waiting) in {kind, Kind.SPAWN_ERROR}
    assert waiting.results["web", 0].message


def test_who_runs_is_not_started_and_who_rests_is_not_stopped() -> None:
    made = world()
    assert made.kind(made.ask(Goal.STOP)) is Kind.NOT_RUNNING
    made.ask(Goal.START)
    made.run(0)
    assert made.kind(made.ask(Goal.START)) is Kind.ALREADY_STARTED


def test_a_stop_is_done_at_the_end_and_who_comes_second_is_told_then() -> None:
    made = world(Manner(obeys=3))
    made.ask(Goal.START)
    made.run(1)
    first, second = made.ask(Goal.STOP), made.ask(Goal.STOP)
    made.run(2)
    assert (made.kind(first), made.kind(second)) == ("open", "open")
    made.run(2)
    assert (made.kind(first), made.kind(second)) == (None, Kind.NOT_RUNNING)


def test_a_start_while_it_stops_waits_for_the_next_life() -> None:
    made = world(Manner(obeys=3))
    made.ask(Goal.START)
    made.run(1)
    made.ask(Goal.STOP)
    waiting = made.ask(Goal.START)
    made.run(2)
    assert made.kind(waiting) == "open"
    made.run(2)
    assert made.kind(waiting) is None
    assert made.ensemble.lives["web", 0].state is State.RUNNING


def test_a_restart_is_done_when_another_process_runs() -> None:
    made = world(Manner(obeys=3), start=StartPolicy(seconds=1))
    made.ask(Goal.START)
    made.run(2)
    waiting = made.ask(Goal.RESTART)
    made.run(3.5)
    assert made.kind(waiting) == "open"
    made.run(2)
    assert made.kind(waiting) is None


def test_who_is_left_by_a_restart_one_by_one_is_told_why() -> None:
    made = Asked(
        *(spec("web", index=at, replicas=3, ready=READY) for at in range(3)), manners={"web": Manner()}
    )
    made.ask(Goal.START)
    made.run(1)
    made.manners["web"] = Manner(spawns=False)
    waiting = made.ask(Goal.RESTART)
    made.run(100)
    kinds = [made.kind(waiting, index=at) for at in range(3)]
    assert kinds[0] in {Kind.NO_FILE, Kind.SPAWN_ERROR}
    assert kinds[1:] == [Kind.FAILED, Kind.FAILED]
    assert "web-1 did not come back" in waiting.results["web", 1].message


def test_a_stop_of_who_waits_takes_the_wish_back() -> None:
    made = Asked(spec("web", "db ready"), spec("db", ready=READY), manners={"db": Manner(ready=math.inf)})
    starting = made.ask(Goal.START, "web")
    made.run(1)
    assert made.kind(starting) == "open"
    stopping = made.ask(Goal.STOP, "web")
    assert (made.kind(stopping), made.kind(starting)) == (None, Kind.ABNORMAL_TERMINATION)


def test_who_waits_in_vain_is_refused() -> None:
    made = Asked(spec("web", "db completed"), spec("db"), manners={"db": Manner(lives=1, status=1)})
    starting = made.ask(Goal.START)
    made.run(5)
    assert (made.kind(starting, "db"), made.kind(starting)) == (None, Kind.REFUSED)
    assert made.kind(made.ask(Goal.START, "web")) in {Kind.REFUSED, "open"}


def test_the_end_of_everything_ends_the_waiting() -> None:
    made = Asked(spec("web", "db ready"), spec("db", ready=READY), manners={"db": Manner(ready=math.inf)})
    waiting = made.ask(Goal.START)
    made.run(1)
    made.do(made.ensemble.shutdown(made.now))
    made.run(20)
    assert {result.kind for result in waiting.results.values()} == {Kind.STOPPING}


@pytest.mark.parametrize(("spawns", "kinds"), [(True, {None}), (False, {Kind.NO_FILE, Kind.SPAWN_ERROR})])
def test_who_does_not_want_to_wait_is_told_what_comes_of_the_spawn(
    spawns: bool,  # noqa: FBT001  a row of the table
    kinds: set[Kind | None],
) -> None:
    made = world(Manner(spawns=spawns), start=StartPolicy(seconds=5))
    waiting = Waiting(Goal.START, [("web", 0)], made.ensemble, patient=False)
    made.waiting.append(waiting)
    made.goals[id(waiting)] = Goal.STOP  # nothing is promised of its state
    acts = made.ensemble.start(waiting.open, made.now)
    waiting.go_on()
    assert not waiting.done
    if spawns:
        waiting.took(Act(("web", 0), Spawned(7)))
    else:
        made.do(acts)
        made.run(0)
    assert made.kind(waiting) in kinds


def test_others_are_not_waited_for_at_all_then() -> None:
    made = Asked(spec("web", "db ready"), spec("db", ready=READY), manners={"db": Manner(ready=9)})
    waiting = Waiting(Goal.START, [("web", 0)], made.ensemble, patient=False)
    made.do(made.ensemble.start(waiting.open, made.now))
    waiting.go_on()
    assert waiting.done
    made.run(20)
    stopping = Waiting(Goal.STOP, [("web", 0)], made.ensemble, patient=False)
    made.do(made.ensemble.stop(stopping.open, made.now))
    stopping.go_on()
    assert stopping.done


def test_who_looks_before_the_news_come_sees_the_same() -> None:
    made = world(Manner(spawns=False))
    waiting = Waiting(Goal.START, [("web", 0)], made.ensemble)
    made.do(made.ensemble.start(waiting.open, made.now))
    made.run(0)
    waiting.look()
    assert made.kind(waiting) in {Kind.NO_FILE, Kind.SPAWN_ERROR}
    made.manners["web"] = Manner(lives=0)
    waiting = Waiting(Goal.START, [("web", 0)], made.ensemble)
    made.do(made.ensemble.start(waiting.open, made.now))
    made.run(1)
    waiting.look()
    assert made.kind(waiting) is None


moments = st.floats(0, 3).map(lambda at: round(at, 1))
manners = st.builds(
    Manner,
    spawns=st.booleans(),
    lives=moments | st.just(math.inf),
    status=st.sampled_from((0, 1)),
    ready=moments | st.just(math.inf),
    obeys=moments | st.just(math.inf),
    hooks=moments,
)
specs = st.builds(
    lambda index, seconds, ready, when, hooks: spec(
        "web",
        index=index,
        replicas=2,
        start=StartPolicy(seconds=seconds, retries=1),
        restart=RestartPolicy(when),
        ready=Readiness(Means.NOTIFY, timeout=2.0) if ready else None,
        stop_timeout=1.0,
        hooks=Hooks(before_start=(Hook(("x",), 1.0),), after_stop=(Hook(("x",), 1.0),)) if hooks else Hooks(),
    ),
    st.just(0),
    st.sampled_from((0.0, 1.0)),
    st.booleans(),
    st.sampled_from(list(Restart)),
    st.booleans(),
)


@given(
    specs,
    manners,
    st.lists(st.tuples(moments, st.sampled_from(list(Goal)), st.booleans()), max_size=8),
)
def test_every_waiting_has_an_end(
    service: ServiceSpec, manner: Manner, wishes: list[tuple[float, Goal, bool]]
) -> None:
    made = Asked(
        replace(service, index=0),
        replace(service, index=1),
        spec("needs", "web"),
        manners={"web": manner, "needs": Manner()},
    )
    for seconds, goal, everybody in wishes:
        made.run(seconds)
        made.ask(goal, *(() if everybody else ("web",)))
    # Long enough for every start, restart and stop: only a readiness without a bound may take longer.
    made.run(60)
    made.do(made.ensemble.shutdown(made.now))
    made.run(20)
    assert made.over is not None
    for waiting in made.waiting:
        assert waiting.done, waiting.open
