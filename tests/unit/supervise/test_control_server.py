"""endwell.supervise.control.server, connection, exchange and work: without a supervisor behind them."""

from __future__ import annotations

import errno
import itertools
import json
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from endwell.model.control import ControlError, Kind
from endwell.supervise.control import server as module
from endwell.supervise.control.connection import ROOM
from endwell.supervise.control.server import Server
from endwell.supervise.control.work import Work
from endwell.system.listening import Listening, connected
from endwell.system.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from endwell.supervise.control.exchange import Exchange


def nothing() -> None:
    """It is there so that nobody sleeps."""


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


class Room:
    """A server with handlers of a test's own, and one client."""

    def __init__(self, loop: Loop, **handlers: Callable[[Exchange], None]) -> None:
        self.loop = loop
        self.mistakes: list[Exception] = []
        self.server = Server(None, loop, handlers, self.mistakes.append)
        ours, self.client = socket.socketpair(socket.AF_UNIX)
        self.client.setblocking(False)  # noqa: FBT003  the standard library's
        self.server.welcome(connected(ours.detach()))
        self._rest = b""

    def send(self, *values: dict[str, Any]) -> None:
        for value in values:
            self.client.sendall(json.dumps(value).encode() + b"\n")

    def turns(self, count: int = 5) -> None:
        for _ in range(count):
            self.loop.at(0.0, nothing)
            self.loop.turn()

    def read(self) -> list[dict[str, Any]]:
        """Return what has come."""
        while True:
            try:
                part = self.client.recv(1 << 20)
            except BlockingIOError:
                break
            if not part:
                break
            self._rest += part
        *lines, self._rest = self._rest.split(b"\n")
        return [json.loads(line) for line in lines]

    def close(self) -> None:
        self.server.close()
        self.client.close()


def test_a_mistake_of_ours_is_an_answer_and_is_noted(loop: Loop) -> None:
    def wrong(_: Exchange) -> None:
        raise ZeroDivisionError("oh")

    def later(exchange: Exchange) -> None:
        def pieces() -> Iterator[bytes]:
            yield exchange.line({"n": 1})
            raise ZeroDivisionError("no")

        exchange.drive(pieces())

    room = Room(loop, ps=wrong, top=later)
    room.send({"id": 1, "do": "ps"}, {"id": 2, "do": "top"}, {"id": 3, "do": "ps"})
    room.turns()
    answers = room.read()
    assert sorted((one["id"], "more" in one) for one in answers) == [
        (1, False),
        (2, False),
        (2, True),
        (3, False),
    ]
    assert {one["error"]["kind"] for one in answers if "error" in one} == {"failed"}
    assert sorted(str(one) for one in room.mistakes) == ["no", "oh", "oh"]
    room.close()


@given(
    st.lists(st.sampled_from(("ps", "top", "nobody", "cancel")), max_size=20),
    st.lists(st.integers(1, 40), min_size=1),
)
def test_it_is_all_the_same_in_which_pieces_lines_come(words: list[str], sizes: list[int]) -> None:
    loop = Loop()
    room = Room(loop, ps=lambda exchange: exchange.ok({"n": 1}), top=lambda exchange: exchange.ok())
    sent = b"".join(
        json.dumps({"id": number, "do": do, **({"of": 0} if do == "cancel" else {})}).encode() + b"\n"
        for number, do in enumerate(words)
    )
    pieces = itertools.cycle(sizes)
    while sent:
        size = next(pieces)
        room.client.sendall(sent[:size])
        sent = sent[size:]
        room.turns(1)
    room.turns(2)
    answers = room.read()
    assert [one["id"] for one in answers] == list(range(len(words)))
    assert ["error" in one for one in answers] == [do == "nobody" for do in words]
    room.close()
    loop.close()


def test_an_answer_ends_once(loop: Loop) -> None:
    ended: list[int] = []

    def twice(exchange: Exchange) -> None:
        exchange.at_end(lambda: ended.append(1))
        exchange.ok({"n": 1})
        exchange.at_end(lambda: ended.append(2))
        exchange.ok({"n": 2})
        exchange.more({"n": 3})
        exchange.offer({"n": 4})
        exchange.fail(ControlError(Kind.FAILED, "no"))

    room = Room(loop, ps=twice)
    room.send({"id": 1, "do": "ps"})
    room.turns()
    assert room.read() == [{"id": 1, "ok": {"n": 1}}]
    assert ended == [1, 2]
    room.close()


def test_what_is_driven_stops_while_nobody_reads(loop: Loop) -> None:
    made: list[int] = []

    def much(exchange: Exchange) -> None:
        def pieces() -> Iterator[bytes]:
            for number in range(1000):
                made.append(number)
                yield exchange.line({"n": number, "text": "x" * 65536})
            exchange.ok()

        exchange.drive(pieces())

    room = Room(loop, ps=much)
    room.send({"id": 1, "do": "ps"})
    room.turns(300)
    assert 0 < len(made) < 2 * ROOM // 65536
    seen = 0
    for _ in range(5000):
        seen += len(room.read())
        room.turns(1)
        if seen == 1001:
            break
    assert (seen, len(made)) == (1001, 1000)
    room.close()


def test_what_is_offered_is_counted_while_nobody_reads(loop: Loop) -> None:
    offers: list[Exchange] = []
    room = Room(loop, events=offers.append)
    room.send({"id": 1, "do": "events"})
    room.turns()
    for number in range(100):
        offers[0].offer({"n": number, "text": "x" * 65536})
    first = room.read()
    for _ in range(100):
        room.turns(1)
        first += room.read()
    offers[0].offer({"n": 100})
    room.turns()
    first += room.read()
    numbers = [one["more"]["n"] for one in first if "n" in one["more"]]
    (lost,) = [one["more"]["lost"] for one in first if "lost" in one["more"]]
    assert numbers == [*range(100 - lost), 100]
    assert lost > 50
    room.close()


def test_who_leaves_ends_what_he_has_asked_for(loop: Loop) -> None:
    ended: list[int] = []

    def wait(exchange: Exchange) -> None:
        exchange.at_end(lambda: ended.append(exchange.request.number))

    room = Room(loop, events=wait)
    room.send({"id": 1, "do": "events"}, {"id": 2, "do": "events"})
    room.turns()
    room.client.close()
    room.turns()
    assert sorted(ended) == [1, 2]
    room.close()


def test_the_server_answers_all_at_its_end(loop: Loop) -> None:
    room = Room(loop, events=lambda _: None)
    room.send({"id": 1, "do": "events"}, {"id": 2, "do": "events"})
    room.turns()
    busy = [room.server.busy]
    room.server.end_all(ControlError(Kind.STOPPING, "it is over"))
    assert [one["error"]["kind"] for one in room.read()] == ["stopping", "stopping"]
    assert [*busy, room.server.busy] == [True, False]
    room.close()


def test_no_descriptor_is_left_for_a_client(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    listening = Listening(str(tmp_path / "s"))
    accept, calls = listening.accept, []

    def failing() -> object:
        calls.append(1)
        if len(calls) < 4:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return accept()

    monkeypatch.setattr(listening, "accept", failing)
    mistakes: list[Exception] = []
    server = Server(listening, loop, {"ps": lambda exchange: exchange.ok({"n": 1})}, mistakes.append)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "s"))
        client.sendall(b'{"id": 1, "do": "ps"}\n')
        client.settimeout(30)
        while len(calls) < 4:
            loop.turn()
        for _ in range(4):
            loop.at(0.0, nothing)
            loop.turn()
        assert client.recv(100) == b'{"id":1,"ok":{"n":1}}\n'
    assert mistakes == []
    server.close()
    assert not (tmp_path / "s").exists()


class TestWork:
    """Pieces of work."""

    def test_all_take_turns(self, loop: Loop) -> None:
        work, seen = Work(loop, print), list[str]()

        def piece(name: str, count: int) -> Callable[[], bool]:
            left = [count]

            def do() -> bool:
                seen.append(name)
                left[0] -= 1
                return left[0] > 0

            return do

        for name, count in (("a", 3), ("b", 1), ("c", 2)):
            work.add(piece(name, count))
        while len(seen) < 6:
            loop.turn()
        assert seen == ["a", "b", "c", "a", "c", "a"]

    def test_others_have_their_turn_between(self, loop: Loop) -> None:
        work, done, turns = Work(loop, print), [0], [0]

        def forever() -> bool:
            done[0] += 1
            return True

        def other() -> None:
            turns[0] += 1
            loop.after(0.0, other)

        work.add(forever)
        loop.after(0.0, other)
        for _ in range(10):
            loop.turn()
        assert turns[0] >= 9
        assert done[0] > 10
        work.close()

    def test_what_goes_wrong_is_told_and_the_others_go_on(self, loop: Loop) -> None:
        mistakes: list[Exception] = []
        work, seen = Work(loop, mistakes.append), list[int]()

        def wrong() -> bool:
            raise ZeroDivisionError

        work.add(wrong)
        work.add(lambda: bool(seen.extend((1,))))  # type: ignore[func-returns-value]
        while not seen:
            loop.turn()
        assert [type(one) for one in mistakes] == [ZeroDivisionError]

    def test_nothing_wakes_the_loop_when_nothing_is_to_be_done(self, loop: Loop) -> None:
        work = Work(loop, print)
        work.add(lambda: False)
        loop.turn()
        assert loop._patience() is None
        work.close()
