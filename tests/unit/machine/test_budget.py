"""endwell.machine.budget: one grace period, shared out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from endwell.machine.budget import Budget, Schedule
from endwell.machine.order import Order, order
from endwell.model.project import Project
from endwell.model.readiness import Dependency
from endwell.model.service import Hook, Hooks, Listening, ServiceSpec
from endwell.records import replace
from tests.unit.machine.test_order import acyclic

HOOK = Hook(("x",), timeout=2.0)
TICKS = Listening(("TICK",))


def by_priority(*services: ServiceSpec, grace: float = 10.0) -> Schedule:
    project = Project(services=services, grace=grace, stop_by_priority=True)
    return Budget(project, order(project)).schedule()


def spec(name: str, *after: str, stop: float = 10.0, **more: object) -> ServiceSpec:
    needs = tuple(map(Dependency, after))
    return ServiceSpec(name=name, command=("x",), after=needs, stop_timeout=stop, **more)  # type: ignore[arg-type]


def schedule(*services: ServiceSpec, grace: float = 10.0, rest: float = 0.0) -> Schedule:
    return Budget(Project(services=services, grace=grace), Order(services), rest).schedule()


def test_the_longest_chain_counts_and_not_the_sum() -> None:
    found = schedule(spec("web", "db", stop=3), spec("db", stop=4), spec("cron", stop=5))
    assert (found.budget, found.wanted, found.chain, found.fits) == (9.5, 7, ("web", "db"), True)
    assert [(row.service, row.begins, row.told, row.killed, row.ends) for row in found.rows] == [
        ("cron", 0, 0, 5, 5),
        ("web", 0, 0, 3, 3),
        ("db", 3, 3, 7, 7),
    ]
    assert not any(row.cut for row in found.rows)


def test_a_chain_that_does_not_fit_is_cut_in_proportion_and_others_are_not() -> None:
    found = schedule(spec("web", "db", stop=10), spec("db", stop=28), spec("cron", stop=5))
    assert not found.fits
    assert [(row.service, row.ends, row.cut) for row in found.rows] == [
        ("cron", 5, False),
        ("web", 2.5, True),
        ("db", 9.5, True),
    ]


def test_half_of_the_grace_is_kept_for_levels_of_priority_that_come_later() -> None:
    found = by_priority(*(spec(name, priority=at) for at, name in enumerate(("db", "app", "web"))))
    assert (found.fits, found.wanted, found.chain) == (False, 30, ("web", "app", "db"))
    kept = 9.5 / 2 / 3
    assert [row.service for row in found.rows] == ["web", "app", "db"]
    assert [row.begins for row in found.rows] == pytest.approx([0, 9.5 - 2 * kept, 9.5 - kept])
    assert [row.ends for row in found.rows] == pytest.approx([9.5 - 2 * kept, 9.5 - kept, 9.5])
    assert by_priority(spec("web", priority=2, stop=3), spec("db", priority=1, stop=6)).fits


def test_drain_and_hooks_are_part_of_it() -> None:
    hooks = Hooks(before_stop=(HOOK, HOOK), after_stop=(HOOK,))
    (row,) = schedule(spec("web", stop=4, drain=3, hooks=hooks), grace=5.5).rows
    assert (row.wanted, row.told, row.killed, row.ends, row.cut) == (10, 2, 4, 5, True)


def test_without_a_grace_everybody_has_his_time() -> None:
    found = schedule(spec("web", "db", stop=100), spec("db", stop=100), grace=math.inf)
    assert found.fits
    assert found.rows[-1].ends == 200


def test_those_who_belong_to_nobody_have_their_share() -> None:
    assert schedule(spec("web", stop=9.5), rest=9.5).rows[0].ends == pytest.approx(4.75)


def test_who_listens_is_told_last_and_costs_the_others_little() -> None:
    found = schedule(spec("web"), spec("mail", listener=TICKS))
    assert found.chain == ("web", "mail")
    assert [row.service for row in found.rows] == ["web", "mail"]
    web, mail = found.rows
    assert web.ends == mail.begins == pytest.approx(9.5 * 10 / 10.5)
    assert mail.ends == pytest.approx(9.5)


def test_who_listens_has_all_the_time_that_the_others_leave() -> None:
    services = spec("web", stop=3), spec("mail", listener=TICKS)
    budget = Budget(Project(services=services), Order(services), 0.5)
    assert budget.share("mail", 9.0) == 8.5
    assert budget.share("mail", 60.0) == 10.0
    assert budget.share("mail", 0.5) == 0.25


def test_nothing_to_stop() -> None:
    assert schedule() == Schedule(10.0, 9.5, 0.0, (), ())


@given(acyclic(), st.data(), st.floats(0, 60))
def test_nobody_ends_after_the_budget(specs: list[ServiceSpec], data: st.DataObject, grace: float) -> None:
    times = st.integers(0, 30_000).map(lambda milliseconds: milliseconds / 1000)
    services = tuple(
        spec(
            one.name,
            *(need.service for need in one.after),
            stop=data.draw(times),
            drain=data.draw(times),
            listener=data.draw(st.sampled_from([None, None, TICKS])),
        )
        for one in specs
    )
    if data.draw(st.booleans()):
        found = schedule(*services, grace=grace)
    else:
        numbers = st.integers(1, 3)
        found = by_priority(
            *(replace(one, after=(), priority=data.draw(numbers)) for one in services), grace=grace
        )
    assert all(row.ends <= found.budget + 1e-6 for row in found.rows)
    assert all(row.begins <= row.told <= row.killed <= row.ends for row in found.rows)
    assert found.fits or any(row.cut for row in found.rows)
    if found.fits:
        assert not any(row.cut for row in found.rows)
    # Whoever wants some time gets some, however long the chain before him.
    assert all(row.ends > row.begins for row in found.rows if row.wanted > 1e-6 and found.budget > 1e-3)
