"""`endwell probe` on real engines: what Docker and podman do, and that the report says just that."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from endwell.engine.endpoint import PODMAN_SOCKET
from endwell.engine.podman import PodmanEngine
from endwell.engine.protocol import EngineError
from endwell.records import dataclass
from tests.support.distant_engine import NAME, distant_engine
from tests.support.docker import NoEngineError
from tests.support.podman import podman_environment
from tests.support.program_image import program_image
from tests.support.session import docker, podman

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from endwell.engine.docker import DockerEngine
    from endwell.engine.remote import RemoteEngine
    from endwell.engine.remote_container import RemoteContainer

__all__ = ["docker", "podman"]
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="tracefs needs root"),
]

PROBE = (sys.executable, "-m", "endwell", "probe", "--network", "none")
PLAIN, QUITS = "endwell-probe-test", "endwell-probe-test-quits"
LIMIT = 20.0
ENGINES = [
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("podman", marks=pytest.mark.podman),
]
SERVER = """
import http.server, signal, sys, threading
server = http.server.ThreadingHTTPServer(("127.0.0.1", 8080), http.server.SimpleHTTPRequestHandler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
"""


def sh(*words: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", "; ".join(words))


LOOP = "while :; do sleep 0.05 || exit; done"
# Said again and again, because whoever attaches sees only what is printed from then on.
TALKS = "while :; do echo ready; sleep 0.05 || exit; done"


@dataclass(frozen=True)
class Site:
    """An engine, and the variables under which the command finds it."""

    engine: RemoteEngine
    environment: dict[str, str]

    def command(self, *words: str) -> list[str]:
        return [*PROBE, "--engine", self.engine.name, *words]

    def probe(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
        )

    @contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Start the command; it is ended if the test did not come so far."""
        with subprocess.Popen(
            self.command(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        ) as started:
            try:
                yield started
            finally:
                started.terminate()
                started.communicate()

    def report(self, *words: str) -> dict[str, Any]:
        done = self.probe("--json", *words)
        assert done.returncode in {0, 1}, done.stdout + done.stderr
        assert done.stderr == ""
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["engine"] == self.engine.name
        assert found["observer"]["name"] == "tracefs"
        first = process(found, 1)
        # What the kernel recorded, and not when the engine got round to telling.
        assert found["stop"]["took"] == first["died"]
        assert found["stop"]["killed"] == (found["ending"] == "killed")
        return found

    def containers(self) -> list[str]:
        listed = self.engine.client.ask("GET", "/containers/json", {"all": 1})
        return [name.removeprefix("/") for one in listed for name in one["Names"]]


@pytest.fixture(params=ENGINES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    engine: RemoteEngine = request.getfixturevalue(request.param)
    variable = {"docker": "DOCKER_HOST", "podman": "CONTAINER_HOST"}[engine.name]
    found = Site(engine, {**os.environ, variable: engine.endpoint.url})
    assert found.containers() == []
    yield found
    assert found.containers() == []


@pytest.fixture
def image(site: Site) -> Iterator[str]:
    with program_image(site.engine, PLAIN, ["/bin/handles-term"]) as name:
        yield name


@pytest.fixture
def others(site: Site) -> Iterator[Callable[..., str]]:
    """Run containers that are not the command's, on the host's programs; removed afterwards."""
    names: list[str] = []

    def run(*words: str, host: dict[str, object] | None = None, **config: object) -> str:
        names.append(f"others-{len(names)}")
        body = {
            "Image": site.engine.find_image(site.engine.image)["Id"],
            "Entrypoint": list(words),
            "Cmd": [],
            "StopTimeout": 9,
            **config,
            "HostConfig": {"Binds": site.engine._binds, "NetworkMode": "none", **(host or {})},
        }
        site.engine.client.ask("POST", "/containers/create", {"name": names[-1]}, body)
        site.engine.client.ask("POST", f"/containers/{names[-1]}/start")
        return names[-1]

    yield run
    for name in names:
        site.engine.discard(name)


def process(report: dict[str, Any], pid: int) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in report["processes"] if one["pid"] == pid)
    return found


def fates(report: dict[str, Any], pid: int = 1) -> list[tuple[str, str]]:
    """Return what became of every signal that a process was sent from the stop on."""
    signals = process(report, pid)["signals"]
    return [(one["signal"], one["fate"]) for one in signals if one["at"] >= 0]


def rules(report: dict[str, Any]) -> set[str]:
    return {finding["rule"] for finding in report["findings"]}


def outcomes(report: dict[str, Any]) -> set[str]:
    return {one["outcome"] for one in report["requests"]["list"]}


def printed(report: dict[str, Any]) -> list[str]:
    return [line["text"].rstrip("\r") for line in report["output"]]


# ----------------------------------------------------------------------------------------------------- images


def test_an_image_is_stopped_with_its_own_command(site: Site, image: str) -> None:
    report = site.report("--image", image)
    assert report["verdict"] == "ends well"
    assert (report["stop"]["signal"], report["stop"]["grace"]) == ("SIGTERM", 10.0)
    assert (report["stop"]["exit"], report["stop"]["killed"]) == (7, False)
    assert 0 < report["stop"]["took"] < 5.0
    assert process(report, 1)["argv"][-1] == ["/bin/handles-term"]
    assert fates(report) == [("SIGTERM", "handler")]
    assert "told TERM" in printed(report)


def test_an_image_that_does_not_listen_is_killed(site: Site, image: str) -> None:
    report = site.report("--image", image, "--grace", "1s", "/bin/no-handler")
    assert report["verdict"] == "ends badly"
    assert rules(report) == {"EW201"}
    assert (report["stop"]["exit"], report["stop"]["killed"]) == (137, True)
    assert 1.0 <= report["stop"]["took"] < 8.0
    assert [fate for fate in fates(report) if fate[0] in {"SIGTERM", "SIGKILL"}] == [
        ("SIGTERM", "discarded"),
        ("SIGKILL", "default"),
    ]


def test_the_images_own_stop_signal_is_sent(site: Site) -> None:
    words = sh("trap 'exit 0' QUIT", "trap 'exit 4' USR1", "echo ready", LOOP)
    with program_image(site.engine, QUITS, words, "SIGQUIT") as name:
        report = site.report("--image", name, "--ready", "log:ready")
        assert (report["stop"]["signal"], report["stop"]["exit"]) == ("SIGQUIT", 0)
        assert ("SIGQUIT", "handler") in fates(report)
        report = site.report("--image", name, "--ready", "log:ready", "--signal", "USR1")
        assert (report["stop"]["signal"], report["stop"]["exit"]) == ("SIGUSR1", 4)
        assert [fate for fate in fates(report) if fate[0] != "SIGCHLD"] == [("SIGUSR1", "handler")]
        # Told where the engine has no such stop, and we did what it would have done.
        since = site.engine.stop_signal_from
        alone = since is None or site.engine.client.version < since
        assert any("cannot stop with SIGUSR1" in note for note in report["notes"]) == alone


def test_a_kill_is_the_engines(site: Site, image: str) -> None:
    report = site.report("--image", image, "--kill")
    assert (report["stop"]["way"], report["stop"]["exit"], report["stop"]["killed"]) == ("kill", 137, True)
    assert report["stop"]["took"] < 8.0


def test_a_second_signal_comes_from_us(site: Site, image: str) -> None:
    words = sh("trap 'echo told' TERM", "echo ready", LOOP)
    report = site.report("--image", image, "--ready", "log:ready", "--twice", "--grace", "2s", *words)
    assert [fate for fate in fates(report) if fate[0] == "SIGTERM"] == [("SIGTERM", "handler")] * 2
    assert printed(report).count("told") == 2


@pytest.mark.parametrize(
    ("words", "first", "second"),
    [
        (("--init",), "endwell-init", "/bin/handles-term"),
        (("--init=tini --",), "tini", "/bin/handles-term"),
    ],
)
def test_an_init_stands_in_front(
    site: Site, image: str, words: tuple[str, ...], first: str, second: str
) -> None:
    report = site.report("--image", image, *words)
    assert report["verdict"] == "ends well"
    assert process(report, 1)["argv"][-1][0].rpartition("/")[2] == first
    child = next(one for one in report["processes"] if one["parent"] == 1)
    assert child["argv"][-1] == [second]
    assert child["told"] is True
    assert report["stop"]["exit"] == 7


def test_an_init_that_the_image_has_not_is_one_line(site: Site, image: str) -> None:
    done = site.probe("--image", image, "--init=no-such-init --")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot start no-such-init" in done.stderr
    assert done.stderr.count("\n") == 1


def test_user_environment_directory_and_terminal_are_the_words(site: Site, image: str) -> None:
    words = sh("echo $(id -u) $ONE $(pwd)", "test -t 1 && echo terminal", "exec handles-term")
    report = site.report(
        *("--image", image, "--user", "65534", "--env", "ONE=1", "--workdir", "/tmp", "--tty"),
        *("--ready", "log:^ready", *words),
    )
    assert printed(report)[:3] == ["65534 1 /tmp", "terminal", "ready"]
    assert report["stop"]["exit"] == 7


def test_an_entrypoint_replaces_the_images(site: Site, image: str) -> None:
    report = site.report("--image", image, "--entrypoint", "/bin/tini -s", "/bin/handles-term")
    assert process(report, 1)["argv"][-1] == ["/bin/tini", "-s", "/bin/handles-term"]


def test_a_command_inside_is_seen_and_never_told(site: Site, image: str) -> None:
    inside = "touch /tmp/there; exec sleep 1000"
    report = site.report("--image", image, f"--exec=-4s:{inside}", "--after", "4s")
    assert (report["stop"]["exit"], report["stop"]["killed"]) == (7, False)
    entered = next(one for one in report["processes"] if one["argv"] and one["argv"][-1][0] == "sleep")
    assert entered["parent"] == 0
    assert entered["told"] is False
    assert entered["end"]["by"] == "namespace"
    assert [(one["signal"], one["fate"]) for one in entered["signals"] if one["at"] >= 0] == [
        ("SIGKILL", "default")
    ]


def test_a_command_inside_comes_before_the_stop(site: Site, image: str) -> None:
    words = sh("trap 'cat /tmp/left; exit 0' TERM", "echo ready", LOOP)
    report = site.report(
        *("--image", image, "--ready", "log:ready", "--exec", "echo word >/tmp/left", *words)
    )
    assert "word" in printed(report)


@pytest.mark.docker
def test_a_health_check_is_seen_and_never_told(docker: DockerEngine) -> None:
    """Podman leaves health checks to systemd, and they are no part of an image that it imports."""
    site = Site(docker, {**os.environ, "DOCKER_HOST": docker.endpoint.url})
    check = "touch /tmp/checked; exec sleep 1000"
    with program_image(docker, PLAIN, ["/bin/handles-term"], health=check) as image:
        report = site.report("--image", image, "--ready", "file:/tmp/checked")
    assert (report["stop"]["exit"], report["stop"]["killed"]) == (7, False)
    # The shell, or the sleep that it becomes.
    (checking,) = (
        one for one in report["processes"] if one["parent"] == 0 and one["end"]["kind"] == "killed"
    )
    assert (checking["told"], checking["end"]["by"]) == (False, "namespace")
    assert "EW402" in rules(report)
    assert site.containers() == []


def test_what_dies_at_once_is_a_finding(site: Site, image: str) -> None:
    done = site.probe("--json", "--image", image, *sh("exit 9"))
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"]) == (1, "ends badly")
    assert rules(report) == {"EW502"}
    assert (report["stop"]["exit"], report["stop"]["asked"]) == (9, False)
    # The engine has forgotten its number by the time that the start is answered.
    assert (process(report, 1)["end"]["kind"], process(report, 1)["end"]["code"]) == ("exit", 9)


@pytest.mark.podman
@pytest.mark.skipif(Path(PODMAN_SOCKET).exists(), reason="a service of the machine would be taken")
def test_podman_needs_no_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONTAINER_HOST", "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_RUNTIME_DIR", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    try:
        with podman_environment() as variables:
            for name, value in variables.items():
                monkeypatch.setenv(name, value)
            with PodmanEngine() as engine, program_image(engine, PLAIN, ["/bin/handles-term"]) as image:
                report = Site(engine, dict(os.environ)).report("--image", image)
                assert report["stop"]["exit"] == 7
                # The command's own service has gone, with its socket.
                assert list(tmp_path.glob("endwell-*")) == []
    except NoEngineError as error:
        pytest.fail(str(error)) if os.environ.get("CI") else pytest.skip(str(error))


# ---------------------------------------------------------------------------------------------------- traffic


def test_the_load_enters_the_containers_network(site: Site, image: str) -> None:
    report = site.report(
        *("--image", image, "--http", "http://127.0.0.1:8080/etc/passwd", "--init", "--grace", "3s"),
        *("/bin/httpd", "-f", "-p", "127.0.0.1:8080", "-h", "/"),
    )
    assert report["ready"]["what"] == "tcp:8080"
    assert report["requests"]["target"].startswith("http://127.0.0.1:8080")
    assert "ok, close" in outcomes(report)


def test_a_server_of_others_is_loaded(site: Site, others: Callable[..., str]) -> None:
    name = others("/usr/bin/python3", "-c", SERVER)
    report = site.report("--container", name, "--http", "http://127.0.0.1:8080/")
    assert (report["stop"]["exit"], report["stop"]["grace"]) == (0, 9.0)
    assert {"ok, close", "refused"} <= outcomes(report)


# --------------------------------------------------------------------------------------- containers of others


def test_a_container_of_others_is_observed_stopped_and_stays(site: Site, others: Callable[..., str]) -> None:
    text = f"trap 'exit 4' USR1; sleep 1000 & {TALKS}"
    policy = {"RestartPolicy": {"Name": "always"}}
    name = others("/bin/sh", "-c", text, host=policy, StopSignal="SIGUSR1")
    report = site.report("--container", name, "--ready", "log:ready")
    assert (report["stop"]["signal"], report["stop"]["grace"]) == ("SIGUSR1", 9.0)
    assert (report["stop"]["exit"], report["stop"]["killed"]) == (4, False)
    assert ("SIGUSR1", "handler") in fates(report)
    asleep = next(one for one in report["processes"] if one["argv"] and one["argv"][-1] == ["sleep", "1000"])
    assert asleep["told"] is False
    assert any("running already" in blind for blind in report["observer"]["blind"])
    record = site.engine.inspect(name)
    assert (record["State"]["Status"], record["State"]["ExitCode"]) == ("exited", 4)
    assert record["RestartCount"] == 0


def test_a_container_of_others_takes_our_grace(site: Site, others: Callable[..., str]) -> None:
    name = others("/bin/sh", "-c", f"trap '' TERM; {TALKS}")
    report = site.report("--container", name, "--ready", "log:ready", "--grace", "1s")
    assert (report["stop"]["exit"], report["stop"]["killed"], report["stop"]["grace"]) == (137, True, 1.0)
    assert 1.0 <= report["stop"]["took"] < 8.0


# --------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--image", "nosuch:1", "true"), "has no image nosuch:1; get it: "),
        (("--container", "nosuch"), "has no container nosuch; see: "),
        (("--image", PLAIN, "/no/such"), "cannot start /no/such"),
        (("--image", PLAIN, "--user", "nosuchuser"), "nosuchuser"),
        (("--image", PLAIN, "--grace", "1.5s"), "whole seconds"),
        (("--image", PLAIN, "--observer", "seccomp"), "tracefs"),
        (("--container", "nosuch", "--observer", "seccomp"), "tracefs"),
    ],
)
def test_what_cannot_be_is_one_line(site: Site, image: str, words: tuple[str, ...], said: str) -> None:
    assert image == PLAIN
    done = site.probe(*words)
    assert (done.returncode, done.stdout) == (2, ""), done.stdout
    assert said in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_an_image_without_a_command_is_one_line(site: Site) -> None:
    done = site.probe("--image", site.engine.image)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"the image {site.engine.image} has no command of its own; name one" in done.stderr


def test_a_container_that_does_not_run_is_one_line(site: Site, others: Callable[..., str]) -> None:
    name = others("/bin/true")
    site.engine.client.ask("POST", f"/containers/{name}/wait")
    done = site.probe("--container", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"start it: {site.engine.name} start {name}" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("engine", "variable"), [("docker", "DOCKER_HOST"), ("podman", "CONTAINER_HOST")])
@pytest.mark.parametrize("words", [("--image", "app"), ("--container", "app")])
def test_an_engine_that_does_not_answer_is_one_line(
    tmp_path: Path, engine: str, variable: str, words: tuple[str, str]
) -> None:
    # Without a program podman none can be started instead.
    environment = {**os.environ, variable: f"unix://{tmp_path}/none", "PATH": str(tmp_path)}
    done = subprocess.run(
        [*PROBE, "--engine", engine, *words], capture_output=True, text=True, check=False, env=environment
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert engine in done.stderr.lower()
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("forwarded", [False, True])
def test_a_container_of_another_machine_is_left_alone(tmp_path: Path, *, forwarded: bool) -> None:
    with distant_engine(os.getpid(), tmp_path / "socket" if forwarded else None) as distant:
        done = subprocess.run(
            [*PROBE, "--container", NAME],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "DOCKER_HOST": distant.url},
        )
        assert (done.returncode, done.stdout) == (2, ""), done.stdout
        assert "cannot observe web: its processes are on another machine" in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        assert not distant.over.is_set()
        assert not any(request.endswith(("/stop", "/kill")) for request in distant.asked)


# ----------------------------------------------------------------------------------------------- interruption


def attached(site: Site) -> RemoteContainer:
    """Take part in the container that the command makes, as soon as it runs."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        for name in site.containers():
            try:
                return site.engine.attach(name)
            except EngineError:
                # Made, and not yet started.
                threading.Event().wait(0.01)
    raise AssertionError("the command has made no container")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_the_engine_stops_it_leaves_nothing(site: Site, image: str, number: int) -> None:
    words = sh("trap 'echo told' TERM", TALKS)
    with (
        site.started("--image", image, "--ready", "file:/tmp/go", "--grace", "60s", *words) as started,
        attached(site) as container,
    ):
        container.expect("ready", LIMIT)
        with container.exec(("/bin/touch", "/tmp/go")) as going:
            assert going.wait(LIMIT) == 0
        container.expect("told", LIMIT)
        started.send_signal(number)
        out, err = started.communicate(timeout=LIMIT)
    assert (out, started.returncode) == ("", 128 + number)
    assert err == "endwell probe: interrupted; nothing is left behind\n"
    assert site.containers() == []


def test_interrupted_a_container_of_others_stays(site: Site, others: Callable[..., str]) -> None:
    name = others("/bin/sh", "-c", f"trap 'echo told' TERM; {TALKS}", StopTimeout=2)
    with (
        site.engine.attach(name) as container,
        site.started("--container", name, "--ready", "log:ready") as started,
    ):
        container.expect("told", LIMIT)
        started.send_signal(signal.SIGINT)
        assert started.communicate(timeout=LIMIT)[0] == ""
        assert started.returncode == 130
    assert name in site.containers()


def test_interrupted_a_command_inside_a_container_of_others_is_ended(
    site: Site, others: Callable[..., str]
) -> None:
    name = others("/bin/sh", "-c", f"trap 'exit 0' TERM; {TALKS}")
    stays = "echo in >/proc/1/fd/1; exec sleep 4321"
    with (
        site.engine.attach(name) as container,
        site.started("--container", name, "--ready", "log:ready", "--exec", stays) as started,
    ):
        container.expect("in", LIMIT)
        ours = container.members()
        inside = next(one for one in ours if one != container.pid and parent(one) not in {None, *ours})
        pidfd = os.pidfd_open(inside)
        try:
            started.send_signal(signal.SIGINT)
            out, err = started.communicate(timeout=LIMIT)
            assert (started.returncode, out) == (130, "")
            assert err == "endwell probe: interrupted; nothing is left behind\n"
            assert select.select([pidfd], [], [], LIMIT)[0]
        finally:
            os.close(pidfd)
    assert name in site.containers()


def parent(pid: int) -> int | None:
    """Return who is the parent of a process; None when it has gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None
