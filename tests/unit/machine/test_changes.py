"""endwell.machine.changes: what is different, by replica, by service and by group."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from endwell.machine.changes import Names, by_group, by_replica, group_of, groups
from endwell.model.readiness import Condition, Dependency, Health, Means, Readiness
from endwell.model.restart import Restart, StartPolicy, docker
from endwell.model.service import Hook, Hooks, Listening, Log, ServiceSpec, SocketSpec
from endwell.model.signals import QUIT
from endwell.records import fields, replace


def spec(name: str, *, group: str = "", index: int = 0, replicas: int = 1, **more: Any) -> ServiceSpec:  # noqa: ANN401  a field's value
    return replace(
        ServiceSpec(name=name, command=("x",), group=group, index=index, replicas=replicas), **more
    )


LATER: dict[str, Any] = {
    "replicas": 2,
    "group": "others",
    "autostart": False,
    "start": StartPolicy(seconds=5.0),
    "restart": docker(Restart.ALWAYS)[1],
    "after": (Dependency("b", Condition.STARTED),),
    "priority": 1,
    "group_priority": 1,
    "health": Health(Means.TCP, ":1"),
    "stop_signal": QUIT,
    "stop_timeout": 3.0,
    "drain": 1.0,
    "stop_group": True,
    "hooks": Hooks(before_stop=(Hook(("y",)),)),
}
NOW: dict[str, Any] = {
    "process": "y",
    "command": ("y",),
    "ready": Readiness(Means.NOTIFY),
    "environment": {"A": "b"},
    "user": "nobody",
    "directory": "/",
    "umask": 0o77,
    "nice": 1,
    "limits": {"nofile": (1, 1)},
    "stdout": Log(path="/x"),
    "stderr": Log(discard=True),
    "stdin_open": True,
    "listener": Listening(("TICK_5",)),
    "socket": SocketSpec(port=9000),
}


def test_every_part_of_a_service_is_one_or_the_other() -> None:
    names = {field.name for field in fields(ServiceSpec)}
    assert names == LATER.keys() | NOW.keys() | {"name", "index"}


@pytest.mark.parametrize("name", [*LATER, *NOW])
def test_what_a_process_knows_of_makes_another_one_and_nothing_else_does(name: str) -> None:
    old = spec("a", group="g")
    new = replace(old, **{name: (LATER | NOW)[name]})
    assert new != old
    changes = by_replica([old], [new])
    assert (changes.changed, changes.adjusted) == (((("a", 0),), ()) if name in NOW else ((), (("a", 0),)))


def test_what_is_the_same_is_not_mentioned() -> None:
    assert by_replica([spec("a"), spec("b")], [spec("b"), spec("a")]).services() == Names()


def test_services_come_and_go() -> None:
    new = [spec("d"), spec("c", nice=1), spec("b", drain=1.0)]
    changes = by_replica([spec("a"), spec("b"), spec("c")], new)
    assert changes.services() == Names(("d",), ("c",), ("a",), ("b",))
    assert changes.away == {("a", 0), ("c", 0)}


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (2, 3)])
def test_other_replicas_leave_the_first_ones_alone(before: int, after: int) -> None:
    changes = by_replica(
        [spec("a", index=index, replicas=before) for index in range(before)],
        [spec("a", index=index, replicas=after) for index in range(after)],
    )
    assert changes.changed == ()
    assert changes.adjusted == tuple(("a", index) for index in range(min(before, after)))
    assert changes.added == tuple(("a", index) for index in range(before, after))
    assert changes.removed == tuple(("a", index) for index in range(after, before))
    assert changes.services() == Names(changed=("a",))


def test_groups_are_compared_whole() -> None:
    old = [spec("a", group="x"), spec("b", group="x"), spec("c", group="y"), spec("d"), spec("e")]
    new = [spec("a", group="x"), spec("b", group="x", drain=1.0), spec("c", group="y"), spec("d"), spec("f")]
    found = groups(old, new, {"d": 1, "y": 1}, {"d": 2, "y": 1})
    assert found == Names(("f",), ("x", "d"), ("e",))
    assert groups(old, new, {"x": 1}, {"x": 1}).changed == ()
    changes = by_group(old, new, found.changed)
    assert changes.away == {("a", 0), ("b", 0), ("d", 0), ("e", 0)}
    assert changes.added == (("f", 0),)


def test_one_that_goes_over_to_another_group_is_started_anew() -> None:
    old, new = [spec("a", group="x"), spec("b", group="x")], [spec("a", group="y"), spec("b", group="x")]
    found = groups(old, new, {}, {})
    assert found == Names(("y",), ("x",), ())
    assert by_group(old, new, found.changed).changed == (("a", 0), ("b", 0))


SPECS = st.lists(
    st.builds(
        spec,
        st.sampled_from("abcd"),
        group=st.sampled_from(["", "x", "y"]),
        index=st.integers(0, 1),
        replicas=st.just(2),
        nice=st.integers(0, 1),
        drain=st.sampled_from([0.0, 1.0]),
    ),
    unique_by=lambda one: one.key,
)


@given(SPECS, SPECS)
def test_every_replica_is_in_one_place(old: list[ServiceSpec], new: list[ServiceSpec]) -> None:
    before, after = {one.key: one for one in old}, {one.key: one for one in new}
    for changes in (by_replica(old, new), by_group(old, new, groups(old, new, {}, {}).changed)):
        told = [*changes.added, *changes.changed, *changes.adjusted, *changes.removed]
        assert len(told) == len(set(told))
        assert set(changes.added) == after.keys() - before.keys()
        assert set(changes.removed) == before.keys() - after.keys()
        assert {key for key in before.keys() & after.keys() if before[key] != after[key]} <= set(told)
    same = {*map(group_of, old)} & {*map(group_of, new)} - {*groups(old, new, {}, {}).changed}
    assert not any(key in changes.away for key, one in before.items() if group_of(one) in same)
