"""Doors behind which no gateway can be started: who waits for how long, and when it is tried again."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from endwell.model.place import Place
from endwell.model.supervisord import Supervisord
from endwell.model.supervisord_servers import UnixServer
from endwell.supervise.doors import Doors
from endwell.system.listening import Listening
from endwell.system.loop import Timer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from endwell.supervise.children import Children
    from endwell.system.loop import Loop


class Clock:
    """A loop whose time is the test's."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.watched: dict[int, Callable[[], None]] = {}
        self.timers: list[tuple[float, Timer]] = []

    def now(self) -> float:
        return self.time

    def watch(self, descriptor: int, call: Callable[[], None]) -> None:
        self.watched[descriptor] = call

    def forget(self, descriptor: int) -> None:
        self.watched.pop(descriptor, None)

    def at(self, when: float, call: Callable[[], None]) -> Timer:
        timer = Timer(call)
        self.timers.append((when, timer))
        return timer

    def after(self, seconds: float, call: Callable[[], None]) -> Timer:
        return self.at(self.time + seconds, call)

    def pass_to(self, when: float) -> None:
        self.time = when
        for due, timer in self.timers:
            if due <= when and timer.call is not None:
                call, timer.call = timer.call, None
                call()

    def knock(self) -> None:
        """Call whoever watches the door, as long as there is somebody at it."""
        for descriptor, call in list(self.watched.items()):
            if self.watched.get(descriptor) is call:
                call()


class Broken:
    """Children none of which can be started."""

    def __init__(self) -> None:
        self.starts = 0

    def start_own(self, *_: object) -> None:
        self.starts += 1
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))


class Scene:
    """Doors, of which there is one."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.clock, self.children, self.said = Clock(), Broken(), cast("list[str]", [])
        self.doors = Doors(
            cast("Loop", self.clock), cast("Children", self.children), lambda _: None, {}, self.said.append
        )
        server = UnixServer(section="unix_http_server", place=Place("f", 1), file=path)
        self.doors.open(Supervisord(unix_servers=(server,)))

    def come(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)  # noqa: FBT003  the standard library's
        client.connect(self.path)
        return client


@pytest.fixture
def scene() -> Iterator[Scene]:
    with tempfile.TemporaryDirectory(prefix="dr") as directory:
        found = Scene(str(Path(directory) / "s"))
        yield found
        found.doors.close()


def waits(client: socket.socket) -> bool:
    try:
        return not client.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True


def test_one_failure_may_be_an_accident_and_two_are_none(scene: Scene) -> None:
    with scene.come() as first:
        scene.clock.knock()
        assert scene.children.starts == 1
        assert "started again for who comes after 1 s" in scene.said[0]
        assert waits(first)
        assert scene.clock.watched == {}  # nobody is looked at, so nothing spins

        scene.clock.pass_to(1001.0)
        scene.clock.knock()
        assert scene.children.starts == 2
        assert scene.said[1].endswith("after 2 s; until then everybody is answered with 503")
        scene.clock.knock()
        assert first.recv(4096).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")


def test_the_pause_grows_and_nothing_wakes_anybody_in_it(scene: Scene) -> None:
    at = 1000.0
    with scene.come():
        scene.clock.knock()
    scene.clock.pass_to(at := at + 1.0)
    starts = 1
    for pause in (2, 4, 8, 16, 32, 60, 60):
        with scene.come():
            scene.clock.knock()
            starts += 1
            assert scene.children.starts == starts
            assert f"after {pause} s;" in scene.said[-1]
        assert not [one for _, one in scene.clock.timers if one.call is not None]
        for moment in (0.0, pause - 0.1):
            scene.clock.pass_to(at + moment)
            with scene.come() as soon:
                scene.clock.knock()
                assert b" 503 " in soon.recv(4096)
                assert scene.children.starts == starts
        at += pause
        scene.clock.pass_to(at)


def test_who_cannot_even_be_sent_away_is_left_outside_until_then(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene.come():
        scene.clock.knock()
        scene.clock.pass_to(1001.0)
        scene.clock.knock()

    def none(_: Listening) -> Any:  # noqa: ANN401  it returns nothing at all
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(Listening, "accept", none)
    scene.clock.knock()
    assert scene.clock.watched == {}
    monkeypatch.undo()
    scene.clock.pass_to(1003.0)
    assert len(scene.clock.watched) == 1
    scene.clock.knock()
    assert scene.children.starts == 3


def test_a_crowd_is_sent_away_in_more_than_one_turn(scene: Scene) -> None:
    with scene.come():
        scene.clock.knock()
        scene.clock.pass_to(1001.0)
        scene.clock.knock()
    crowd = [scene.come() for _ in range(40)]
    scene.clock.knock()
    assert sum(waits(client) for client in crowd) >= 20
    for _ in range(3):
        scene.clock.knock()
    assert not any(waits(client) for client in crowd)
    for client in crowd:
        client.close()
