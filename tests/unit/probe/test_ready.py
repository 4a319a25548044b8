"""When a container is ready: the grammar, the fold, and the waiting with a clock that nobody waits for."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from endwell.engine.output import Line
from endwell.probe.glance import exists, is_outsider, look, ports, takes
from endwell.probe.ready import wait_until_ready
from endwell.probe.ready_check import parse_ready
from endwell.probe.settling import GIVE_UP, QUIET, QUIET_LISTENING, Look, Settling
from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# ------------------------------------------------------------------------------------------------ the grammar


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "listening or settled"),
        ("log:ready to (accept|serve)", "log:ready to (accept|serve)"),
        ("tcp:8080", "tcp:8080"),
        ("tcp:127.0.0.1:8080", "tcp:127.0.0.1:8080"),
        ("http://127.0.0.1:8080/health", "http://127.0.0.1:8080/health"),
        ("http:http://127.0.0.1:8080/health", "http://127.0.0.1:8080/health"),
        ("exec:test -e /run/a:b", "exec:test -e /run/a:b"),
        ("file:/run/app.pid", "file:/run/app.pid"),
        ("sleep:1.5s", "sleep:1.5s"),
        ("sleep:2", "sleep:2s"),
    ],
)
def test_what_is_waited_for_is_shown_as_it_can_be_written(text: str, shown: str) -> None:
    check = parse_ready(text)
    assert str(check) == shown
    if text:
        assert parse_ready(shown) == check


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("8080", "is nothing to wait for: use log:REGEX"),
        ("udp:53", "is nothing to wait for: use log:REGEX"),
        ("tcp:", "says not what to wait for"),
        ("log:(", "not a regular expression: missing"),
        ("tcp:http", "does not end in a port"),
        ("tcp:70000", "a port is from 1 to 65535"),
        ("tcp:localhost:0", "a port is from 1 to 65535"),
        ("http:nowhere", "it is not an http or https URL"),
        ("http:https://127.0.0.1/", "https is not supported here"),
        ("http://127.0.0.1:x/", "cannot wait for"),
        ("file:app.pid", "write it from the root"),
        ("sleep:soon", "is not a length of time"),
    ],
)
def test_what_cannot_be_waited_for_is_one_line(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        parse_ready(text)
    assert why in str(caught.value)


@given(st.text())
def test_any_text_is_something_to_wait_for_or_one_line(text: str) -> None:
    try:
        str(parse_ready(text))
    except ValueError as error:
        assert str(error)  # noqa: PT017  either way is right


# ------------------------------------------------------------------------------------------------- the fold

ALONE = frozenset({(1, 100, "app")})
TWO = ALONE | {(2, 150, "app")}
TICK = 0.01


def first(looks: Iterator[Look]) -> tuple[str, float] | None:
    settling = Settling(0.0)
    for one in looks:
        found = settling.look(one)
        if found is not None:
            return found, round(one.at, 3)
    return None


def looks(**changes: Callable[[float], object]) -> Iterator[Look]:
    """A look every 10 ms, with the fields as functions of the time."""
    for number in range(1000):
        at = number * TICK
        fields = {"processes": ALONE, **{name: one(at) for name, one in changes.items()}}
        yield Look(at=at, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("settled", 0.15)),
        ({"used": lambda at: int(min(at, 1.0) * 1e9)}, ("settled", 1.15)),
        ({"used": lambda at: int(at * 0.05 * 1e9)}, ("settled", 0.15)),
        ({"used": lambda at: int(at * 1e9)}, ("still busy after 3 s", 3.0)),
        ({"working": lambda at: at < 0.5}, ("settled", 0.64)),
        ({"processes": lambda at: TWO if at >= 0.1 else ALONE}, ("settled", 0.25)),
        ({"printed": lambda at: min(int(at / 0.1), 4)}, ("settled", 0.55)),
        ({"printed": lambda at: int(at / 0.1)}, ("still busy after 3 s", 3.0)),
        ({"listening": lambda _: "tcp:80"}, ("tcp:80", 0.05)),
        ({"listening": lambda at: "tcp:80" if at >= 0.1 else ""}, ("tcp:80", 0.1)),
        ({"listening": lambda _: "tcp:80", "used": lambda at: int(min(at, 0.3) * 1e9)}, ("tcp:80", 0.35)),
        ({"processes": lambda _: frozenset()}, None),
    ],
)
def test_ready_is_a_moment_of_rest(
    changes: dict[str, Callable[[float], object]], expected: tuple[str, float] | None
) -> None:
    assert first(looks(**changes)) == expected


@given(
    st.lists(
        st.tuples(
            st.floats(0.001, 0.2), st.integers(0, 30_000_000), st.booleans(), st.sampled_from(["", "tcp:1"])
        ),
        max_size=60,
    )
)
def test_nothing_is_ready_before_its_rest_or_later_than_promised(
    steps: list[tuple[float, int, bool, str]],
) -> None:
    settling, at, used = Settling(0.0), 0.0, 0
    for seconds, more, working, listening in steps:
        at += seconds
        used += more
        found = settling.look(Look(at, ALONE, used, working, None, listening))
        if found == "settled":
            assert at >= QUIET
        elif found == "tcp:1":
            assert at >= QUIET_LISTENING
        elif found:
            assert at >= GIVE_UP
        else:
            assert at < GIVE_UP


# ---------------------------------------------------------------------------------------------- the waiting


@dataclass
class Stage:
    """A container that is played: `at` seconds tell what is there; waiting moves the clock."""

    now: float = 0.0
    end: float = 1000.0
    printed: list[Line] = field(default_factory=list)
    processes: tuple[int, ...] = ()
    commands: list[float] = field(default_factory=list)
    succeeds: float = 1000.0
    place: Path = Path("/")

    def clock(self) -> float:
        return self.now

    @property
    def lines(self) -> list[Line]:
        return [line for line in self.printed if line.at <= self.now]

    def members(self) -> tuple[int, ...]:
        return self.processes

    def ended(self) -> bool:
        return self.now >= self.end

    def wait(self, timeout: float) -> None:
        assert timeout > 0
        coming = [line.at for line in self.printed if line.at > self.now]
        self.now = min(self.now + timeout, *coming, max(self.end, self.now))

    def root(self) -> Path:
        return self.place

    def exec(self, command: tuple[str, ...], timeout: float) -> int | None:
        assert command[:2] == ("/bin/sh", "-c")
        assert timeout > 0
        self.commands.append(round(self.now, 2))
        return 0 if self.now >= self.succeeds else 1


def waited(text: str, stage: Stage, timeout: float = 30.0) -> tuple[str, float | None]:
    ready = wait_until_ready(parse_ready(text), stage, timeout, stage.clock)
    return ready.what, None if ready.at is None else round(ready.at, 2)


def test_a_line_is_found_when_it_comes() -> None:
    lines = [Line("stdout", "starting", 0.1), Line("stderr", "now ready", 0.4), Line("stdout", "on", 0.4)]
    assert waited("log:re.dy$", Stage(printed=lines)) == ("log:re.dy$", 0.4)


def test_a_line_that_comes_with_the_end_counts() -> None:
    assert waited("log:ready", Stage(printed=[Line("stdout", "ready", 0.4)], end=0.4)) == ("log:ready", 0.4)


def test_lines_are_found_also_where_the_middle_is_not_kept() -> None:
    stage = Stage(printed=[Line("stdout", "a", at / 100) for at in range(100)])
    stage.printed += [Line("stdout", "ready", 1.5)]

    class Short(Stage):
        @property
        def lines(self) -> list[Line]:
            return super().lines[-5:]

    assert waited("log:ready", Short(printed=stage.printed)) == ("log:ready", 1.5)


@pytest.mark.parametrize(
    "text", ["log:x", "tcp:1", "tcp:127.0.0.1:1", "exec:false", "file:/nowhere", "sleep:9s", ""]
)
def test_a_container_that_ends_before_is_a_finding_and_no_wait(text: str) -> None:
    stage = Stage(end=0.5)
    assert waited(text, stage) == (str(parse_ready(text)), None)
    assert stage.now == pytest.approx(0.5)


@pytest.mark.parametrize("text", ["log:x", "tcp:1", "exec:false", "file:/nowhere", "sleep:9s", ""])
def test_the_waiting_has_an_end(text: str) -> None:
    stage = Stage()
    assert waited(text, stage, 2.0) == (str(parse_ready(text)), None)
    assert stage.now == pytest.approx(2.0)


def test_a_command_is_run_again_until_it_succeeds() -> None:
    stage = Stage(succeeds=0.5)
    what, at = waited("exec:healthy", stage)
    assert (what, at) == ("exec:healthy", 0.6)
    assert stage.commands == [0.0, 0.2, 0.4, 0.6]


def test_seconds_pass() -> None:
    assert waited("sleep:1.5s", Stage()) == ("sleep:1.5s", 1.5)


def test_a_container_that_prints_without_end_is_not_looked_at_more_often() -> None:
    stage = Stage(printed=[Line("stdout", "x", at / 10_000) for at in range(2000)])
    seen = []
    members = stage.members

    def counted() -> tuple[int, ...]:
        seen.append(stage.now)
        return members()

    stage.members = counted  # type: ignore[method-assign]
    waited("tcp:1", stage, 0.2)
    assert len(seen) <= 22


# ------------------------------------------------------------------------------------------- looking at /proc


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket of ours that listens."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_a_port_is_theirs_only_if_they_have_it_open(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as stranger:
        assert port in ports((os.getpid(),))
        assert port not in ports((stranger.pid,))
        assert stranger.stdin is not None
        stranger.stdin.close()


def test_an_ipv6_port_counts() -> None:
    try:
        made = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 loopback")
    with made:
        assert made.getsockname()[1] in ports((os.getpid(),))


@pytest.mark.root
def test_in_a_network_of_its_own_everyone_who_listens_counts(listener: socket.socket) -> None:
    if os.geteuid():
        pytest.skip("a network namespace needs root")
    script = (
        "import socket\n"
        "s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    )
    command = ["unshare", "--net", "python3", "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        assert ports((other.pid,)) == {port}
        assert listener.getsockname()[1] not in ports((other.pid,))
        other.communicate(b"\n")


def test_who_is_there_is_seen_with_the_time_they_used() -> None:
    before = look((os.getpid(),), (), 1.0)
    name = Path("/proc/self/comm").read_text()[:-1]
    assert [(one[0], one[2]) for one in before.processes] == [(os.getpid(), name)]
    assert before.working
    sum(range(200_000))
    after = look((os.getpid(),), [Line("stdout", "x", 1.5)], 2.0)
    assert after.used > before.used
    assert after.printed != before.printed


def test_those_who_have_gone_and_those_who_are_dead_are_not_there() -> None:
    with subprocess.Popen(["/bin/true"], stdout=subprocess.PIPE) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not look((child.pid,), (), 0.0).processes
    assert not look((child.pid,), (), 0.0).processes
    assert look((), (), 0.0) == Look(0.0, frozenset(), printed=(0, 0.0))


def test_a_file_is_looked_for_as_a_process_inside_would_find_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "var").mkdir()
    (tmp_path / "var/run").symlink_to("/run")
    (tmp_path / "run/app.pid").write_text("1")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "up").symlink_to("../../../../../../../../run")
    outside = tmp_path.parent / "outside"
    outside.write_text("")
    assert exists(tmp_path, "/var/run/app.pid")
    assert exists(tmp_path, "/up/./app.pid")
    assert exists(tmp_path, "//run/../run/app.pid")
    assert not exists(tmp_path, "/run/other.pid")
    assert not exists(tmp_path, "/loop")
    assert not exists(tmp_path, "/../outside")
    assert not exists(tmp_path, "/run/app.pid/under")


# ------------------------------------------------------------------------------- questions over the network


class Answers(BaseHTTPRequestHandler):
    """Answers 503 twice, then 200."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200 if type(self).asked > 2 else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Here(Stage):
    """A container that is this process, with the real clock."""

    def wait(self, timeout: float) -> None:
        threading.Event().wait(timeout)


def test_an_answer_below_400_is_waited_for() -> None:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        check = parse_ready(f"http://127.0.0.1:{server.server_port}/health")
        ready = wait_until_ready(check, Here(processes=(os.getpid(),)), 20.0)
        server.shutdown()
    assert ready.at is not None
    assert Answers.asked == 3


def test_a_connection_is_waited_for(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    ready = wait_until_ready(parse_ready(f"tcp:127.0.0.1:{port}"), Here(processes=(os.getpid(),)), 20.0)
    assert (ready.what, ready.at is not None) == (f"tcp:127.0.0.1:{port}", True)


@pytest.mark.parametrize("form", ["tcp:127.0.0.1:{}", "http://127.0.0.1:{}/"])
def test_who_answers_has_to_be_of_the_container(form: str) -> None:
    with (
        HTTPServer(("127.0.0.1", 0), Answers) as server,
        subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as container,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        check = parse_ready(form.format(server.server_port))
        with pytest.raises(ValueError, match=rf"{server.server_port} is served by a process outside"):
            wait_until_ready(check, Here(processes=(container.pid,)), 20.0)
        server.shutdown()
        assert container.stdin is not None
        container.stdin.close()


@pytest.mark.parametrize(
    ("host", "outsider"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", False),  # nobody at all, so nobody who is somebody else
        ("192.0.2.1", True),  # no address of this machine
        ("nobody.invalid", False),
    ],
)
def test_an_outsider_is_known_by_who_has_the_socket_open(host: str, *, outsider: bool) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as container,
    ):
        port = server.getsockname()[1]
        assert is_outsider((container.pid,), host, port) is outsider
        assert not is_outsider((), host, port)
        if host == "127.0.0.1":
            assert not is_outsider((container.pid, os.getpid()), host, port)
        assert container.stdin is not None
        container.stdin.close()


@pytest.mark.parametrize(
    ("listening_on", "asked", "takes_it"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("0.0.0.0", "127.0.0.1", True),  # noqa: S104  only text
        ("0.0.0.0", "::1", False),  # noqa: S104  only text
        ("::", "127.0.0.1", True),
        ("::", "::1", True),
        ("::1", "127.0.0.1", False),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
    ],
)
def test_a_listener_takes_what_its_address_is_for(listening_on: str, asked: str, *, takes_it: bool) -> None:
    assert takes(listening_on, ip_address(asked)) is takes_it


def test_a_port_of_theirs_is_waited_for(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    ready = wait_until_ready(parse_ready(f"tcp:{port}"), Here(processes=(os.getpid(),)), 20.0)
    assert (ready.what, ready.at is not None) == (f"tcp:{port}", True)
