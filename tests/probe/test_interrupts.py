"""Interrupted in any phase, by anything, a probe leaves nothing behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from endwell.engine import docker as docker_module, interruptions
from endwell.engine.interruptions import HeldBack
from endwell.model.spec import ContainerSpec
from endwell.model.timeline import Way
from endwell.probe.load.options import LoadOptions, tcp_target
from endwell.probe.plan import Execution, Plan
from endwell.probe.run import probe
from tests import zoo
from tests.probe.traces import NAME, Traces, instances
from tests.support.program_image import program_image
from tests.support.session import docker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from endwell.engine.docker import DockerEngine

__all__ = ["docker"]

PROBE = (sys.executable, "-m", "endwell", "probe")
# Where a probe may be when somebody interrupts it, as its progress calls it.
PHASES = (
    "making",
    "starting",
    "waiting until",
    "sending",
    "running inside",
    "waiting before",
    "SIG",
    "reading",
)
NAMES = ("tracefs", "seccomp")


@pytest.fixture(params=NAMES)
def observer(request: pytest.FixtureRequest) -> str:
    if request.param == "tracefs" and os.geteuid():
        pytest.skip("tracefs needs root")
    return str(request.param)


@pytest.fixture
def traces(tmp_path: Path) -> Traces:
    directory = tmp_path / "temporary"
    directory.mkdir()
    return Traces(directory)


@pytest.fixture
def image(docker: DockerEngine) -> Iterator[str]:
    with program_image(docker, "endwell-interrupted", ["/bin/no-handler"]) as name:
        yield name


class Interrupted(BaseException):
    """Stands for what a signal's handler raises."""


class Nervous:
    """Interrupts in the phase whose name begins with a word."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        self.seen: list[str] = []

    def phase(self, what: str, limit: float | None = None) -> None:
        del limit
        self.seen.append(what)
        if what.startswith(self.wanted):
            raise Interrupted


def descriptors() -> set[str]:
    return {f"{one.name} {one.readlink()}" for one in Path("/proc/self/fd").iterdir() if one.is_symlink()}


def plan(mark: Traces, observer: str, way: Way = Way.STOP) -> Plan:
    """Return one that walks through every phase, and has something running in each."""
    return Plan(
        spec=ContainerSpec(
            command=zoo.command("listens-on-a-port"),
            environment={NAME: mark.mark, "PATH": os.environ["PATH"]},
        ),
        observer=observer,
        ready="log:ready",
        after=0.05,
        grace=0.3,
        way=way,
        executions=(
            Execution.parse("true"),
            Execution.parse("-10ms:sleep 1000"),
            Execution.parse("0:sleep 1000"),
        ),
    )


@pytest.mark.parametrize("phase", [one for one in PHASES if one != "sending"])
def test_an_exception_in_any_phase_leaves_nothing(observer: str, phase: str, traces: Traces) -> None:
    threads, before = set(threading.enumerate()), len(descriptors())
    nervous = Nervous(phase)
    with pytest.raises(Interrupted):
        probe(plan(traces, observer), nervous)
    assert nervous.seen[-1].startswith(phase)
    assert traces.left(os.getpid()) == []
    assert set(threading.enumerate()) == threads
    assert len(descriptors()) == before


def test_an_exception_while_requests_are_sent_leaves_nothing(observer: str, traces: Traces) -> None:
    port = _free_port()
    text = (
        f"import socket; s = socket.create_server(('127.0.0.1', {port})); print('ready', flush=True)\n"
        "while True: s.accept()[0].close()"
    )
    asked = Plan(
        spec=ContainerSpec(command=(sys.executable, "-Sc", text), environment={NAME: traces.mark}),
        observer=observer,
        ready="log:ready",
        after=1.0,
        load=LoadOptions(target=tcp_target(f"127.0.0.1:{port}")),
    )
    for phase in ("sending", "waiting before"):
        with pytest.raises(Interrupted):
            probe(asked, Nervous(phase))
        assert traces.left(os.getpid()) == []


def _free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.docker
@pytest.mark.root
@pytest.mark.parametrize("phase", ["making", "starting", "waiting until", "waiting before", "SIG", "reading"])
def test_no_phase_leaves_a_container(
    docker: DockerEngine, image: str, phase: str, monkeypatch: pytest.MonkeyPatch, traces: Traces
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.endpoint.url)
    assert docker_module.DockerEngine().endpoint == docker.endpoint
    asked = Plan(
        spec=ContainerSpec(image=image, environment={NAME: traces.mark}, network="none"),
        engine="docker",
        ready="log:ready",
        after=0.05,
        grace=1.0,
    )
    with pytest.raises(Interrupted):
        probe(asked, Nervous(phase))
    assert traces.left(os.getpid()) == []
    assert not containers(docker, image)


def containers(docker: DockerEngine, image: str) -> list[object]:
    found: list[object] = docker.client.ask(
        "GET", "/containers/json", {"all": 1, "filters": f'{{"ancestor": ["{image}"]}}'}
    )
    return found


class Running:
    """A probe in a process of its own, whose guest tells over a FIFO how far it is."""

    def __init__(self, traces: Traces, facts: Path, *words: str) -> None:
        os.mkfifo(facts)
        # Open for both, so that it neither blocks a writer nor ends between two of them.
        self.facts = os.open(facts, os.O_RDWR)
        guest = (
            f'trap "echo told >{facts}" TERM; echo ready; echo ready >{facts}; '
            "while :; do sleep 1000 & wait; done"
        )
        self.started = subprocess.Popen(
            [*PROBE, *traces.options, "--grace", "60s", *words, "--", "/bin/sh", "-c", guest],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=traces.environment,
        )

    def tell(self) -> str:
        """Return the guest's next fact, a line."""
        line = b""
        ended = os.pidfd_open(self.started.pid)
        try:
            poll = select.poll()
            poll.register(self.facts, select.POLLIN)
            poll.register(ended, select.POLLIN)
            while not line.endswith(b"\n"):
                assert self.facts in dict(poll.poll()), "it has ended without telling"
                line += os.read(self.facts, 1)
        finally:
            os.close(ended)
        return line.decode()

    def end(self) -> tuple[int, str, str]:
        """Wait for the end; return the status and what was printed."""
        out, err = self.started.communicate()
        return self.started.returncode, out, err

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it, if the test did not come so far."""
        os.close(self.facts)
        self.started.terminate()
        self.started.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("phase", ["waiting", "stopping", "executing"])
def test_a_signal_leaves_nothing(
    observer: str, number: int, phase: str, tmp_path: Path, traces: Traces
) -> None:
    facts = tmp_path / "facts"
    words = {
        "waiting": ["--ready", "log:never"],
        "stopping": ["--ready", "log:ready", "--exec", "0:sleep 1000"],
        "executing": ["--ready", "log:ready", "--exec", f"echo inside >{facts}; sleep 1000"],
    }[phase]
    with Running(traces, facts, "--observer", observer, *words) as running:
        assert running.tell() == "ready\n"
        if phase != "waiting":
            assert running.tell() == {"stopping": "told\n", "executing": "inside\n"}[phase]
        # Twice, and in any order: the second one must not tear apart what the first one has begun.
        running.started.send_signal(number)
        running.started.send_signal(signal.SIGINT if number != signal.SIGINT else signal.SIGTERM)
        status, out, err = running.end()
        assert status - 128 in {number, signal.SIGINT, signal.SIGTERM}, (status, out, err)
        assert err == "endwell probe: interrupted; nothing is left behind\n"
        assert traces.left(running.started.pid) == []


def test_who_is_told_to_ignore_hangups_does(tmp_path: Path, traces: Traces) -> None:
    facts = tmp_path / "facts"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        running = Running(traces, facts, "--ready", "log:ready")
    finally:
        signal.signal(signal.SIGHUP, before)
    with running:
        assert running.tell() == "ready\n"
        running.started.send_signal(signal.SIGHUP)
        assert running.tell() == "told\n"
        running.started.send_signal(signal.SIGTERM)
        assert running.end()[0] == 128 + signal.SIGTERM
        assert traces.left(running.started.pid) == []


def test_killed_it_leaves_nothing_that_the_next_one_does_not_remove(
    observer: str, tmp_path: Path, traces: Traces
) -> None:
    with Running(traces, tmp_path / "facts", "--observer", observer, "--ready", "log:ready") as running:
        assert running.tell() == "ready\n"
        assert running.tell() == "told\n"
        running.started.kill()
        assert running.end()[0] == -signal.SIGKILL
        traces.wait_until_gone()
        if observer == "tracefs":
            probe(Plan(spec=ContainerSpec(command=zoo.command("dies-at-once")), observer=observer))
            assert not [one for one in instances() if f"-{running.started.pid}-" in one]
        assert traces.left(running.started.pid) == []


@pytest.mark.docker
@pytest.mark.root
@pytest.mark.parametrize("words", [["--ready", "log:never"], ["--ready", "log:ready"]])
def test_a_signal_leaves_no_container(
    docker: DockerEngine, image: str, words: list[str], traces: Traces
) -> None:
    # The events tell when it has come as far as its container.
    kind = "start" if words[1] == "log:never" else "kill"
    events = subprocess.Popen(
        [
            "docker",
            "--host",
            docker.endpoint.url,
            "events",
            "--filter",
            f"event={kind}",
            "--format",
            "{{.Status}}",
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "HOME": str(traces.directory)},
    )
    with events:
        started = subprocess.Popen(
            [*PROBE, *traces.options, "--image", image, "--grace", "60s", *words, "--network", "none"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**traces.environment, "DOCKER_HOST": docker.endpoint.url},
        )
        with started:
            assert events.stdout is not None
            assert events.stdout.readline() == f"{kind}\n"
            started.send_signal(signal.SIGTERM)
            out, err = started.communicate()
        events.terminate()
    assert (started.returncode, out) == (128 + signal.SIGTERM, "")
    assert err == "endwell probe: interrupted; nothing is left behind\n"
    assert not containers(docker, image)
    assert traces.left(started.pid) == []


class RaisedError(Exception):
    """What the handler of these tests raises."""


@pytest.fixture
def raising() -> Iterator[None]:
    def handle(_number: int, _frame: object) -> None:
        raise RaisedError

    before = signal.signal(signal.SIGTERM, handle)
    yield
    signal.signal(signal.SIGTERM, before)


def held_back(passed: list[str]) -> None:
    with HeldBack():
        signal.raise_signal(signal.SIGTERM)
        passed.append("held back")
    passed.append("left")


def allowed(passed: list[str]) -> None:
    with HeldBack() as held:
        try:
            with held.allowed():
                signal.raise_signal(signal.SIGTERM)
                passed.append("allowed")
        except RaisedError:
            passed.append("raised")
            raise


def allowed_later(passed: list[str]) -> None:
    with HeldBack() as held:
        signal.raise_signal(signal.SIGTERM)
        passed.append("held back")
        with held.allowed():
            passed.append("allowed")


def one_in_another(passed: list[str]) -> None:
    with HeldBack():
        with HeldBack() as held, held.allowed():
            signal.raise_signal(signal.SIGTERM)
            passed.append("held back")
        passed.append("still held back")


@pytest.mark.usefixtures("raising")
@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (held_back, ["held back"]),
        (allowed, ["raised"]),
        (allowed_later, ["held back"]),
        (one_in_another, ["held back", "still held back"]),
    ],
)
def test_it_acts_where_it_may(work: Callable[[list[str]], None], expected: list[str]) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    passed: list[str] = []
    with pytest.raises(RaisedError):
        work(passed)
    assert passed == expected
    assert signal.getsignal(signal.SIGTERM) is handler


class InHand:
    """A lock during whose taking a signal comes."""

    def __init__(self) -> None:
        self.acquire = self.release = self.__exit__ = lambda *_: None
        # No code in Python between this and the condition's own.
        self.__enter__ = partial(signal.raise_signal, signal.SIGTERM)


class Last:
    """A signal comes while it is taken away."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


def take_a_lock() -> None:
    condition = threading.Condition(InHand())  # type: ignore[arg-type]  # as much of a lock as it needs
    condition.__enter__()


@pytest.mark.usefixtures("raising")
@pytest.mark.parametrize("work", [take_a_lock, Last])
def test_where_it_would_do_harm_it_comes_again(
    work: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    again: SimpleQueue[int] = SimpleQueue()
    monkeypatch.setattr(interruptions, "_send_again", again.put)
    with HeldBack() as held, held.allowed():
        work()
    assert again.get() == signal.SIGTERM


@pytest.mark.usefixtures("raising")
@pytest.mark.parametrize("wait", [select.poll().poll, threading.Event().wait])
def test_what_comes_again_ends_a_waiting(wait: Callable[[], object]) -> None:
    with pytest.raises(RaisedError), HeldBack() as held, held.allowed():
        take_a_lock_and(wait)


def take_a_lock_and(wait: Callable[[], object]) -> None:
    take_a_lock()
    wait()


@pytest.mark.usefixtures("raising")
def test_nothing_is_held_back_outside_the_main_thread() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def work() -> None:
        with HeldBack() as held, held.allowed():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
