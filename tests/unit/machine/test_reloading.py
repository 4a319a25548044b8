"""endwell.machine.reloading: one project takes the place of another, and who is in both goes on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings, strategies as st

from endwell.machine.changes import by_replica
from endwell.machine.order import OrderError
from endwell.machine.replica import Phase
from endwell.machine.state import State
from endwell.model.project import ExitWhen, Project, When
from endwell.model.readiness import Health, Means
from endwell.records import replace
from tests.unit.machine.test_ensemble import MANNERS, READY, TIMES, began, projects, spec, state
from tests.unit.machine.world import Manner, World

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endwell.machine.order import Order
    from endwell.model.service import ServiceSpec

Key = tuple[str, int]
STUBBORN = Manner(obeys=math.inf)


def exchange(world: World, *services: ServiceSpec, wanted: Iterable[Key] | None = None) -> None:
    """Apply a file, as it is done for our own format."""
    old = [life.spec for life in world.ensemble.lives.values()]
    changes = by_replica(old, services)
    fresh = {*changes.added, *changes.changed}
    start = {one.key for one in services if one.key in fresh and one.autostart}
    project = Project(services=services)
    world.do(world.ensemble.exchange(project, changes.away, start if wanted is None else wanted, world.now))


def by_name(order: Order, names: Iterable[str]) -> dict[str, set[str]]:
    """Say who has to end before whom, the slow way: go along the pairs for each of them."""
    found: dict[str, set[str]] = {}
    for name in names:
        open_ = list(order.outlives[name])
        before: set[str] = set()
        while open_:
            if (other := open_.pop()) not in before:
                before.add(other)
                open_.extend(order.outlives[other])
        found[name] = before & set(names)
    return found


def pids(world: World) -> dict[str, int]:
    return {life.spec.label: life.pid for life in world.ensemble.lives.values()}


class TestExchange:
    """Who is told, in which order, and who is there afterwards."""

    def test_what_is_the_same_goes_on_and_the_rest_is_as_the_new_file_says(self) -> None:
        world = began(spec("same"), spec("other"), spec("gone"))
        world.run(1)
        before = pids(world)
        exchange(world, spec("new"), spec("other", nice=1), spec("same"), spec("later", autostart=False))
        world.run(1)
        after = pids(world)
        assert list(after) == ["new", "other", "same", "later"]
        assert after["same"] == before["same"]
        assert after["other"] not in {0, before["other"]}
        assert after["new"]
        assert not after["later"]
        assert world.log("same").count("told") == 0
        assert world.log("gone")[-2:] == ["died", "STOPPED"]
        (swapped,) = world.swapped
        assert (swapped.added, swapped.removed) == ((("new", 0), ("later", 0)), (("gone", 0),))
        assert swapped.groups_removed == ("other", "gone")
        assert swapped.groups_added == ("new", "other", "later")

    def test_nothing_is_in_place_before_the_last_one_has_ended(self) -> None:
        world = began(spec("slow"), spec("quick"), manners={"slow": Manner(obeys=5)})
        world.run(1)
        exchange(world, spec("quick", nice=1), spec("new"))
        world.run(4)
        assert not world.swapped
        assert state(world, "quick") is State.STOPPED
        world.run(1)
        assert state(world, "quick") is state(world, "new") is State.RUNNING

    def test_who_needs_others_ends_before_them_over_whomever(self) -> None:
        services = [spec("db"), spec("app", "db"), spec("web", "app")]
        world = began(*services, manners={"web": Manner(obeys=2)})
        world.run(1)
        app = world.ensemble.lives["app", 0].pid
        exchange(world, spec("db", nice=1), services[1], spec("web", "app", nice=1))
        world.run(1)
        assert "told" in world.log("web")
        assert "told" not in world.log("db")
        world.run(5)
        assert "told" in world.log("db")
        assert world.ensemble.lives["app", 0].pid == app
        assert state(world, "web") is state(world, "db") is State.RUNNING

    def test_by_priority_the_higher_number_ends_first_over_whomever(self) -> None:
        services = [spec("db", priority=1), spec("app", priority=2), spec("web", priority=3)]
        world = began(*services, manners={"web": Manner(obeys=2)}, stop_by_priority=True)
        world.run(1)
        exchange(world, replace(services[0], nice=1), services[1], replace(services[2], nice=1))
        world.run(1)
        assert "told" in world.log("web")
        assert "told" not in world.log("db")
        world.run(5)
        assert "told" not in world.log("app")
        assert "told" in world.log("db")

    def test_one_who_does_not_end_is_killed_in_its_time(self) -> None:
        world = began(spec("deaf", stop_timeout=3.0), manners={"deaf": STUBBORN})
        world.run(1)
        exchange(world, spec("new"))
        world.run(4)
        assert "killed" in world.log("deaf")
        assert list(world.ensemble.lives) == [("new", 0)]

    def test_what_matters_later_only_stops_nobody(self) -> None:
        world = began(spec("web", stop_timeout=100.0), manners={"web": STUBBORN})
        world.run(1)
        exchange(world, spec("web", stop_timeout=2.0, health=Health(Means.TCP, ":1")))
        assert world.swapped[0].adjusted == (("web", 0),)
        world.do(world.ensemble.stop([("web", 0)], world.now))
        world.run(2)
        assert world.log("web")[-5:] == ["STOPPING", "told", "killed", "died", "STOPPED"]

    def test_replicas_that_stay_are_left_alone(self) -> None:
        web = [spec("web", index=index, replicas=2) for index in range(2)]
        world = began(*web)
        world.run(1)
        first = world.ensemble.lives["web", 0].pid
        exchange(world, *(replace(web[0], index=index, replicas=4) for index in range(4)))
        world.run(1)
        assert len({life.pid for life in world.ensemble.lives.values()} - {0}) == 4
        exchange(world, replace(web[0], replicas=1))
        world.run(1)
        assert pids(world) == {"web": first}

    def test_an_order_that_cannot_be_changes_nothing(self) -> None:
        world = began(spec("a"), spec("b"))
        world.run(1)
        before = pids(world)
        with pytest.raises(OrderError, match="a waits for itself"):
            exchange(world, spec("a", "b"), spec("b", "a"))
        with pytest.raises(OrderError, match="no service"):
            exchange(world, spec("a", "b"))
        world.run(1)
        assert pids(world) == before
        world.do(world.ensemble.restart(world.ensemble.lives, world.now))
        world.run(1)
        assert pids(world).keys() == before.keys()

    def test_a_mended_service_is_started_and_so_are_those_who_were_refused(self) -> None:
        db, web = spec("db", ready=READY), spec("web", "db ready")
        world = began(db, web, manners={"db": Manner(lives=1, ready=math.inf, status=3)})
        world.run(2)
        assert ("web", 0) in world.ensemble.refused
        world.manners["db"] = Manner()
        exchange(world, replace(db, nice=1), web)
        world.run(1)
        assert state(world, "db") is state(world, "web") is State.RUNNING
        assert not world.ensemble.refused
        assert not world.ensemble.failures

    def test_what_a_removed_one_has_left_behind_is_ended(self) -> None:
        world = began(spec("forks"), spec("b"), manners={"forks": Manner(lives=1, leaves=math.inf)})
        world.run(2)
        assert state(world, "forks") is State.EXITED
        assert world.guests["forks", 0].left
        exchange(world, spec("b"))
        assert world.ensemble.lives["forks", 0].phase is Phase.SWEEPING
        world.run(20)
        assert list(world.ensemble.lives) == [("b", 0)]
        assert not world.guests["forks", 0].left

    def test_nobody_ends_the_container_while_it_is_under_way(self) -> None:
        when = ExitWhen(When.ALL_EXIT)
        manners = {"job": Manner(lives=1), "web": Manner()}
        world = began(spec("job"), spec("web"), manners=manners, exit_when=when)
        world.run(2)
        changed = Project(services=(spec("job"), spec("web", nice=1)), exit_when=when)
        world.do(world.ensemble.exchange(changed, [("web", 0)], [("web", 0)], world.now))
        world.run(2)
        assert world.outcome is None
        assert state(world, "web") is State.RUNNING


class TestMeanwhile:
    """What people ask for while it is under way."""

    def slow(self, *more: ServiceSpec) -> World:
        world = began(spec("slow"), *more, manners={"slow": Manner(obeys=5)})
        world.run(1)
        return world

    def test_who_is_started_is_started_afterwards(self) -> None:
        world = self.slow(spec("web", "slow", autostart=False))
        exchange(world, spec("slow", nice=1), spec("web", "slow", autostart=False), wanted=[])
        world.do(world.ensemble.start([("web", 0)], world.now))
        world.do(world.ensemble.restart([("slow", 0)], world.now))
        world.run(1)
        assert world.log("slow").count("spawned") == 1
        world.run(5)
        assert state(world, "slow") is state(world, "web") is State.RUNNING
        assert world.ensemble.lives["slow", 0].spec.nice == 1

    def test_who_is_stopped_is_not_started_afterwards(self) -> None:
        world = self.slow()
        exchange(world, spec("slow", nice=1))
        world.do(world.ensemble.stop([("slow", 0)], world.now))
        world.run(10)
        assert state(world, "slow") is State.STOPPED
        assert world.swapped

    def test_another_one_takes_its_place(self) -> None:
        world = self.slow(spec("b"))
        exchange(world, spec("slow", nice=1), spec("b", nice=1))
        world.run(1)
        exchange(world, spec("slow"), spec("c"))  # as it was, but it was told to end
        world.run(10)
        assert pids(world).keys() == {"slow", "c"}
        assert all(pids(world).values())
        assert len(world.swapped) == 1
        assert world.log("slow").count("told") == 1

    def test_the_end_ends_it(self) -> None:
        world = self.slow(spec("b"))
        exchange(world, spec("new"))
        world.do(world.ensemble.shutdown(world.now))
        world.run(30)
        assert world.dropped == 1
        assert not world.swapped
        assert world.over is not None
        assert world.ensemble.exchange(Project(services=(spec("new"),)), [], [], world.now) == []
        assert world.ensemble.swap(world.now) == []


# ------------------------------------------------------------------------------------ whatever they ask for


@st.composite
def another(draw: st.DrawFn, project: Project) -> Project:
    """A project that has something to do with another one."""
    services: list[ServiceSpec] = []
    names = dict.fromkeys(one.name for one in project.services)
    for name in names:
        own = [one for one in project.services if one.name == name]
        match draw(st.sampled_from(["same", "same", "changed", "adjusted", "gone", "fewer", "more"])):
            case "same":
                services += own
            case "changed":
                services += [replace(one, nice=one.nice + 1) for one in own]
            case "adjusted":
                services += [replace(one, drain=one.drain + 1) for one in own]
            case "fewer":
                services += [replace(own[0], replicas=1)]
            case "more":
                services += [replace(own[0], index=index, replicas=3) for index in range(3)]
    if "new" not in names and draw(st.booleans()):
        services.append(spec("new", autostart=draw(st.booleans())))
    there = {one.name for one in services}
    kept = tuple(
        replace(one, after=tuple(need for need in one.after if need.service in there)) for one in services
    )
    return replace(project, services=kept)


@settings(max_examples=100, deadline=None)
@given(projects(), st.data())
def test_nobody_makes_room_before_those_whom_he_outlives(project: Project, data: st.DataObject) -> None:
    by_priority = data.draw(st.booleans())
    # They do not end by themselves, and nothing of them is left.
    names = {one.name for one in project.services}
    manners = {name: Manner(obeys=data.draw(TIMES)) for name in names}
    services = tuple(replace(one, after=()) for one in project.services) if by_priority else project.services
    project = replace(project, services=services, exit_when=ExitWhen(), stop_by_priority=by_priority)
    world = World(project, manners)
    world.do(world.ensemble.start(None, world.now))
    world.run(50)
    away = data.draw(st.sets(st.sampled_from(sorted(names)), min_size=1))
    before, asked = by_name(world.ensemble.order, away), world.now
    changed = tuple(replace(one, nice=one.nice + 1) if one.name in away else one for one in services)
    changes = by_replica(services, changed)
    world.do(world.ensemble.exchange(replace(project, services=changed), changes.away, [], world.now))
    world.run(300)
    for key, guest in world.guests.items():
        # After that it may have been started anew, and have ended again.
        told = next((at for at, line in guest.log if line == "told" and at >= asked), math.inf)
        for other in (other for other in world.guests if other[0] in before.get(key[0], ())):
            ended = [at for at, line in world.guests[other].log if line == "died" and at >= asked]
            assert not ended or ended[0] <= told


@settings(max_examples=150, deadline=None)
@given(projects(), st.data())
def test_whoever_is_in_both_hears_nothing_of_it(project: Project, data: st.DataObject) -> None:
    project = replace(project, exit_when=ExitWhen())
    # They do not end by themselves: whatever ends them then is our doing.
    manner = Manner(obeys=data.draw(TIMES), leaves=data.draw(st.sampled_from([0.0, 1.0])))
    world = World(project, {one.name: manner for one in project.services} | {"new": manner})
    world.do(world.ensemble.start(None, world.now))
    world.run(50)
    there = {key: life.pid for key, life in world.ensemble.lives.items() if life.pid}
    new = data.draw(another(project))
    changes = by_replica(project.services, new.services)
    told = {key: len(guest.log) for key, guest in world.guests.items()}
    wanted = (*changes.added, *changes.changed)
    world.do(world.ensemble.exchange(new, changes.away, wanted, world.now))
    world.run(300)
    assert len(world.swapped) == 1
    assert list(world.ensemble.lives) == [one.key for one in new.services]
    for one in new.services:
        life = world.ensemble.lives[one.key]
        assert life.spec == one
        if one.key in there and one.key not in changes.away:
            assert life.pid == there[one.key]
            assert len(world.guests[one.key].log) == told[one.key]
        elif one.key in changes.changed:
            assert life.pid != there.get(one.key, -1)


@settings(max_examples=200, deadline=None)
@given(projects(), st.data())
def test_whatever_is_asked_for_it_comes_to_an_end(project: Project, data: st.DataObject) -> None:
    names = {one.name: None for one in project.services} | {"new": None}
    # Who does not even end by SIGKILL is waited for as long as he is there.
    world = World(project, {name: replace(data.draw(MANNERS), dies=0.1) for name in names})
    ensemble = world.ensemble
    world.do(ensemble.start(None, world.now))
    asked = 0
    for _ in range(data.draw(st.integers(1, 5))):
        world.run(data.draw(TIMES))
        if ensemble.ending is not None:
            break
        there = list(ensemble.lives)
        keys = data.draw(st.lists(st.sampled_from(there), max_size=3, unique=True)) if there else []
        match data.draw(st.sampled_from(["reload", "reload", "reload", "start", "stop", "restart"])):
            case "reload":
                new = data.draw(another(project))
                project = new
                old = [life.spec for life in ensemble.lives.values()]
                changes = by_replica(old, new.services)
                wanted = {*changes.added, *changes.changed}
                world.do(ensemble.exchange(new, changes.away, wanted, world.now))
                asked += 1
            case "start":
                world.do(ensemble.start(keys, world.now))
            case "stop":
                world.do(ensemble.stop(keys, world.now))
            case "restart":
                world.do(ensemble.restart(keys, world.now))
    world.run(600)
    assert bool(world.swapped or world.dropped) == bool(asked) or ensemble.ending is not None
    if ensemble.ending is None:
        assert list(ensemble.lives) == [one.key for one in project.services]
        assert ensemble._reload is None
        world.do(ensemble.shutdown(world.now))
    world.run(200)
    assert world.over is not None
    assert ensemble.wake == math.inf
