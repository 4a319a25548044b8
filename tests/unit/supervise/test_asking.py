"""Questions: how addresses and URLs are read, and what counts as a good answer."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, cast

import pytest

from endwell.model.readiness import Means, Readiness
from endwell.supervise.asking import Settled, addresses, ask, http_request, is_good, split_address, status_of
from endwell.supervise.readiness import waiting_for
from endwell.system.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.supervise.streams import Outlets


@pytest.mark.parametrize(
    ("value", "host", "port"),
    [
        ("5432", "localhost", 5432),
        (":80", "localhost", 80),
        ("db:1", "db", 1),
        ("127.0.0.1:65535", "127.0.0.1", 65535),
        ("[::1]:8080", "::1", 8080),
    ],
)
def test_addresses_are_read(value: str, host: str, port: int) -> None:
    assert split_address(value) == (host, port)


@pytest.mark.parametrize("value", ["", "db", "db:", "0", "65536", "db:http", "-1"])
def test_what_is_no_address_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="is no address: write PORT or HOST:PORT"):
        split_address(value)


@pytest.mark.parametrize(
    ("url", "host", "port", "first", "named"),
    [
        ("http://localhost:8080/ready?x=1", "localhost", 8080, "GET /ready?x=1 HTTP/1.1", "localhost:8080"),
        ("http://localhost", "localhost", 80, "GET / HTTP/1.1", "localhost"),
        ("//[::1]:1/", "::1", 1, "GET / HTTP/1.1", "[::1]:1"),
    ],
)
def test_urls_become_requests(url: str, host: str, port: int, first: str, named: str) -> None:
    found_host, found_port, request = http_request(url)
    assert (found_host, found_port) == (host, port)
    assert request.decode().split("\r\n")[:2] == [first, f"Host: {named}"]
    assert request.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("url", ["https://localhost/", "localhost:80/", "ftp://x/"])
def test_what_cannot_be_asked_over_http_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="cannot be asked for: write http://HOST:PORT/PATH"):
        http_request(url)


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.0 204\r\n\r\n", True),
        (b"HTTP/1.1 302 Found\r\n", True),
        (b"HTTP/1.1 399 x\n", True),
        (b"HTTP/1.1 400 Bad\r\n", False),
        (b"HTTP/1.1 503 Busy\r\n", False),
        (b"HTTP/1.1 \r\n", False),
        (b"SSH-2.0 200\r\n", False),
        (b"", False),
    ],
)
def test_a_good_answer_has_a_status_below_400(answer: bytes, good: bool) -> None:  # noqa: FBT001  a parameter
    assert is_good(answer) is good


def test_no_name_server_is_asked() -> None:
    assert addresses("localhost") == ("127.0.0.1", "::1")
    assert addresses("::1") == ("::1",)
    assert addresses("10.1.2.3") == ("10.1.2.3",)
    assert addresses("example.invalid") == ()


def never(command: str, answer: object) -> Settled:
    raise AssertionError(f"no command was to be run: {command}, {answer}")


@pytest.mark.parametrize("listens", [True, False])
def test_who_takes_connections_is_there(listens: bool) -> None:  # noqa: FBT001  a parameter
    door = socket.create_server(("127.0.0.1", 0))
    port = door.getsockname()[1]
    if not listens:
        door.close()
    loop = Loop()
    answers: list[tuple[bool, str]] = []
    ask(Means.TCP, str(port), loop, never, lambda *answer: answers.append(answer))
    while not answers:
        loop.turn()
    assert answers == [(True, "") if listens else (False, "connection refused")]
    loop.close()
    door.close()


def test_a_host_that_is_not_known_is_named() -> None:
    loop = Loop()
    answers: list[object] = []
    ask(Means.TCP, "example.invalid:80", loop, never, lambda *answer: answers.append(answer))
    assert answers == [(False, "example.invalid is not in /etc/hosts")]
    loop.close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP 503"),
        (b"SSH-2.0-x\r\n", "no answer in HTTP"),
        (b"", "no answer in HTTP"),
    ],
)
def test_what_was_wrong_with_an_answer_is_said(answer: bytes, said: str) -> None:
    assert status_of(answer) == said


def test_what_is_seen_is_told_when_it_has_changed() -> None:
    answers = [(False, "exited with 1"), (False, "exited with 1"), (False, "exited with 2"), (True, "")]
    told: list[str] = []
    loop = Loop()

    def run(command: str, answer: Callable[[bool, str], None]) -> Settled:
        assert command == "test -e x"
        answer(*answers.pop(0))
        return Settled()

    readiness = Readiness(Means.EXEC, "test -e x", every=0.001)
    waiting = waiting_for(readiness, loop, run, loop.stop, told.append)
    waiting.begin(cast("Outlets", None), 0)  # nobody writes
    loop.run()
    assert told == ["exited with 1", "exited with 2"]
    waiting.close()
    loop.close()


def test_a_line_that_does_not_match_is_told_once() -> None:
    told: list[str] = []
    heard: list[Callable[[str, bytes], None]] = []

    class Written:
        watch = heard.append

    loop = Loop()
    waiting = waiting_for(
        Readiness(Means.LOG, "^go$"), loop, never, lambda: told.append("ready"), told.append
    )
    waiting.begin(cast("Outlets", Written()), 0)  # all that it needs of them
    for text in (b"not y", b"et\n", b"no\n", b"go", b"\n"):
        heard[0]("stdout", text)
    assert told == ["no line matched", "ready"]
    loop.close()


@pytest.mark.parametrize(
    ("readiness", "test"),
    [
        (Readiness(Means.NOTIFY), "notify"),
        (Readiness(Means.TCP, "6379"), "tcp:6379"),
        (Readiness(Means.HTTP, "http://localhost/x"), "http://localhost/x"),
        (Readiness(Means.EXEC, "a \\\n  b"), "exec:a \\ b"),
        (Readiness(Means.FILE, "/" + "x" * 200), "file:/" + "x" * 71 + "..."),
    ],
)
def test_a_test_is_said_in_one_line_that_is_not_too_long(readiness: Readiness, test: str) -> None:
    assert readiness.test == test


def test_a_question_that_is_cancelled_is_not_answered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        loop = Loop()
        answers: list[object] = []
        port = str(door.getsockname()[1])
        question = ask(Means.TCP, port, loop, never, lambda *answer: answers.append(answer))
        question.cancel()
        loop.after(0.0, loop.stop)
        loop.run()
        assert answers == []
        loop.close()
