"""endwell.supervise.reloading: what is asked for group by group, and what is said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from endwell.machine.act import Act
from endwell.machine.changes import Names
from endwell.machine.state import State
from endwell.model.control import ControlError, Kind
from endwell.model.project import ExitWhen, Project, When
from endwell.model.restart import Restart
from endwell.model.service import Hook, Hooks
from endwell.records import replace
from endwell.supervise.applied import Applied
from endwell.supervise.reading import Reading, UnreadableError
from endwell.supervise.reloading import Reloading
from tests.unit.machine.test_ensemble import spec
from tests.unit.machine.world import Manner, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.model.service import ServiceSpec


class Site:
    """A `Supervisor` in virtual time, and a file."""

    def __init__(
        self,
        *services: ServiceSpec,
        by_group: bool = True,
        exit_when: ExitWhen = ExitWhen(),  # noqa: B008  a value
        **words: object,
    ) -> None:
        found = self.reading(*services, by_group=by_group, **words)
        self.first = self.file = replace(found, project=replace(found.project, exit_when=exit_when))
        self.by_group = by_group
        self.world = World(self.first.project, {"slow": Manner(obeys=5)})
        self.ensemble = self.world.ensemble
        self.listeners: list[Callable[[Act], None]] = []
        self.hangup: Callable[[], None] = lambda: None
        self.said: list[str] = []
        self.problems: tuple[str, ...] = ()
        self.answers: list[Applied | ControlError] = []
        here = cast("Any", self)
        self.reloading = Reloading(here, here, lambda: self.world.now, self.said.append)
        self.do(self.ensemble.start(None, self.world.now))
        self.run()

    def reading(self, *services: ServiceSpec, by_group: bool = True, **words: object) -> Reading:
        return Reading(
            project=Project(services=services), path="x.conf", words=lambda: words, by_group=by_group
        )

    def write(self, *services: ServiceSpec, **words: object) -> None:
        self.file = self.reading(*services, by_group=self.by_group, **words)

    def __call__(self) -> Reading:
        if self.problems:
            raise UnreadableError(self.problems)
        return self.file

    def do(self, acts: list[Act]) -> None:
        known = len(self.world.swapped), self.world.dropped
        self.world.do(acts)
        self.tell(*known)

    def run(self, seconds: float = 1.0) -> None:
        known = len(self.world.swapped), self.world.dropped
        self.world.run(seconds)
        self.tell(*known)

    def tell(self, swapped: int, dropped: int) -> None:
        for one in self.world.swapped[swapped:]:
            for listener in self.listeners:
                listener(Act(None, one))
        if self.world.dropped > dropped:
            for listener in self.listeners:
                listener(Act(None, _dropped()))

    def refused(self, ask: Callable[..., object], *arguments: object) -> Kind:
        with pytest.raises(ControlError) as caught:
            ask(*arguments)
        return caught.value.kind

    def state(self, name: str) -> State:
        return self.ensemble.lives[name, 0].state


def _dropped() -> Any:  # noqa: ANN401  imported here only
    from endwell.machine.reloading import Dropped  # noqa: PLC0415

    return Dropped()


class TestGroups:
    """supervisord's steps: reread, then add and remove group by group."""

    def test_reread_says_what_is_different_and_applies_nothing(self) -> None:
        site = Site(spec("a"), spec("b"), spec("c"), c=1)
        site.write(spec("d"), spec("b", drain=1.0), spec("c"), c=2)
        assert site.reloading.reread() == site.reloading.reread() == Names(("d",), ("b", "c"), ("a",))
        assert [name for name, _ in site.ensemble.lives] == ["a", "b", "c"]
        site.problems = ("x.conf:1: wrong",)
        assert site.refused(site.reloading.reread) is Kind.CONFIGURATION
        site.reloading.add("d")  # what was read last holds

    def test_the_steps_of_an_update(self) -> None:
        site = Site(spec("a"), spec("b"), spec("c"))
        site.write(spec("d"), spec("b", nice=1), spec("c"))
        site.reloading.reread()
        for group in ("a", "b"):
            assert site.refused(site.reloading.remove, group) is Kind.STILL_RUNNING
            site.do(site.ensemble.stop([(group, 0)], site.world.now))
            site.run()
            site.reloading.remove(group)
            assert site.refused(site.reloading.remove, group) is Kind.BAD_NAME
        for group in ("b", "d"):
            site.reloading.add(group)
            assert site.refused(site.reloading.add, group) is Kind.ALREADY_ADDED
        site.run()
        assert [name for name, _ in site.ensemble.lives] == ["d", "b", "c"]
        assert {site.state(name) for name in "dbc"} == {State.RUNNING}
        assert site.reloading.reread() == Names()
        assert site.world.log("c").count("told") == 0

    def test_what_is_added_is_what_was_read_last(self) -> None:
        site = Site(spec("a"))
        site.write(spec("a"), spec("b"))
        assert site.refused(site.reloading.add, "b") is Kind.BAD_NAME
        site.reloading.reread()
        site.write(spec("a"))
        site.reloading.add("b")
        assert site.reloading.reread() == Names(removed=("b",))
        assert site.refused(site.reloading.add, "nothing") is Kind.BAD_NAME

    def test_what_was_removed_can_be_added_again_and_starts_as_it_says(self) -> None:
        site = Site(spec("a"), spec("late", autostart=False))
        site.reloading.remove("late")
        site.reloading.add("late")
        site.run()
        assert site.state("late") is State.STOPPED
        assert site.ensemble.lives["a", 0].pid

    def test_who_waits_for_a_group_that_is_not_there_does_not_wait(self) -> None:
        site = Site(spec("db"), spec("web", "db"))
        site.do(site.ensemble.stop([("db", 0)], site.world.now))
        site.run()
        site.reloading.remove("db")
        assert site.ensemble.lives["web", 0].spec.after == ()
        assert site.reloading.reread() == Names(added=("db",))
        site.reloading.add("db")
        assert site.ensemble.lives["web", 0].spec.after != ()
        assert site.world.log("web").count("told") == 0

    def test_the_one_whose_end_would_be_that_of_the_container_can_be_removed(self) -> None:
        site = Site(spec("a"), spec("b", autostart=False), exit_when=ExitWhen(When.SERVICE_EXITS, "b"))
        site.reloading.remove("b")
        site.do(site.ensemble.stop([("a", 0)], site.world.now))
        site.run()
        site.reloading.add("b")
        site.do(site.ensemble.start([("b", 0)], site.world.now))
        site.run()
        assert site.world.outcome is None
        site.world.manners["b"] = Manner(lives=1)
        site.do(site.ensemble.restart([("b", 0)], site.world.now))
        site.run(3)
        assert site.world.outcome == (0, "b has exited")

    def test_a_group_that_has_left_somebody_behind_is_over_when_they_are(self) -> None:
        site = Site(spec("a"))
        site.write(spec("a"), spec("forks"))
        site.world.manners["forks"] = Manner(lives=1, leaves=3)
        site.reloading.reread()
        site.reloading.add("forks")
        site.run(3)
        site.reloading.remove("forks")
        assert site.refused(site.reloading.remove, "forks") is Kind.BAD_NAME
        site.reloading.add("forks")
        site.run(5)
        assert site.world.log("forks").count("spawned") == 2

    def test_a_group_whose_hooks_run_is_over_when_they_are(self) -> None:
        site = Site(spec("a", hooks=Hooks(after_stop=(Hook(("x",), 5.0),))), spec("b"))
        site.world.manners["a"] = Manner(hooks=2)
        site.do(site.ensemble.stop([("a", 0)], site.world.now))
        assert site.refused(site.reloading.remove, "a") is Kind.STILL_RUNNING
        site.run(0.5)
        assert site.state("a") is State.STOPPED
        site.reloading.remove("a")
        assert ("a", 0) in site.ensemble.lives
        site.run(5)
        assert list(site.ensemble.lives) == [("b", 0)]

    def test_one_that_pauses_before_a_restart_is_not_over(self) -> None:
        site = Site(spec("a", when=Restart.ALWAYS))
        site.world.manners["a"] = Manner(lives=0.5)
        site.do(site.ensemble.restart([("a", 0)], site.world.now))
        site.run(0.55)
        assert site.state("a") is State.EXITED
        assert site.refused(site.reloading.remove, "a") is Kind.STILL_RUNNING

    def test_what_cannot_be_ordered_changes_nothing(self) -> None:
        site = Site(spec("a"))
        site.file = replace(
            site.file,
            project=Project(
                services=(spec("a"), spec("b", "c"), spec("c", "b")),
                exit_when=ExitWhen(When.ANY_FAILS),
            ),
        )
        site.reloading.reread()
        site.reloading.add("b")  # c is not there yet
        assert site.refused(site.reloading.add, "c") is Kind.CONFIGURATION
        assert list(site.ensemble.lives) == [("a", 0), ("b", 0)]
        assert site.reloading.reread().added == ("c",)

    def test_priorities_that_have_come_with_the_file_order_the_stop(self) -> None:
        site = Site(spec("a"))
        new = site.reading(spec("a"), spec("slow", priority=1000))
        site.file = replace(new, project=replace(new.project, stop_by_priority=True))
        site.reloading.reread()
        assert not site.ensemble.order.by_priority
        site.reloading.add("slow")
        site.run()
        site.do(site.ensemble.shutdown(site.world.now))
        site.run(1)
        assert (site.state("slow"), site.state("a")) == (State.STOPPING, State.RUNNING)


class TestWhole:
    """All at once."""

    def test_by_groups(self) -> None:
        site = Site(spec("a", group="x"), spec("b", group="x"), spec("c"), spec("late", autostart=False))
        site.do(site.ensemble.start([("late", 0)], site.world.now))
        site.run()
        late = spec("late", autostart=False, nice=1)
        site.write(spec("a", group="x", nice=1), spec("b", group="x"), spec("c"), late)
        site.reloading.reload(site.answers.append)
        site.run()
        assert site.answers == [Applied(Names(changed=("x", "late")))]
        assert [site.world.log(name).count("spawned") for name in ("a", "b", "c", "late")] == [2, 2, 1, 2]

    def test_one_that_runs_although_it_need_not_is_not_started_when_all_begins_anew(self) -> None:
        site = Site(spec("a"), spec("late", autostart=False))
        site.do(site.ensemble.start([("late", 0)], site.world.now))
        site.run()
        site.hangup()
        site.run()
        assert [site.world.log(name).count("spawned") for name in ("a", "late")] == [2, 1]
        assert site.said == ["reloaded: everything was stopped and started anew"]

    def test_one_that_is_to_be_started_from_now_on(self) -> None:
        site = Site(spec("a", autostart=False), spec("b", autostart=False), by_group=False)
        site.write(spec("a"), spec("b", autostart=False, drain=1.0))
        site.reloading.reload(site.answers.append)
        site.run()
        assert (site.state("a"), site.state("b")) == (State.RUNNING, State.STOPPED)
        assert str(site.answers[0]) == "reloaded: adjusted without a restart: a, b"

    def test_two_at_a_time_are_answered_together(self) -> None:
        site = Site(spec("slow"), spec("b"), by_group=False)
        site.write(spec("slow", nice=1), spec("b"))
        site.reloading.reload(site.answers.append)
        site.run()
        assert not site.answers
        site.write(spec("slow"), spec("b"), spec("c"))
        site.reloading.reload(site.answers.append)
        site.run(10)
        assert [str(one) for one in site.answers] == [
            "reloaded: changed: slow",
            "reloaded: added: c; changed: slow",
        ]
        assert site.state("slow") is State.RUNNING

    def test_the_end_comes_first(self) -> None:
        site = Site(spec("slow"), by_group=False)
        site.write()
        site.reloading.reload(site.answers.append)
        site.do(site.ensemble.shutdown(site.world.now))
        (answer,) = site.answers
        assert isinstance(answer, ControlError)
        assert answer.kind is Kind.STOPPING
        for ask in (site.reloading.reread, lambda: site.reloading.reload(site.answers.append)):
            assert site.refused(ask) is Kind.STOPPING
        site.hangup()
        assert site.said == []

    def test_what_cannot_be_applied_is_said(self) -> None:
        site = Site(spec("a"), by_group=False)
        site.file = replace(
            site.file, project=replace(site.file.project, socket="/x"), warnings=("x.conf:1: odd",)
        )
        site.hangup()
        assert site.said == [
            "reloaded: nothing has changed",
            "SIGHUP: warning: x.conf:1: odd",
            "SIGHUP: warning: x.conf: the socket stays where it is until the container is started again",
        ]

    def test_problems_are_told_with_what_to_do(self) -> None:
        site = Site(spec("a"), by_group=False)
        site.problems = ("x.toml:3: this", "x.toml:5: that")
        site.hangup()
        assert site.said == [
            "SIGHUP: x.toml:3: this",
            "SIGHUP: x.toml:5: that",
            "SIGHUP: cannot use x.conf, so nothing was changed: mend the file and reload again",
        ]
