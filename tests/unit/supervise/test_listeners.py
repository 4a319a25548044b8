"""endwell.supervise.listeners: the clock, the ends of their pipes, and projects that change."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from endwell.machine.act import Act
from endwell.machine.effect import Announce
from endwell.machine.ensemble import Ensemble
from endwell.machine.reloading import Renewing, Swapped
from endwell.machine.state import State
from endwell.model.project import Project
from endwell.model.service import Listening, Log, ServiceSpec
from endwell.records import replace
from endwell.supervise.listeners import Listeners
from endwell.supervise.stdin import BOUND
from endwell.system.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAIL, WEB = ("mail", 0), ("web", 0)


class Process:
    """One that can be written to and heard, without being there."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.error: Exception | None = None
        self.call: Callable[[str, bytes], None] = lambda *_: None
        self.logged: dict[str, Callable[[bytes], None]] = {}
        self.said: dict[str, Callable[[bytes], None]] = {}
        self.child = SimpleNamespace(process=SimpleNamespace(pid=42))
        self.stdin = self.outlets = self

    def write(self, data: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.read.append(data.decode())

    def watch(self, call: Callable[[str, bytes], None]) -> None:
        self.call = call

    def follow(self, stream: str, call: Callable[[bytes], None]) -> None:
        self.logged[stream] = call

    def heed(self, stream: str, call: Callable[[bytes], None]) -> None:
        self.said[stream] = call

    def writes(self, words: bytes) -> None:
        self.call("stdout", words)

    @property
    def events(self) -> list[str]:
        """What it was told, without what is the same for all."""
        return [
            f"{text.split('eventname:')[1].split()[0]} {text.partition(chr(10))[2]}" for text in self.read
        ]


class Rig:
    """Listeners to a project, on a clock of their own."""

    def __init__(self, *events: str, buffer_size: int = 10, stdout: Log | None = None) -> None:
        self.loop = Loop()
        self.said: list[str] = []
        self.wall = 1000.0
        mail = ServiceSpec(name="mail", command=("x",), listener=Listening(events, buffer_size))
        self.project = Project(
            services=(mail, ServiceSpec(name="web", command=("x",), stdout=stdout or Log(), stderr=Log()))
        )
        self.ensemble = Ensemble(self.project)
        self.listeners = Listeners(self.loop, self.ensemble, "us", self.said.append, lambda: self.wall)
        self.listeners.begin(self.project.services)

    def spawn(self, key: tuple[str, int] = MAIL) -> Process:
        process = Process()
        self.listeners.spawned(key, process)  # type: ignore[arg-type]
        return process

    def swap(self, *services: ServiceSpec, removed: tuple[str, ...], added: tuple[str, ...]) -> None:
        project = Project(services=services)
        self.ensemble.lives.clear()
        self.ensemble.lives.update(Ensemble(project).lives)
        self.listeners.take(Act(None, Swapped(project, (), (), (), (), removed, added)))


@pytest.fixture
def rigs() -> Iterator[Callable[..., Rig]]:
    made: list[Rig] = []

    def make(*events: str, buffer_size: int = 10, stdout: Log | None = None) -> Rig:
        made.append(Rig(*events, buffer_size=buffer_size, stdout=stdout))
        return made[-1]

    yield make
    for rig in made:
        rig.loop.close()


def test_the_clock_is_looked_at_only_for_those_who_want_to_be_told(rigs: Callable[..., Rig]) -> None:
    rig = rigs("PROCESS_STATE", "PROCESS_LOG", "REMOTE_COMMUNICATION")
    rig.spawn().writes(b"READY\n")
    assert rig.loop._patience() is None
    assert rigs("TICK_3600").loop._patience() is not None


def test_the_time_is_told_when_a_slice_of_it_begins(rigs: Callable[..., Rig]) -> None:
    rig = rigs("TICK")
    rig.wall = 1199.9
    process = rig.spawn()
    process.writes(b"READY\n")
    rig.listeners._ticks._ticked()
    assert process.events == ["TICK_5 when:1195"]
    rig.wall = 1200.02
    rig.listeners._ticks._ticked()
    rig.listeners._ticks._ticked()
    for _ in range(5):
        process.writes(b"RESULT 2\nOKREADY\n")
    slices = ["TICK_5 when:1195", "TICK_60 when:1140", "TICK_5 when:1200", "TICK_60 when:1200"]
    assert process.events == slices


def test_it_wakes_up_for_the_next_slice(rigs: Callable[..., Rig]) -> None:
    rig = rigs("TICK_5")
    process = rig.spawn()
    process.writes(b"READY\n")
    rig.wall = 1004.995
    rig.listeners._ticks._set()
    patience = rig.loop._patience()
    assert patience is not None
    assert patience <= 0.005
    rig.wall = 1005.0
    while not process.events:
        rig.loop.turn()
    assert process.events == ["TICK_5 when:1005"]


def test_a_clock_that_is_set_is_told_as_it_is(rigs: Callable[..., Rig]) -> None:
    rig = rigs("TICK_60")
    process = rig.spawn()
    process.writes(b"READY\n")
    rig.wall = 90000.0
    rig.listeners._ticks._ticked()
    rig.wall = 600.0
    rig.listeners._ticks._ticked()
    process.writes(b"RESULT 2\nOKREADY\n")
    assert process.events == ["TICK_60 when:90000", "TICK_60 when:600"]


def test_what_changes_beside_the_state_is_no_event(rigs: Callable[..., Rig]) -> None:
    rig = rigs("PROCESS_STATE")
    process = rig.spawn()
    process.writes(b"READY\n")
    for was in (State.RUNNING, State.STARTING):
        news = Announce(was, State.RUNNING, 42, 0, expected=True, ready=True, healthy=True, why="")
        rig.listeners.take(Act(WEB, news))
    assert process.events == [
        "PROCESS_STATE_RUNNING processname:web groupname:web from_state:STARTING pid:42"
    ]


def test_a_message_of_a_client(rigs: Callable[..., Rig]) -> None:
    rig = rigs("REMOTE_COMMUNICATION")
    process = rig.spawn()
    rig.listeners.remote("greeting", "hello\nyou")
    assert process.events == []
    process.writes(b"READY\n")
    assert process.events == ["REMOTE_COMMUNICATION type:greeting\nhello\nyou"]
    assert process.read[0].startswith("ver:3.0 server:us serial:0 pool:mail poolserial:0 eventname:REMOTE")


@pytest.mark.parametrize("error", [BrokenPipeError(), BufferError()])
def test_what_cannot_be_told_to_one_is_told_to_the_next(rigs: Callable[..., Rig], error: Exception) -> None:
    rig = rigs("REMOTE_COMMUNICATION")
    first = rig.spawn()
    first.error = error
    first.writes(b"READY\n")
    rig.listeners.remote("a", "b")
    rig.listeners.remote("c", "d")
    assert [line for line in rig.said if "cannot tell mail of event 0" in line] == rig.said
    rig.listeners.ended(MAIL)
    second = rig.spawn()
    second.writes(b"READY\n")
    assert second.events == ["REMOTE_COMMUNICATION type:a\nb"]


def test_what_is_longer_than_may_wait_is_not_told_at_all(rigs: Callable[..., Rig]) -> None:
    rig = rigs("REMOTE_COMMUNICATION")
    process = rig.spawn()
    process.writes(b"READY\n")
    rig.listeners.remote("a", "b" * BOUND)
    rig.listeners.remote("c", "d")
    assert process.events == ["REMOTE_COMMUNICATION type:c\nd"]
    assert len(rig.said) == 1
    assert "send it less" in rig.said[0]


def test_text_is_told_in_characters_and_its_rest_when_the_process_ends(rigs: Callable[..., Rig]) -> None:
    rig = rigs("PROCESS_LOG", stdout=Log(events=True))
    process, web = rig.spawn(), rig.spawn(WEB)
    assert set(web.logged) == {"stdout"}
    process.writes(b"READY\n")
    web.logged["stdout"](b"\xe2\x82")
    assert process.events == []
    web.logged["stdout"](b"\xac1\xe2")
    assert process.events == [
        "PROCESS_LOG_STDOUT processname:web groupname:web pid:42 channel:stdout\n\N{EURO SIGN}1"
    ]
    rig.listeners.ended(WEB)
    process.writes(b"RESULT 2\nOKREADY\n")
    assert process.events[1].endswith("Undecodable: b'\\xe2'")


def test_a_flood_is_mentioned_but_not_for_every_event(rigs: Callable[..., Rig]) -> None:
    rig = rigs("REMOTE_COMMUNICATION", buffer_size=1)
    for number in range(1, 1025):
        rig.listeners.remote("a", str(number))
    assert len(rig.said) == 10


def test_who_rejects_is_asked_again_later(rigs: Callable[..., Rig]) -> None:
    rig = rigs("REMOTE_COMMUNICATION")
    process = rig.spawn()
    process.writes(b"READY\n")
    rig.listeners.remote("a", "b")
    process.writes(b"RESULT 4\nFAILREADY\n")
    process.writes(b"RESULT 4\nFAILREADY\n")
    assert len(process.events) == 2
    while len(process.events) < 3:
        assert rig.loop._patience() is not None
        rig.loop.turn()
    process.writes(b"RESULT 2\nOKREADY\n")
    assert rig.loop._patience() is None


def test_who_listens_goes_on_through_a_reload_and_hears_of_the_groups(rigs: Callable[..., Rig]) -> None:
    rig = rigs("PROCESS_GROUP")
    process = rig.spawn()
    process.writes(b"READY\n")
    assert process.events == ["PROCESS_GROUP_ADDED groupname:mail\n"]
    rig.swap(rig.project.services[0], ServiceSpec(name="db", command=("x",)), removed=("web",), added=("db",))
    for _ in range(3):
        process.writes(b"RESULT 2\nOKREADY\n")
    assert process.events[1:] == [
        "PROCESS_GROUP_ADDED groupname:web\n",
        "PROCESS_GROUP_REMOVED groupname:web\n",
        "PROCESS_GROUP_ADDED groupname:db\n",
    ]


def test_a_restart_of_everything_is_told_as_supervisord_tells_it(rigs: Callable[..., Rig]) -> None:
    rig = rigs("PROCESS_GROUP", "SUPERVISOR_STATE_CHANGE", buffer_size=20)
    process = rig.spawn()
    process.writes(b"READY\n")
    for _ in range(2):
        process.writes(b"RESULT 2\nOKREADY\n")
    rig.listeners.take(Act(None, Renewing("SIGHUP")))
    rig.listeners.take(Act(None, Renewing("SIGHUP")))  # twice is once
    process.writes(b"RESULT 2\nOKREADY\n")
    assert process.events == [
        "PROCESS_GROUP_ADDED groupname:mail\n",
        "PROCESS_GROUP_ADDED groupname:web\n",
        "SUPERVISOR_STATE_CHANGE_RUNNING ",
        "SUPERVISOR_STATE_CHANGE_STOPPING ",
    ]
    rig.listeners.ended(MAIL)
    rig.swap(*rig.project.services, removed=("mail", "web"), added=("mail", "web"))
    rig.swap(*rig.project.services, removed=("web",), added=("web",))  # and the next one is an ordinary one
    process = rig.spawn()
    process.writes(b"READY\n")
    for _ in range(4):
        process.writes(b"RESULT 2\nOKREADY\n")
    assert process.events == [
        "PROCESS_GROUP_ADDED groupname:mail\n",
        "PROCESS_GROUP_ADDED groupname:web\n",
        "SUPERVISOR_STATE_CHANGE_RUNNING ",
        "PROCESS_GROUP_REMOVED groupname:web\n",
        "PROCESS_GROUP_ADDED groupname:web\n",
    ]


def test_who_wants_to_be_told_other_things_begins_anew(rigs: Callable[..., Rig]) -> None:
    rig = rigs("TICK")
    rig.spawn()
    rig.listeners.ended(MAIL)
    mail, web = rig.project.services
    changed = replace(mail, listener=Listening(("REMOTE_COMMUNICATION",)))
    rig.swap(changed, web, removed=("mail",), added=("mail",))
    assert rig.loop._patience() is None
    process = rig.spawn()
    process.writes(b"READY\n")
    rig.listeners.remote("a", "b")
    assert process.events == ["REMOTE_COMMUNICATION type:a\nb"]


def test_when_nobody_listens_any_more_nothing_is_done(rigs: Callable[..., Rig]) -> None:
    rig = rigs("EVENT")
    rig.spawn()
    rig.listeners.ended(MAIL)
    rig.swap(rig.project.services[1], removed=("mail",), added=())
    assert rig.loop._patience() is None
    rig.spawn(WEB)
    rig.listeners.remote("a", "b")
    rig.listeners.ended(WEB)
    assert rig.said == []
