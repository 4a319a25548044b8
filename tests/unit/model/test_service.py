"""endwell.model.service: what a replica is called, and how long its stop may take."""

from __future__ import annotations

import math

import pytest

from endwell.model.service import Hook, Hooks, ServiceSpec

SHORT, LONG = Hook(("x",), 1.0), Hook(("y",), 2.0)


def spec(**more: object) -> ServiceSpec:
    return ServiceSpec(name="web", command=("x",), **more)  # type: ignore[arg-type]


def test_a_replica_is_counted_from_1_where_there_are_more() -> None:
    assert (spec().label, spec(index=1, replicas=2).label) == ("web", "web-2")
    assert spec(index=1, replicas=2).key == ("web", 1)


def test_the_drain_and_the_hooks_before_the_stop_go_on_together_and_the_rest_one_after_another() -> None:
    found = spec(
        drain=2.5, stop_timeout=4.0, hooks=Hooks(before_stop=(SHORT, LONG), after_stop=(SHORT, SHORT))
    )
    assert (found.drain_time, found.cleaning_time, found.longest_stop) == (3.0, 2.0, 9.0)
    assert spec(drain=2.5).drain_time == 2.5


@pytest.mark.parametrize("value", [-1.0, math.inf, math.nan])
def test_a_stop_takes_a_length_of_time(value: float) -> None:
    for more, name in (
        ({"stop_timeout": value}, "stop_timeout of web"),
        ({"drain": value}, "drain of web"),
        ({"hooks": Hooks(after_stop=(Hook(("x",), value),))}, "a hook's timeout of web"),
    ):
        with pytest.raises(ValueError, match=f"{name} must be a length of time"):
            spec(**more)
