"""Clients that do what no client should: it costs them something, and nobody else."""

from __future__ import annotations

import array
import contextlib
import itertools
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.supervise.controlling import Controlled, Talk
from tests.supervise.upping import STOP, program

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
FLOOD = "while :; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; done"


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Controlled]:
    with Controlled(tmp_path, program("web", STOP)) as up:
        up.wait_for("up web")
        yield up
        # Whatever has been done to it: it answers others, and ends as it should.
        with up.talk() as talk:
            assert talk.rows()["web"]["state"] == "RUNNING"
        assert up.stop() == 0
        assert "1 of 1 services ended by themselves" in up.err[-1]
        assert not any("mistake" in line for line in up.err), up.err


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1\r\n",
        b"\n",
        b"{}\n",
        b"[]\n",
        b"1\n",
        b'{"id": 1}\n',
        b'{"do": "ps"}\n',
        b'{"id": "1", "do": "ps"}\n',
        b'{"id": true, "do": "ps"}\n',
        b'{"id": 1.5, "do": "ps"}\n',
        b'{"id": null, "do": "ps"}\n',
        b'{"id": 1, "do": ["ps"]}\n',
        b'{"id": 1, "do": "ps"\n',
        b"\xff\xfe\n",
        b'{"id": 1, "do": "\xff"}\n',
        b"\0" * 100 + b"\n",
        b"[" * 100_000 + b"\n",
        b'{"a":' * 50_000 + b"\n",
        b'{"id": ' + b"9" * 10_000 + b', "do": "ps"}\n',
        bytes(range(256)) * 16 + b"\n",
    ],
)
def test_what_is_no_request_gets_one_line_and_the_end(one: Controlled, line: bytes) -> None:
    with one.talk() as talk:
        talk.socket.sendall(line + b'{"id": 5, "do": "shutdown"}\n')
        (answer,) = talk.lines()
    assert answer["id"] is None
    assert answer["error"]["kind"] == "malformed"
    assert "\n" not in answer["error"]["message"]
    assert len(answer["error"]["message"]) < 300


def test_a_number_that_is_under_way_is_no_number(one: Controlled) -> None:
    with one.talk() as talk:
        talk.socket.sendall(b'{"id": 1, "do": "events"}\n{"id": 1, "do": "ps"}\n')
        (answer,) = talk.lines()
    assert (answer["id"], answer["error"]["kind"]) == (None, "malformed")


def test_a_line_without_end_is_not_kept(one: Controlled) -> None:
    before = resident(one)
    with one.talk() as talk:
        sent = 0
        try:
            while sent < 1024 * MIB:
                sent += talk.socket.send(b"x" * MIB)
        except (BrokenPipeError, ConnectionResetError):
            pass
        (answer,) = talk.lines()
    assert answer["error"]["kind"] == "malformed"
    assert sent < 8 * MIB
    assert resident(one) - before < 16 * MIB


def test_half_a_line_waits_for_its_other_half(one: Controlled) -> None:
    with one.talk() as half, one.talk() as talk:
        half.socket.sendall(b'{"id": 1, "do":')
        assert talk.ask("version")
        for byte in b' "ps"}\n':
            half.socket.sendall(bytes((byte,)))
        assert "ok" in half.answer(1)[1]


def test_the_longest_line_there_may_be(one: Controlled) -> None:
    line = b'{"id": 1, "do": "ps", "services": ["web"]}'
    with one.talk() as talk:
        talk.socket.sendall(line.ljust(MIB - 1) + b"\n")
        assert "ok" in talk.answer(1)[1]
    with one.talk() as talk:
        talk.socket.sendall(line.ljust(MIB) + b"\n")
        (answer,) = talk.lines()
    assert answer["error"]["kind"] == "malformed"


def test_one_who_asks_and_never_reads_is_held_back_by_his_own_socket(one: Controlled) -> None:
    before = resident(one)
    line = b'{"id": %d, "do": "ps"}\n'
    with one.talk() as deaf:
        deaf.socket.setblocking(False)  # noqa: FBT003  the standard library's
        number = sent = 0
        while sent < 64 * MIB:
            number += 1
            try:
                sent += deaf.socket.send(line % number)
            except BlockingIOError:
                # It takes no more; the others are served all the same.
                with one.talk() as talk:
                    assert talk.ask("version")
                try:
                    deaf.socket.send(b" ")
                except BlockingIOError:
                    break
        assert sent < 8 * MIB
        assert resident(one) - before < 32 * MIB


def test_who_asks_for_everything_at_once_gets_it(one: Controlled) -> None:
    with one.talk() as talk:
        talk.socket.sendall(b"".join(b'{"id": %d, "do": "version"}\n' % number for number in range(5000)))
        assert [talk.read()["id"] for _ in range(5000)] == list(range(5000))


def test_there_is_a_bound_on_what_is_under_way(one: Controlled) -> None:
    with one.talk() as talk:
        talk.socket.sendall(b"".join(b'{"id": %d, "do": "events"}\n' % number for number in range(1100)))
        busy = [talk.read() for _ in range(1100 - 1024)]
        assert {line["error"]["kind"] for line in busy} == {"busy"}
        talk.socket.sendall(b'{"do": "cancel", "of": 3}\n')
        assert talk.answer(3)[1]["error"]["kind"] == "cancelled"
        talk.socket.sendall(b'{"id": 2000, "do": "version"}\n')
        assert "ok" in talk.answer(2000)[1]


def test_a_thousand_connections_leave_room_for_the_next_one(one: Controlled) -> None:
    connections = [Talk(one.place) for _ in range(1000)]
    with one.talk() as talk:
        assert talk.ask("version")
        assert descriptors(one) < 400
    for connection in connections:
        connection.socket.close()


def test_who_waits_is_not_pushed_out_by_who_does_not(one: Controlled) -> None:
    with one.talk() as waiting:
        watching = waiting.send("events")
        assert waiting.ask("version")
        connections = [Talk(one.place) for _ in range(500)]
        with one.talk() as talk:
            talk.results("restart", "web")
        assert waiting.read()["id"] == watching
        for connection in connections:
            connection.socket.close()


def test_when_all_wait_the_next_one_is_told_so(one: Controlled) -> None:
    connections = [Talk(one.place) for _ in range(128)]
    for connection in connections:
        connection.send("events")
        connection.ask("version")
    with one.talk() as talk:
        (answer,) = talk.lines()
        assert (answer["id"], answer["error"]["kind"]) == (None, "busy")
    for connection in connections:
        connection.socket.close()


def test_descriptors_nobody_has_asked_for_are_closed(one: Controlled) -> None:
    before = descriptors(one)
    with Path("/dev/null").open("rb") as file, one.talk() as talk:
        rights = array.array("i", [file.fileno()] * 100)
        for number in range(100):
            line = b'{"id": %d, "do": "version"}\n' % number
            talk.socket.sendmsg([line], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            assert talk.read()["id"] == number
        assert descriptors(one) < before + 8
    with one.talk() as talk:
        assert talk.ask("version")
    assert descriptors(one) <= before + 1


def test_a_follower_who_does_not_read_loses_lines_and_holds_up_nobody(tmp_path: Path) -> None:
    flood = program("flood", FLOOD).replace("/dev/stdout", str(tmp_path / "flood.log"))
    with Controlled(tmp_path, program("web", STOP) + flood) as up:
        up.wait_for("up web")
        with up.talk() as deaf, up.talk() as talk:
            following = deaf.send("logs", follow=True, tail=0, services=["flood"])
            before = size(tmp_path)
            while size(tmp_path) - before < 16 * MIB:  # it goes on writing
                assert talk.ask("version")
            lost = 0
            for line in deaf.lines():
                assert line["id"] == following
                lost = line["more"].get("lost", 0)
                if lost:
                    break
            assert lost > 1000
        assert resident(up) < 150 * MIB
        assert up.stop() == 0


def size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.glob("flood.log*"))


def test_a_signal_is_taken_whatever_clients_do(tmp_path: Path) -> None:
    with Controlled(tmp_path, program("web", STOP)) as up:
        up.wait_for("up web")
        talks = [up.talk() for _ in range(20)]
        for at, talk in enumerate(talks):
            talk.socket.setblocking(False)  # noqa: FBT003  the standard library's
            line = (b'{"id": 1, "do": "ps"}\n', b"x" * 65536, b'{"id": 1, "do": "logs", "follow": true}\n')[
                at % 3
            ]
            try:
                for _ in range(10_000):
                    talk.socket.send(line)
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                pass
        assert up.stop(signal.SIGTERM) == 0
        for talk in talks:
            talk.socket.close()


def resident(up: Controlled) -> int:
    pages = int(Path(f"/proc/{up.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descriptors(up: Controlled) -> int:
    return len(list(Path(f"/proc/{up.process.pid}/fd").iterdir()))


def test_one_who_does_not_read_holds_up_the_end_for_a_moment_only(tmp_path: Path) -> None:
    with Controlled(tmp_path, program("web", STOP)) as up:
        up.wait_for("up web")
        with up.talk() as deaf:
            deaf.socket.setblocking(False)  # noqa: FBT003  the standard library's
            with contextlib.suppress(BlockingIOError):
                for number in itertools.count():
                    deaf.socket.send(b'{"id": %d, "do": "ps"}\n' % number)
            assert up.stop() == 0
        assert "1 of 1 services ended by themselves" in up.err[-1]
