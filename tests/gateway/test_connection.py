"""Clients as they come: well-behaved ones, old ones, hanging ones, and those who mean harm."""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import subprocess
import sys
from xmlrpc.client import dumps, loads

import pytest

from endwell.gateway import connection, server
from tests.gateway.fake import PATIENCE, Gateway, results, row, to_the_end

CALL = dumps((), "supervisor.getPID").encode()


def post(body: bytes = CALL, version: str = "1.1", path: str = "/RPC2", *headers: str) -> bytes:
    head = [f"POST {path} HTTP/{version}", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def response(talk: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read one response with a length."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = talk.recv(65536)
        assert piece, f"closed after {data!r}"
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += talk.recv(65536)
    assert len(body) == int(headers["content-length"]), "more than one response"
    return int(first.split()[1]), headers, body


def value(answer: tuple[int, dict[str, str], bytes]) -> object:
    status, headers, body = answer
    assert status == 200
    assert headers["content-type"] == "text/xml"
    return loads(body)[0][0]


def served(gateway: Gateway) -> bool:
    """Whether a client who behaves is served."""
    pid = gateway.proxy.supervisor.getPID()
    return bool(pid == 77)


def test_one_connection_serves_many_requests() -> None:
    with Gateway() as gateway, gateway.connect() as talk:
        for _ in range(3):
            talk.sendall(post())
            assert value(response(talk)) == 77


def test_requests_that_come_together_are_answered_in_order() -> None:
    calls = [dumps((name,), "system.methodHelp").encode() for name in ("system.listMethods", "nothing")]
    with Gateway() as gateway, gateway.connect() as talk:
        talk.sendall(post(calls[0]) + b"\r\n" + post(calls[1], "1.1", "/RPC2", "Connection: close"))
        answers = to_the_end(talk)
    assert answers.index(b"List the names") < answers.index(b"SIGNATURE_UNSUPPORTED")
    assert answers.count(b"HTTP/1.1 200") == 2


def test_empty_lines_between_requests_are_nothing() -> None:
    with Gateway() as gateway, gateway.connect() as talk:
        for _ in range(2):
            talk.sendall(b"\r\n" + post() + b"\r\n")
            assert value(response(talk)) == 77


def test_http_1_0_ends_with_its_answer() -> None:
    with Gateway() as gateway, gateway.connect() as talk:
        talk.sendall(post(version="1.0"))
        assert value(response(talk)) == 77
        assert talk.recv(1) == b""


def test_who_says_no_more_gets_his_answer() -> None:
    with Gateway() as gateway, gateway.connect() as talk:
        talk.sendall(post())
        talk.shutdown(socket.SHUT_WR)
        assert b"<int>77</int>" in to_the_end(talk)


def test_a_body_that_was_announced_is_asked_for() -> None:
    with Gateway() as gateway, gateway.connect() as talk:
        talk.sendall(
            post(b"", "1.1", "/RPC2", "Expect: 100-continue").replace(b"th: 0", f"th: {len(CALL)}".encode())
        )
        assert talk.recv(65536) == b"HTTP/1.1 100 \r\n\r\n"
        talk.sendall(CALL)
        assert value(response(talk)) == 77


def test_a_body_may_come_in_chunks() -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (CALL[:9], CALL[9:])) + b"0\r\n\r\n"
    with Gateway() as gateway, gateway.connect() as talk:
        talk.sendall(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        assert value(response(talk)) == 77


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /logtail/none HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /logtail HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /logtail/web/other HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"POST /logtail/web HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 400),
        (b"GET /mainlogtail HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"POST /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n", 411),
        (post(b"nonsense"), 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (post(CALL, "1.1", "/RPC2", "Transfer-Encoding: chunked"), 400),
        (post(CALL, "1.1", "/RPC2", "Origin: http://["), 403),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), 400),
        (b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (connection.BODY + 1), 413),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 5 * connection.HEAD + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * connection.HEAD + b"\r\n", 431),
        (b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (
            b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            + (b"10000\r\n" + b" " * 65536 + b"\r\n") * (connection.BODY // 65536 + 1),
            413,
        ),
    ],
)
def test_what_cannot_be_answered_is_told(request_: bytes, status: int) -> None:
    with Gateway([row("web")]) as gateway, gateway.connect() as talk:
        # It may be refused before it is sent to the end.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            talk.sendall(request_)
        assert response(talk)[0] == status
        assert served(gateway)


def test_who_refuses_to_read_costs_itself_only() -> None:
    rows = [row(f"web{number}") for number in range(2000)]
    ask = dumps((), "supervisor.getAllProcessInfo").encode()
    with Gateway(rows) as gateway, gateway.connect() as talk:
        talk.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        talk.sendall(post(ask) * 20)
        gateway.asked("ps")
        assert served(gateway)
        assert gateway.errors.read_text() == ""


def test_who_does_not_come_to_the_point_makes_room_for_others() -> None:
    with Gateway() as gateway, contextlib.ExitStack() as clients:
        first = clients.enter_context(gateway.connect())
        first.sendall(post())
        assert value(response(first)) == 77
        for _ in range(server.MOST + 50):
            idle = clients.enter_context(gateway.connect())
            idle.sendall(b"POST /RPC2 HT")
        assert served(gateway)
        first.sendall(post())
        assert value(response(first)) == 77


def test_idle_ones_make_room() -> None:
    with Gateway() as gateway, contextlib.ExitStack() as clients:
        first = clients.enter_context(gateway.connect())
        first.sendall(post())
        assert value(response(first)) == 77
        idle = [clients.enter_context(gateway.connect()) for _ in range(server.MOST + 50)]
        assert served(gateway)
        first.sendall(post())
        assert value(response(first)) == 77
        assert idle[0].recv(1) == b""


def test_who_goes_away_is_no_longer_waited_for() -> None:
    with Gateway([row("web")], handlers={"stop": lambda _: None}) as gateway:
        with gateway.connect() as talk:
            talk.sendall(post(dumps(("web",), "supervisor.stopProcess").encode()))
            (stop,) = gateway.asked("stop")
        (cancel,) = gateway.asked("cancel")
        assert cancel["of"] == stop["id"]
        assert served(gateway)


def test_who_waits_hears_of_the_end_of_the_supervisor() -> None:
    with Gateway([row("web")], handlers={"stop": lambda _: None}) as gateway:
        with gateway.connect() as talk, gateway.connect() as idle:
            talk.sendall(post(dumps(("web",), "supervisor.stopProcess").encode()))
            gateway.asked("stop")
            gateway.talk.shutdown(socket.SHUT_RDWR)
            assert b"SHUTDOWN_STATE" in response(talk)[2]
            assert talk.recv(1) == idle.recv(1) == b""
        assert gateway.ended() == 0


def test_told_to_leave_it_gives_the_answers_that_come() -> None:
    with Gateway([row("web")], handlers={"stop": lambda _: None}) as gateway, gateway.connect() as talk:
        talk.sendall(post(dumps(("web",), "supervisor.stopProcess").encode()))
        (stop,) = gateway.asked("stop")
        gateway.process.send(signal.SIGTERM)
        # It says no more; what it is told still counts.
        gateway._thread.join(PATIENCE)
        gateway.send({"id": stop["id"], "ok": results(stop)})
        gateway.talk.shutdown(socket.SHUT_RDWR)
        assert value(response(talk)) is True
        assert gateway.ended() == 0


def test_it_leaves_when_nobody_comes() -> None:
    with Gateway(patience=0.2) as gateway:
        assert gateway.ended() == 0
        assert gateway.errors.read_text() == ""


def test_it_stays_while_somebody_is_there_and_leaves_after() -> None:
    with Gateway(patience=0.1) as gateway:
        with gateway.connect() as talk:
            talk.sendall(post())
            assert value(response(talk)) == 77
            # Somebody else comes and goes: its patience begins when the last one has left.
            with gateway.connect() as other:
                other.sendall(post(version="1.0"))
                assert other.recv(65536)
            assert not select.select([gateway.process.pidfd], [], [], 0.2)[0]
            talk.sendall(post())
            assert value(response(talk)) == 77
        assert gateway.ended() == 0


def test_who_comes_when_it_has_left_is_still_in_the_queue() -> None:
    with Gateway(patience=0.1) as gateway:
        assert gateway.ended() == 0
        with gateway.connect() as talk:
            talk.sendall(post())
            accepted, _ = gateway.listening.accept()
            accepted.close()


def test_a_supervisor_that_talks_nonsense_is_left() -> None:
    with Gateway([row("web")], handlers={"stop": lambda _: None}) as gateway, gateway.connect() as talk:
        talk.sendall(post(dumps(("web",), "supervisor.stopProcess").encode()))
        gateway.asked("stop")
        gateway.talk.sendall(b"nonsense\n")
        assert b"SHUTDOWN_STATE" in response(talk)[2]
        assert gateway.ended() == 0


def test_started_by_hand_it_says_so() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "endwell.gateway"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert ended.returncode == 2
    assert ended.stderr == "endwell.gateway is started by `endwell up`, and by nobody else\n"
