"""endwell.machine.order: who is started after whom, and what cannot be."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from endwell.machine.order import Order, OrderError, order
from endwell.model.project import ExitWhen, Project, When
from endwell.model.readiness import Condition, Dependency
from endwell.model.restart import Restart, RestartPolicy
from endwell.model.service import Listening, ServiceSpec
from endwell.records import replace


def spec(
    name: str, *after: str, priority: int = 999, group: int | None = None, index: int = 0
) -> ServiceSpec:
    return ServiceSpec(
        name=name,
        index=index,
        command=("x",),
        after=tuple(map(Dependency, after)),
        priority=priority,
        group_priority=group,
    )


def test_levels_of_the_start_and_of_the_stop() -> None:
    found = Order([spec("web", "app"), spec("app", "db"), spec("db"), spec("cron")])
    assert found.start_levels == (("db", "cron"), ("app",), ("web",))
    assert found.stop_levels == (("cron", "web"), ("app",), ("db",))
    assert found.needed_by == {"web": (), "app": ("web",), "db": ("app",), "cron": ()}
    assert found.closure(["app", "cron"]) == {"app", "db", "cron"}


def test_priority_orders_within_a_level_only() -> None:
    found = Order([spec("c", priority=30), spec("a", "c", priority=1), spec("b", priority=2), spec("d")])
    assert found.names == ("a", "b", "c", "d")
    assert found.start_levels == (("b", "c", "d"), ("a",))
    assert found.stop_levels == (("d", "b", "a"), ("c",))


def test_the_priority_of_a_group_comes_first() -> None:
    found = Order([spec("a", priority=1, group=50), spec("b", priority=9, group=5), spec("c", priority=20)])
    assert found.names == ("b", "c", "a")


def test_by_priority_the_lower_number_outlives_the_next_higher_ones() -> None:
    services = [
        spec("web", priority=20),
        spec("b", priority=5),
        spec("a", priority=5),
        spec("db", priority=1),
    ]
    found = Order(services, by_priority=True)
    assert found.by_priority
    assert found.start_levels == (("db", "b", "a", "web"),)
    assert found.stop_levels == (("web",), ("a", "b"), ("db",))
    # The others are outlived over these: who has hundreds of services has no tens of thousands of pairs.
    assert found.outlives == {"db": ("a", "b"), "b": ("web",), "a": ("web",), "web": ()}
    assert found.outlived_by == {"web": ("b", "a"), "b": ("db",), "a": ("db",), "db": ()}
    assert found.needed_by == {"db": (), "b": (), "a": (), "web": ()}


def test_by_priority_all_of_a_group_are_stopped_at_once() -> None:
    services = [spec("a", priority=1, group=5), spec("b", priority=9, group=5), spec("c", priority=3)]
    assert Order(services, by_priority=True).stop_levels == (("b", "a"), ("c",))


@pytest.mark.parametrize(
    "services",
    [
        [spec("a", "b", priority=1), spec("b", priority=2), spec("c", priority=3)],
        [spec("a", priority=7), spec("b", priority=7)],
        [spec("a", priority=1, group=7), spec("b", priority=2, group=7)],
        [],
    ],
    ids=["after decides alone", "no difference", "no difference of groups", "nobody"],
)
def test_where_priorities_decide_nothing(services: list[ServiceSpec]) -> None:
    found = Order(services, by_priority=True)
    assert not found.by_priority
    assert found.outlives == Order(services).outlives
    assert found.stop_levels == Order(services).stop_levels


def test_who_listens_is_stopped_last_whatever_his_number() -> None:
    hear = Listening(("EVENT",))
    services = [spec("web", priority=2), spec("db", priority=1), replace(spec("tell"), listener=hear)]
    assert Order(services, by_priority=True).stop_levels == (("web",), ("db",), ("tell",))


def test_who_listens_is_no_level_of_its_own() -> None:
    hear = Listening(("EVENT",))
    found = Order(
        [spec("web"), spec("db"), replace(spec("tell", priority=-1), listener=hear)], by_priority=True
    )
    assert not found.by_priority


@given(st.lists(st.tuples(st.integers(-2, 2), st.none() | st.integers(-2, 2), st.booleans()), max_size=8))
def test_by_priority_nobody_is_before_a_higher_number(numbers: list[tuple[int, int | None, bool]]) -> None:
    services = [
        replace(
            spec(f"s{at}", priority=priority, group=group), listener=Listening(("EVENT",)) if hears else None
        )
        for at, (priority, group, hears) in enumerate(numbers)
    ]
    found = Order(services, by_priority=True)
    assert sorted(name for level in found.stop_levels for name in level) == sorted(found.names)
    level = {name: at for at, names in enumerate(found.stop_levels) for name in names}
    for one in services:
        for other in services:
            if one.listener is None and other.listener is None:
                assert (level[one.name] < level[other.name]) == (one.rank > other.rank)
            elif other.listener is not None and one.listener is None:
                assert level[one.name] < level[other.name]
            # It is the pairs that the stop goes by, so the levels have to come of them.
            if level[one.name] == level[other.name] + 1 and other.listener is one.listener is None:
                assert other.name in found.outlives[one.name]


def test_who_listens_is_stopped_last_and_started_like_the_others() -> None:
    hear = Listening(("EVENT",))
    services = [spec("web", "db"), replace(spec("mail"), listener=hear), spec("db"), spec("app", "mail")]
    found = Order([*services, replace(spec("tell"), listener=hear)])
    assert found.start_levels == (("mail", "db", "tell"), ("web", "app"))
    assert found.stop_levels == (("app", "web"), ("db",), ("tell", "mail"))
    assert set(found.outlives["tell"]) == {"web", "db", "app"}
    assert set(found.outlived_by["web"]) == {"db", "mail", "tell"}
    assert found.listening == {"mail", "tell"}


def test_who_listens_and_waits_for_somebody_is_stopped_before_him() -> None:
    found = Order([replace(spec("mail", "db"), listener=Listening(("EVENT",))), spec("db"), spec("web")])
    assert found.stop_levels == (("web", "mail"), ("db",))


@given(st.data())
def test_who_listens_makes_no_cycle(data: st.DataObject) -> None:
    services = [
        replace(one, listener=data.draw(st.sampled_from([None, Listening(("EVENT",))])))
        for one in data.draw(acyclic())
    ]
    found = Order(services)
    assert sorted(name for level in found.stop_levels for name in level) == sorted(found.names)
    place = {name: at for at, level in enumerate(found.stop_levels) for name in level}
    for one in services:
        for need in one.after:
            assert place[need.service] > place[one.name]


def test_what_replicas_say_is_taken_together() -> None:
    found = Order([spec("web", "a"), spec("web", "b", "a", index=1), spec("a"), spec("b")])
    assert [need.service for need in found.needs["web"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("services", "service", "message"),
    [
        ([spec("a", "a")], "a", "a waits for itself, a -> a: remove one of these dependencies"),
        ([spec("a", "b"), spec("b", "c"), spec("c", "a")], "a", "a -> b -> c -> a"),
        ([spec("x", "b"), spec("b", "c"), spec("c", "b")], "b", "b waits for itself, b -> c -> b"),
        ([spec("a", "dbb"), spec("db")], "a", "a waits for 'dbb', which is no service: did you mean db?"),
        ([spec("a", "zzz"), spec("b")], "a", "there are a, b"),
        ([spec("a"), spec("a")], "a", "there are two services a"),
    ],
)
def test_what_cannot_be_is_named_in_full(services: list[ServiceSpec], service: str, message: str) -> None:
    with pytest.raises(OrderError) as error:
        Order(services)
    assert message in str(error.value)
    assert error.value.service == service


def test_nobody_waits_for_the_completion_of_what_never_completes() -> None:
    db = ServiceSpec(name="db", command=("x",), restart=RestartPolicy(Restart.ALWAYS))
    web = ServiceSpec(name="web", command=("x",), after=(Dependency("db", Condition.COMPLETED),))
    with pytest.raises(OrderError, match=r"web waits for db to complete.*restart always"):
        Order([db, web])


def test_exit_when_names_a_service() -> None:
    project = Project(services=(spec("web"),), exit_when=ExitWhen(When.SERVICE_EXITS, "wep"))
    with pytest.raises(OrderError, match=r"exit-when waits for 'wep'.*did you mean web\?"):
        order(project)


NAMES = "abcdefgh"


@st.composite
def acyclic(draw: st.DrawFn) -> list[ServiceSpec]:
    """Services that wait only for earlier ones, in any order."""
    specs = [
        spec(name, *draw(st.lists(st.sampled_from(NAMES[:at]), unique=True) if at else st.just([])))
        for at, name in enumerate(NAMES[: draw(st.integers(1, 8))])
    ]
    return draw(st.permutations(specs))


@given(acyclic())
def test_levels_hold_everybody_once_and_after_those_they_wait_for(specs: list[ServiceSpec]) -> None:
    found = Order(specs)
    for levels, whom in (
        (found.start_levels, {name: {need.service for need in needs} for name, needs in found.needs.items()}),
        (found.stop_levels, {name: set(who) for name, who in found.needed_by.items()}),
    ):
        level = {name: at for at, names in enumerate(levels) for name in names}
        assert sorted(level) == sorted(name for names in levels for name in names) == sorted(found.names)
        for name, at in level.items():
            assert at == max((level[other] + 1 for other in whom[name]), default=0)


@given(acyclic(), st.data())
def test_a_way_back_is_found_and_is_a_cycle(specs: list[ServiceSpec], data: st.DataObject) -> None:
    found = Order(specs)
    start = data.draw(st.sampled_from(found.names))
    end = data.draw(st.sampled_from(sorted(found.closure([start]))))
    closed = [
        spec(one.name, *(need.service for need in one.after), *([start] if one.name == end else []))
        for one in specs
    ]
    with pytest.raises(OrderError) as error:
        Order(closed)
    cycle = str(error.value).split(", ")[1].split(":")[0].split(" -> ")
    assert cycle[0] == cycle[-1]
    needs = {one.name: {need.service for need in one.after} for one in closed}
    assert all(b in needs[a] for a, b in pairwise(cycle))
