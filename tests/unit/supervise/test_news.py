"""What `endwell up` says of services, and what it does not say again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from endwell.machine.act import Act
from endwell.machine.effect import Announce
from endwell.machine.event import SpawnFailed
from endwell.machine.life import Life
from endwell.machine.reloading import Swapped
from endwell.machine.state import State
from endwell.model.project import Project
from endwell.model.service import ServiceSpec
from endwell.supervise.news import News

if TYPE_CHECKING:
    from collections.abc import Callable

WHY = "cannot find x: it is not on PATH"


class World:
    """Two replicas of one service, one of another, and what is said of them."""

    def __init__(self) -> None:
        specs = [ServiceSpec(name="web", index=index, replicas=2, command=("x",)) for index in range(2)]
        specs.append(ServiceSpec(name="db", command=("y",)))
        self.lives = {spec.key: Life(spec) for spec in specs}
        self.said: list[str] = []
        self.news = News(self.lives, self.said.append)

    def fails(self, name: str, index: int = 0, why: str = WHY, path: str = "/bin") -> str:
        """Let a start fail; return what is said."""
        self.news(Act((name, index), SpawnFailed(why, 127, path)))
        return self.becomes(name, index, State.BACKOFF, why)

    def becomes(self, name: str, index: int, state: State, why: str = "") -> str:
        """Announce a state; return what is said."""
        self.said.clear()
        self.news(Act((name, index), Announce(State.STARTING, state, 7, 1, True, True, None, why)))  # noqa: FBT003  expected, ready
        return "; ".join(self.said)


def test_a_reason_is_said_once_for_all_replicas_and_a_path_once_for_all() -> None:
    world = World()
    assert world.fails("web") == f"web-1 could not be started: {WHY} (PATH is /bin)"
    assert world.fails("web", 1) == "web-2 could not be started, for the same reason"
    assert world.fails("web") == "web-1 could not be started, for the same reason"
    assert world.fails("db") == f"db could not be started: {WHY}"
    assert world.fails("db", path="/sbin", why="y") == "db could not be started: y (PATH is /sbin)"
    assert world.fails("web", 1) == "web-2 could not be started, for the same reason"


def test_another_reason_is_said_without_a_path_that_has_no_part_in_it() -> None:
    world = World()
    assert world.fails("db", why="no such user", path="") == "db could not be started: no such user"
    for _ in range(2):  # each time there was one, and it may have said something
        said = world.becomes("db", 0, State.BACKOFF, "exited with 1")
        assert said == "db could not be started: exited with 1"


@pytest.mark.parametrize(
    "happens",
    [
        lambda world: world.becomes("web", 1, State.RUNNING),
        lambda world: world.news(Act(None, Swapped(Project(), *[()] * 6))),
    ],
    ids=["one of them runs", "the file has changed"],
)
def test_it_is_said_again(happens: Callable[[World], object]) -> None:
    world = World()
    world.fails("web")
    happens(world)
    assert world.fails("web") == f"web-1 could not be started: {WHY}"
