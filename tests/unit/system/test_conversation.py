"""The client of the control protocol: places, whom it trusts, pieces of lines, and the end."""

from __future__ import annotations

import array
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from endwell.model.control import ControlError, decode, encode
from endwell.system import conversation as subject
from endwell.system.conversation import (
    Conversation,
    NobodyError,
    OverError,
    RefusedError,
    Tried,
    connect,
    elsewhere,
)
from endwell.system.credentials import Credentials
from endwell.system.listening import Listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Pair:
    """A conversation, and the other end of it."""

    def __init__(self) -> None:
        ours, self.server = socket.socketpair()
        self.conversation = Conversation(ours)

    def says(self, *values: dict[str, object]) -> None:
        self.server.sendall(b"".join(map(encode, values)))

    def hears(self) -> dict[str, object]:
        return decode(self.server.recv(4096))


@pytest.fixture
def pair() -> Iterator[Pair]:
    found = Pair()
    with found.conversation, found.server:
        yield found


def test_an_answer(pair: Pair) -> None:
    pair.says({"id": 7, "ok": {"another": 1}}, {"id": 1, "more": {}}, {"id": 1, "ok": {"protocol": 1}})
    assert pair.conversation.ask("version", {"services": None, "wait": False}) == {"protocol": 1}
    assert pair.hears() == {"id": 1, "do": "version", "wait": False}


def test_an_answer_that_is_an_error(pair: Pair) -> None:
    pair.says({"id": 1, "error": {"kind": "configuration", "message": "no", "problems": ["a:1: x"]}})
    with pytest.raises(RefusedError, match=r"^no$") as refused:
        pair.conversation.ask("reload")
    assert (refused.value.kind, refused.value.problems) == ("configuration", ("a:1: x",))


def test_an_error_about_everything(pair: Pair) -> None:
    pair.says({"id": None, "error": {"kind": "forbidden", "message": "not you"}})
    with pytest.raises(RefusedError, match="not you"):
        pair.conversation.ask("ps")


@pytest.mark.parametrize("answer", [{"id": 1}, {"id": 1, "ok": None}, {"id": 1, "error": "no"}])
def test_an_answer_that_is_none(pair: Pair, answer: dict[str, object]) -> None:
    pair.says(answer)
    with pytest.raises(ControlError, match="it says neither `ok` nor `error`"):
        pair.conversation.ask("ps")


@pytest.mark.parametrize("lines", [b"220 hello\n", b'{"id":1,"ok":{}}\n7\n', b"\n\n"])
def test_somebody_who_speaks_another_language(pair: Pair, lines: bytes) -> None:
    pair.server.sendall(lines)
    with pytest.raises(ControlError):
        pair.conversation.ask("ps")


def test_more_and_more(pair: Pair) -> None:
    following = pair.conversation.follow("events")
    pair.says({"id": 1, "more": {"n": 1}}, {"id": 1, "more": {"n": 2}})
    assert next(following) == [{"n": 1}, {"n": 2}]
    pair.server.sendall(b'{"id":1,"mo')
    pair.server.sendall(b're":{"n":3}}\n{"id":1,"ok":{}}\n')
    assert next(following) == [{"n": 3}]
    with pytest.raises(StopIteration):
        next(following)


def test_a_line_that_comes_in_many_pieces(pair: Pair) -> None:
    line = encode({"id": 1, "ok": {"text": "x" * 100_000}})
    pair.server.setblocking(False)  # noqa: FBT003  the standard library's
    sent = 0
    found: list[dict[str, Any]] = []
    asked = pair.conversation.send("ps")
    while sent < len(line):
        sent += pair.server.send(line[sent : sent + 30_000])
        found = pair.conversation._read()
    assert asked == 1
    assert len(found) == 1
    assert len(found[0]["ok"]["text"]) == 100_000


def test_nobody_answers_any_more(pair: Pair) -> None:
    pair.server.sendall(b'{"id":1,"ok"')
    pair.server.shutdown(socket.SHUT_WR)
    with pytest.raises(OverError):
        pair.conversation.ask("ps")
    pair.server.close()
    with pytest.raises(OverError):
        pair.conversation.ask("ps")


def test_descriptors_go_with_the_line(pair: Pair) -> None:
    reading, writing = os.pipe()
    pair.conversation.send("exec", {"command": ["x"]}, (reading, writing, writing))
    data, messages, _, _ = pair.server.recvmsg(4096, socket.CMSG_LEN(3 * 4))
    assert decode(data) == {"id": 1, "do": "exec", "command": ["x"]}
    got = array.array("i", messages[0][2])
    os.write(got[1], b"through")
    assert os.read(reading, 7) == b"through"
    for descriptor in (reading, writing, *got):
        os.close(descriptor)


# ----------------------------------------------------------------------------------------------------- where


def test_the_first_place_where_somebody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing, stale, there = (str(tmp_path / name) for name in ("nothing", "stale", "there"))
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(stale)
    monkeypatch.setattr(subject, "places", lambda *_: (nothing, stale, there))
    with pytest.raises(NobodyError) as nobody:
        connect()
    assert nobody.value.tried == (
        Tried(nothing, ""),
        Tried(stale, "nobody listens there any more"),
        Tried(there, ""),
    )
    listening = Listening(there)
    try:
        connect().__exit__()
        connect(there).__exit__()
        with pytest.raises(NobodyError):
            connect(nothing)
    finally:
        listening.close()


def test_a_name_of_the_abstract_namespace() -> None:
    name = f"@endwell-test-{os.getpid()}"
    listening = Listening(name)
    try:
        connect(name).__exit__()
    finally:
        listening.close()
    with pytest.raises(NobodyError) as nobody:
        connect(name)
    assert nobody.value.tried == (Tried(name, ""),)


def test_what_listens_elsewhere(tmp_path: Path) -> None:
    place = str(tmp_path / "my endwell.sock")
    assert place not in elsewhere()
    listening = Listening(place)
    try:
        assert place in elsewhere()
        connect(place).__exit__()
    finally:
        listening.close()
    assert place not in elsewhere()


def test_a_path_that_is_too_long_is_no_surprise() -> None:
    with pytest.raises(NobodyError) as nobody:
        connect("/" + "x" * 200)
    assert "too long" in nobody.value.tried[0].why


def test_somebody_elses_socket_is_used_only_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(tmp_path / "socket")
    listening = Listening(place)
    monkeypatch.setattr(subject, "places", lambda *_: (place,))
    monkeypatch.setattr(subject, "peer", lambda _: Credentials(1, 4242, 4242))
    try:
        with pytest.raises(NobodyError) as nobody:
            connect()
        assert nobody.value.tried[0].why == "it belongs to user 4242: name it with --socket to trust it"
        connect(place).__exit__()
    finally:
        listening.close()


def test_what_is_root_s_is_trusted_by_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listening = Listening(str(tmp_path / "socket"))
    monkeypatch.setattr(subject, "places", lambda *_: (listening.place,))
    monkeypatch.setattr(subject, "peer", lambda _: Credentials(1, 0, 0))
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    try:
        connect().__exit__()
    finally:
        listening.close()
