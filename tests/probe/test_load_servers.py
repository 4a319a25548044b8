"""The load against servers that do what is asked of them, and against real ones that are stopped."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from functools import cache
from typing import TYPE_CHECKING

import pytest

from endwell.model.traffic import Group, Outcome, Traffic
from endwell.probe.load import Load, LoadError, LoadOptions, http_target, tcp_target
from tests.probe.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from endwell.probe.load.options import Target

AFTER = {Group.SLOW, Group.IDLE, Group.HALF_SENT, Group.NEW}


def target(server: Server, protocol: str) -> Target:
    if protocol == "tcp":
        return tcp_target(str(server.port))
    return http_target(f"http://127.0.0.1:{server.port}/", version=2 if protocol == "http2" else 1)


def outcomes(traffic: Traffic, *groups: Group) -> set[Outcome]:
    return {one.outcome for one in traffic.requests if one.group in (groups or AFTER)}


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[str], Server]]:
    """Give one server for each protocol, for tests that leave it as it was."""
    with contextlib.ExitStack() as stack:
        yield cache(lambda protocol: stack.enter_context(Server(protocol)))


def loaded(server: Server, protocol: str, mode: str) -> Traffic:
    """What becomes of the traffic when a server does `mode` from just before the stop on."""
    server.tell("mode ok")
    with Load(LoadOptions(target=target(server, protocol), slow_path="/slow", rate=0)) as load:
        assert load.start()
        load.prepare()
        server.tell(f"mode {mode}")
        zero = time.monotonic()
        load.stop(zero)
        server.tell("release")
        # Idle, slow and half-sent requests, and then some new ones.
        server.expect(f"asked {mode}", 12)
        load.ended(time.monotonic())
        return load.result(zero)


@pytest.mark.parametrize(
    ("protocol", "mode", "expected"),
    [
        ("http1", "ok", Outcome.OK),
        ("http1", "close", Outcome.OK_CLOSE),
        ("http1", "until-end", Outcome.OK_CLOSE),
        ("http1", "fin", Outcome.DROPPED),
        ("http1", "rst", Outcome.RESET),
        ("http1", "cut", Outcome.CUT),
        ("http1", "cut-rst", Outcome.CUT),
        ("http1", "nonsense", Outcome.CUT),
        ("http1", "error", Outcome.ERROR),
        ("http1", "missing", Outcome.ERROR),
        ("http1", "hang", Outcome.HUNG),
        ("http1", "hang-in-answer", Outcome.HUNG),
        ("http2", "ok", Outcome.OK),
        ("http2", "goaway", Outcome.OK_CLOSE),
        ("http2", "goaway-below", Outcome.REFUSED),
        ("http2", "refuse-stream", Outcome.REFUSED),
        ("http2", "reset-stream", Outcome.RESET),
        ("http2", "rst", Outcome.RESET),
        ("http2", "cut", Outcome.CUT),
        ("http2", "nonsense", Outcome.CUT),
        ("http2", "error", Outcome.ERROR),
        ("http2", "hang", Outcome.HUNG),
    ],
)
def test_what_a_server_does_to_requests_is_what_is_reported(
    servers: Callable[[str], Server], protocol: str, mode: str, expected: Outcome
) -> None:
    traffic = loaded(servers(protocol), protocol, mode)
    assert outcomes(traffic, Group.BEFORE) == {Outcome.OK}
    assert outcomes(traffic) == {expected}
    assert {one.group for one in traffic.requests} >= AFTER
    assert bool(traffic.lost) is expected.lost
    for one in traffic.requests:
        assert (one.ended is None) is (one.outcome is Outcome.HUNG)
        assert one.ended is None or one.ended >= one.sent
        assert one.group is not Group.NEW or one.sent >= 0
        if one.outcome is Outcome.ERROR:
            assert one.status in {404, 500, 503}


def test_every_outcome_is_produced_by_a_server() -> None:
    cases = test_what_a_server_does_to_requests_is_what_is_reported.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {outcome for _, _, outcome in cases} == set(Outcome)


def test_connections_after_the_end_are_refused_and_idle_ones_that_were_closed_lose_nothing() -> None:
    with (
        Server("http1") as server,
        Load(LoadOptions(target=target(server, "http1"), slow=0, half_sent=0)) as load,
    ):
        load.start()
        load.prepare()
        server.tell("deaf")
        server.tell("farewell")
        zero = time.monotonic()
        load.stop(zero)
        load.ended(zero)
        traffic = load.result(zero)
    assert outcomes(traffic, Group.IDLE) == {Outcome.REFUSED}
    assert outcomes(traffic, Group.NEW) <= {Outcome.REFUSED}
    assert not traffic.lost


def test_what_is_answered_quickly_is_not_in_flight_at_the_stop(servers: Callable[[str], Server]) -> None:
    server = servers("http1")
    server.tell("mode ok")
    with Load(LoadOptions(target=target(server, "http1"), rate=1000, idle=0, half_sent=0)) as load:
        assert load.start()
        load.prepare()
        # Whoever asks at the very instant of the stop would now be lost.
        server.tell("mode rst")
        zero = time.monotonic()
        load.stop(zero)
        server.expect("asked rst", 3)
        load.ended(time.monotonic())
        traffic = load.result(zero)
    assert {one.group for one in traffic.lost} <= {Group.NEW, Group.IDLE}
    assert not traffic.count(Group.SLOW) | traffic.count(Group.IN_FLIGHT)
    assert "so none was in flight" in traffic.notes[-1]


def test_what_is_not_answered_before_the_stop_is_in_flight(servers: Callable[[str], Server]) -> None:
    server = servers("http1")
    server.tell("mode ok")
    with Load(LoadOptions(target=target(server, "http1"), rate=0, linger=0.2)) as load:
        assert load.start()
        server.tell("mode hang")
        load.prepare()
        zero = time.monotonic()
        load.stop(zero)
        load.ended(time.monotonic())
        traffic = load.result(zero)
    assert traffic.count(Group.SLOW) == {Outcome.HUNG: 2}
    assert not traffic.notes


def test_idle_connections_that_were_closed_end_when_they_are_due(servers: Callable[[str], Server]) -> None:
    server = servers("http1")
    server.tell("mode ok")
    with Load(LoadOptions(target=target(server, "http1"), rate=0)) as load:
        assert load.start()
        load.prepare()
        server.tell("farewell")
        zero = time.monotonic()
        load.stop(zero)
        load.ended(time.monotonic())
        traffic = load.result(zero)
    idle = [one for one in traffic.requests if one.group is Group.IDLE]
    assert [one.outcome for one in idle] == [Outcome.REFUSED] * 2
    assert all(one.ended is not None and one.ended >= one.sent > 0 for one in idle)


@pytest.mark.parametrize("protocol", ["http1", "http2"])
def test_slow_requests_that_are_in_flight_at_the_stop_are_waited_for(protocol: str) -> None:
    options = {"slow_path": "/slow", "half_sent": 0, "idle": 0, "fresh_seconds": 0.0}
    with (
        Server(protocol) as server,
        Load(LoadOptions(target=target(server, protocol), **options)) as load,  # type: ignore[arg-type]
    ):
        load.start()
        load.prepare()
        server.expect("asked ok /slow", 2)
        zero = time.monotonic()
        load.stop(zero)
        server.tell("release")
        load.ended(time.monotonic())
        traffic = load.result(zero)
    slow = [one for one in traffic.requests if one.group is Group.SLOW]
    assert len(slow) == 2
    assert all(one.sent < 0 < (one.ended or -1) for one in slow)
    assert not traffic.lost


def test_a_server_that_is_killed_drops_what_it_had_not_answered() -> None:
    with Server("http1") as server, Load(LoadOptions(target=target(server, "http1"), half_sent=2)) as load:
        load.start()
        load.prepare()
        server.tell("mode hang")
        zero = time.monotonic()
        load.stop(zero)
        server.expect("asked hang", 8)
        server.kill()
        load.ended(time.monotonic())
        traffic = load.result(zero)
    assert len([one for one in traffic.requests if one.group is Group.HALF_SENT]) == 2
    assert outcomes(traffic, Group.SLOW, Group.IDLE, Group.HALF_SENT) <= {Outcome.DROPPED, Outcome.RESET}
    assert traffic.lost


def test_a_server_of_one_connection_at_a_time_is_not_starved() -> None:
    with Server("one") as server, Load(LoadOptions(target=target(server, "http1"))) as load:
        assert load.start()
        load.prepare()
        zero = time.monotonic()
        load.stop(zero)
        server.expect("asked", 10)
        load.ended(time.monotonic())
        traffic = load.result(zero)
    assert not traffic.lost
    assert outcomes(traffic, Group.IDLE) == set()
    assert traffic.notes[0] == (
        "the server serves one connection at a time: none is kept open, so there are no idle ones"
    )


def test_open_loop_requests_keep_their_rate_while_nothing_is_answered() -> None:
    with Server("http1") as server, Load(LoadOptions(target=target(server, "http1"), rate=200)) as load:
        load.start()
        server.tell("mode hang")
        server.expect("asked hang", 45)
        zero = time.monotonic()
        load.stop(zero)
        load.ended(zero)
        traffic = load.result(zero)
    sent = sorted(one.sent for one in traffic.requests if one.group is Group.IN_FLIGHT)
    assert len(sent) >= 40
    assert sent[39] - sent[0] > 0.05  # 39 intervals of 5 ms; a machine that was busy catches up


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("ok", Outcome.HUNG), ("farewell", Outcome.OK_CLOSE), ("farewell-rst", Outcome.RESET)],
)
def test_held_tcp_connections_tell_fin_from_rst(mode: str, expected: Outcome) -> None:
    with Server("tcp") as server, Load(LoadOptions(target=target(server, "tcp"), linger=0.2)) as load:
        load.start()
        load.prepare()
        server.expect("connected", 2)
        server.tell("deaf")
        if mode != "ok":
            server.tell(mode)
        zero = time.monotonic()
        load.stop(zero)
        load.ended(zero)
        traffic = load.result(zero)
    held = [one for one in traffic.requests if one.group is not Group.NEW]
    assert len(held) == 2
    assert {one.outcome for one in held} == {expected}
    assert outcomes(traffic, Group.NEW) <= {Outcome.REFUSED}


def test_what_is_said_on_held_tcp_connections_is_answered() -> None:
    with Server("tcp") as server:
        options = LoadOptions(target=target(server, "tcp"), say="hello\n")
        with Load(options) as load:
            load.start()
            zero = time.monotonic()
            load.stop(zero)
            server.expect("asked ok", 5)
            load.ended(time.monotonic())
            traffic = load.result(zero)
    assert outcomes(traffic, Group.IDLE, Group.NEW) == {Outcome.OK}


def test_a_container_that_ended_before_its_stop_has_traffic_too() -> None:
    with Server("http1") as server, Load(LoadOptions(target=target(server, "http1"))) as load:
        load.start()
        server.expect("asked ok", 10)
        server.kill()
        traffic = load.result(time.monotonic())
    assert len(traffic.requests) >= 10
    assert {one.group for one in traffic.requests} <= {Group.BEFORE, Group.IN_FLIGHT}


# -------------------------------------------------------------------------------------------------- bad input


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_nobody_there_is_one_line() -> None:
    port = free_port()
    options = LoadOptions(target=http_target(f"http://127.0.0.1:{port}/"), patience=0.2)
    with Load(options) as load, pytest.raises(LoadError) as caught:
        load.start()
    assert str(caught.value) == (
        f"cannot load http://127.0.0.1:{port}/: nothing listens there after 0.2 s; "
        "give an address that the container answers on"
    )


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("missing", r"the answer is status 404; give"),
        ("error", r"the answer is status 503 after 0\.5 s; give"),
        ("hang", r"no answer comes after 0\.5 s"),
        ("rst", r"the first request is reset after 0\.5 s"),
        ("fin", r"the connection is accepted, and closed without an answer after 0\.5 s"),
        ("nonsense", r"the answer is not HTTP/1\.1; give"),
    ],
)
def test_a_first_request_that_fails_is_one_line(mode: str, why: str) -> None:
    with Server("http1", mode) as server:
        options = LoadOptions(target=target(server, "http1"), patience=0.5)
        with Load(options) as load, pytest.raises(LoadError, match=why):
            load.start()


def test_a_server_of_another_version_of_http_is_known_at_once() -> None:
    with (
        Server("http1") as server,
        Load(LoadOptions(target=target(server, "http2"), patience=60.0)) as load,
        pytest.raises(LoadError, match=r"the answer is not HTTP/2; give"),
    ):
        load.start()


def test_a_server_outside_of_the_container_is_not_taken_for_it() -> None:
    with Server("http1") as server, subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as container:
        assert container.stdin is not None
        options = LoadOptions(target=target(server, "http1"))
        with (
            Load(options, members=lambda: (container.pid,)) as load,
            pytest.raises(LoadError, match=rf"{server.port} is served by a process outside of the container"),
        ):
            load.start()
        with Load(options, members=lambda: (container.pid, server.pid)) as load:
            assert load.start()
        container.stdin.close()


def test_a_name_without_an_address_is_one_line() -> None:
    options = LoadOptions(target=http_target("http://nobody.invalid/"))
    with Load(options) as load, pytest.raises(LoadError, match=r"the name nobody\.invalid has no address"):
        load.start()


def test_a_container_that_ends_before_the_first_answer_is_no_error() -> None:
    options = LoadOptions(target=http_target(f"http://127.0.0.1:{free_port()}/"))
    with Load(options, wait=lambda _: True) as load:
        assert load.start() is False


def test_a_network_that_cannot_be_entered_is_one_line() -> None:
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as gone:
        assert gone.stdin is not None
        place = f"/proc/{gone.pid}/ns/net"
    options = LoadOptions(target=http_target("http://127.0.0.1/"), network=place)
    with (
        Load(options) as load,
        pytest.raises(LoadError, match=r"^cannot enter the container's network .*\?$"),
    ):
        load.start()


@pytest.mark.root
def test_requests_come_from_the_network_of_the_container() -> None:
    if os.geteuid():
        pytest.skip("a network namespace needs root")
    with Server("http1") as server:
        command = ["unshare", "--net", "sh", "-c", "echo ready; read line"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"ready\n"
            options = LoadOptions(target=target(server, "http1"), patience=0.2)
            # The server is in our network; in the other one even the loopback is down.
            with Load(options, network=other.pid) as load, pytest.raises(LoadError, match="nothing listens"):
                load.start()
            with Load(options, network=os.getpid()) as load:
                assert load.start()
            assert other.stdin is not None
            other.stdin.close()


# ------------------------------------------------------------------------------------------ nothing remains


def test_the_load_ends_with_the_object() -> None:
    with Server("http1") as server:
        with Load(LoadOptions(target=target(server, "http1"))) as load:
            load.start()
            child = load._child
            assert child is not None
        assert child.returncode is not None
        load.close()


def test_the_load_ends_with_its_owner() -> None:
    script = (
        "import sys; from endwell.probe.load import *\n"
        "load = Load(LoadOptions(target=http_target(sys.argv[1])))\n"
        "load.start(); print(load._child.pid, flush=True); input()"
    )
    with Server("http1") as server:
        command = [sys.executable, "-c", script, f"http://127.0.0.1:{server.port}/"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
            assert owner.stdout is not None
            pidfd = os.pidfd_open(int(owner.stdout.readline()))
            owner.kill()
        with contextlib.closing(os.fdopen(pidfd)):
            # Readable when it has ended; our own child it is not.
            assert select.select([pidfd], [], [], 10.0)[0]


# ---------------------------------------------------------------------------------------------- real servers


@contextlib.contextmanager
def running(command: list[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a real server."""
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def stopped(
    process: subprocess.Popen[bytes], options: LoadOptions, number: int, gate: Path | None = None
) -> Traffic:
    """What becomes of the traffic when a real server is sent a signal; the gate is opened afterwards."""
    with contextlib.ExitStack() as stack:
        writer = -1
        if gate is not None:
            os.mkfifo(gate)
            writer = os.open(gate, os.O_RDWR)
            stack.callback(os.close, writer)
        load = stack.enter_context(Load(options))
        load.start()
        load.prepare()
        zero = time.monotonic()
        load.stop(zero)
        process.send_signal(number)
        if gate is not None:
            os.write(writer, b"x" * options.slow)
        process.wait(20)
        load.ended(time.monotonic())
        return load.result(zero)


def nginx(directory: Path, port: int, extra: str = "") -> list[str]:
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not os.path.exists(program):  # noqa: PTH110
        pytest.skip("nginx is not installed")
    configuration = directory / "nginx.conf"
    user = "" if os.geteuid() else "user root;"
    configuration.write_text(f"""
        {user} daemon off; worker_processes 1; pid {directory}/pid; error_log stderr;
        events {{}}
        http {{
            access_log off; client_body_temp_path {directory}/b; proxy_temp_path {directory}/p;
            fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
            server {{
                listen 127.0.0.1:{port} {extra};
                location = /slow {{ root {directory}; limit_rate 100k; }}
                location / {{ return 200 "ok"; }}
            }}
        }}
    """)
    (directory / "slow").write_bytes(b"x" * 100_000)
    return [program, "-c", str(configuration), "-p", str(directory)]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("number", "expected"),
    [(signal.SIGTERM, {Outcome.CUT}), (signal.SIGQUIT, {Outcome.OK, Outcome.OK_CLOSE})],
    ids=["TERM", "QUIT"],
)
def test_nginx_cuts_answers_on_term_and_completes_them_on_quit(
    tmp_path: Path, number: int, expected: set[Outcome], version: int
) -> None:
    port = free_port()
    options = LoadOptions(
        target=http_target(f"http://127.0.0.1:{port}/", version=version), slow_path="/slow", half_sent=0
    )
    with running(nginx(tmp_path, port, "http2" if version == 2 else "")) as process:
        traffic = stopped(process, options, number)
    slow = [one for one in traffic.requests if one.group is Group.SLOW]
    assert len(slow) == 2
    assert {one.outcome for one in slow} <= expected
    assert outcomes(traffic, Group.BEFORE) == {Outcome.OK}
    if number == signal.SIGQUIT:
        assert not traffic.lost
        assert Outcome.REFUSED in outcomes(traffic, Group.NEW)


def test_gunicorn_completes_what_is_in_flight(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--workers", "2"]
    gate = tmp_path / "gate"
    options = LoadOptions(
        target=http_target(f"http://127.0.0.1:{port}/"), slow_path="/slow", half_sent=0, slow=1
    )
    application = "tests.probe.servers.application:wsgi"
    with running([*command, application], GATE=str(gate)) as process:
        traffic = stopped(process, options, signal.SIGTERM, gate)
    assert outcomes(traffic, Group.SLOW) == {Outcome.OK_CLOSE}
    assert traffic.notes == ("the server closes every connection after its answer: there are no idle ones",)


def test_uvicorn_completes_what_is_in_flight(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--port", str(port), "--log-level", "critical"]
    gate = tmp_path / "gate"
    options = LoadOptions(target=http_target(f"http://127.0.0.1:{port}/"), slow_path="/slow", half_sent=0)
    application = "tests.probe.servers.application:asgi"
    with running([*command, application], GATE=str(gate)) as process:
        traffic = stopped(process, options, signal.SIGTERM, gate)
    assert outcomes(traffic, Group.SLOW) <= {Outcome.OK, Outcome.OK_CLOSE}
    assert len([one for one in traffic.requests if one.group is Group.SLOW]) == 2


def test_https_is_spoken_without_asking_who_it_is(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=somebody-else"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    made = subprocess.run(["openssl", *words, *files], check=False, capture_output=True)
    assert made.returncode == 0, made.stderr
    port = free_port()
    extra = f"ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key}"
    for version in (1, 2):
        options = LoadOptions(target=http_target(f"https://127.0.0.1:{port}/", version=version))
        with running(nginx(tmp_path, port, extra)) as process:
            traffic = stopped(process, options, signal.SIGQUIT)
        # What is sent while nginx closes an idle connection is dropped, whatever is spoken.
        before = [one for one in traffic.requests if one.group is Group.BEFORE and (one.ended or 0.0) < 0]
        assert {one.outcome for one in before} == {Outcome.OK}
