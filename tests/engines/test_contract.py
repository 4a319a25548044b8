"""One contract for every engine: making, starting, typing, entering, stopping, and leaving nothing."""

from __future__ import annotations

import math
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

import pytest

import endwell
from endwell.engine import interruptions
from endwell.engine.interruptions import HeldBack
from endwell.engine.local import LocalEngine
from endwell.engine.protocol import EngineError, NotStartedError
from endwell.engine.remote import RemoteEngine
from endwell.model.signals import QUIT, TERM, USR1
from endwell.model.spec import ContainerSpec
from tests import zoo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from endwell.engine.protocol import Container, Engine

SOURCE = str(Path(endwell.__file__).parents[1])
# A gigabyte is too much for each run on a small machine; the reader's cost per byte is the same.
FLOOD = (200 if os.environ.get("CI") else 40) << 20


def script(text: str, **more: object) -> ContainerSpec:
    return ContainerSpec(entrypoint=("/bin/sh", "-c", text), **more)  # type: ignore[arg-type]


def guest(name: str, **more: object) -> ContainerSpec:
    return ContainerSpec(entrypoint=zoo.command(name), **more)  # type: ignore[arg-type]


def texts(container: Container) -> list[str]:
    container.wait(10.0)
    return [line.text for line in container.lines]


def leftovers(engine: Engine) -> list[str]:
    if not isinstance(engine, RemoteEngine):
        return []
    return [name for one in engine.client.ask("GET", "/containers/json", {"all": 1}) for name in one["Names"]]


@pytest.fixture(autouse=True)
def _nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    engine = request.getfixturevalue("engine") if "engine" in request.fixturenames else None
    yield
    assert engine is None or leftovers(engine) == []


# ---------------------------------------------------------------------------------------- making and starting


def test_what_is_made_does_not_run(engine: Engine) -> None:
    with engine.create(script("echo ran")) as container:
        assert container.wait(0.0) is None
        assert bool(container.pid) == (engine.name == "local")
        assert container.name
        assert container.identity
        with pytest.raises(EngineError, match="has not been started"):
            container.stop()
        container.start()
        assert texts(container) == ["ran"]
        with pytest.raises(EngineError, match="started already"):
            container.start()


def test_what_was_never_started_leaves_nothing(engine: Engine) -> None:
    engine.create(script("exit")).remove()


@pytest.mark.parametrize(("path", "status"), [("/no/such", 127), ("/etc/passwd", 126)])
def test_a_start_says_why_not(engine: Engine, path: str, status: int) -> None:
    with (
        engine.create(ContainerSpec(entrypoint=(path,))) as container,
        pytest.raises(NotStartedError, match=path) as caught,
    ):
        container.start()
    assert caught.value.status == status


def test_the_environment_and_the_directory_are_the_specs(engine: Engine) -> None:
    spec = script(
        "echo $PATH; echo $EXTRA; pwd", environment={"EXTRA": "a b", "PATH": "/x"}, directory="/usr"
    )
    with engine.create(spec) as container:
        container.start()
        assert texts(container) == ["/x", "a b", "/usr"]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
@pytest.mark.parametrize(
    ("user", "seen"),
    [("nobody", "65534 65534 65534"), ("12345", "12345 0 0"), ("65534:7", "65534 7 7"), ("0", "0 0 0")],
)
def test_the_user_is_the_specs(engine: Engine, user: str, seen: str) -> None:
    with engine.create(
        script("echo $(id -u) $(id -g) $(id -G); echo x >/dev/stderr", user=user)
    ) as container:
        container.start()
        assert sorted(texts(container)) == [seen, "x"]


def test_an_unknown_user_is_one_line(engine: Engine) -> None:
    with (
        pytest.raises(EngineError, match="nosuchuser"),
        engine.create(guest("no-handler", user="nosuchuser")) as it,
    ):
        it.start()


def test_a_terminal_is_its_own(engine: Engine) -> None:
    text = "test -t 0 && test -t 1 && test -t 2 && echo three; read -r word; echo got $word; exit 5"
    with engine.create(script(text, terminal=True, interactive=True)) as container:
        container.start()
        container.expect("three")
        container.feed("typed\n")
        container.expect("got typed")
        ending = container.wait(10.0)
        assert ending is not None
        assert ending.status == 5
        assert {line.stream for line in container.lines} == {"stdout"}


def test_a_terminal_interrupts_its_foreground(engine: Engine) -> None:
    text = "trap 'echo interrupted; exit 6' INT; echo ready; while :; do sleep 0.1; done"
    with engine.create(script(text, terminal=True, interactive=True)) as container:
        container.start()
        container.expect("ready")
        container.feed("\x03")
        container.expect(re.compile("interrupted$"))


def test_input_is_read_to_its_end(engine: Engine) -> None:
    with engine.create(ContainerSpec(entrypoint=("/bin/cat",), interactive=True)) as container:
        container.start()
        container.feed("one\ntwo")
        container.expect("one")
        container.close_input()
        assert texts(container) == ["one", "two"]


def test_without_input_there_is_none(engine: Engine) -> None:
    with engine.create(ContainerSpec(entrypoint=("/bin/cat",))) as container:
        container.start()
        with pytest.raises(EngineError, match="interactive"):
            container.feed("x")
        ending = container.wait(10.0)
        assert ending is not None
        assert ending.status == 0


# ----------------------------------------------------------------------------------------------------- output


def test_a_flood_neither_blocks_nor_grows(engine: Engine) -> None:
    line = "x" * 99
    text = f"echo first; yes {line} | head -c {FLOOD}; echo last"
    with engine.create(script(text)) as container:
        container.start()
        ending = container.wait(120.0)
        assert ending is not None
        lines, dropped = container.lines, container.dropped
        assert len(lines) + dropped.lines in {FLOOD // 100 + 2, FLOOD // 100 + 3}
        assert len(lines) < 30_000
        assert (lines[0].text, lines[-1].text[-4:]) == ("first", "last")


def test_a_line_without_an_end_is_cut(engine: Engine) -> None:
    with engine.create(script("head -c 300000 /dev/zero | tr '\\0' x; echo; echo after")) as container:
        container.start()
        *parts, last = texts(container)
        assert last == "after"
        assert "".join(parts) == "x" * 300_000
        assert max(map(len, parts)) == 65536


def test_a_pattern_is_searched_for(engine: Engine) -> None:
    with engine.create(script("echo listening on 8080; exec sleep 1000")) as container:
        container.start()
        assert container.expect(re.compile(r"on \d+$")).text == "listening on 8080"


# --------------------------------------------------------------------------------------------------- entering


def test_exec_is_inside(engine: Engine) -> None:
    with engine.create(guest("no-handler", environment={"ONE": "1"}, directory="/usr")) as container:
        container.start()
        container.expect("ready")
        inside = "tr '\\0' ' ' </proc/1/cmdline; echo; echo $ONE $TWO; pwd; echo no >&2; exit 9"
        with container.exec(("/bin/sh", "-c", inside), environment={"TWO": "2"}) as running:
            assert running.wait(10.0) == 9
            said = [line.text for line in running.lines if line.stream == "stdout"]
            assert said == [" ".join(zoo.command("no-handler")) + " ", "1 2", "/usr"]
            assert [line.text for line in running.lines if line.stream == "stderr"] == ["no"]
        with container.exec(("/bin/pwd",), directory="/") as running:
            assert running.wait(10.0) == 0
            assert [line.text for line in running.lines] == ["/"]


@pytest.mark.parametrize(("path", "status"), [("/no/such", 127), ("/etc/passwd", 126)])
def test_exec_of_what_is_no_program_has_a_status(engine: Engine, path: str, status: int) -> None:
    with engine.create(guest("no-handler")) as container:
        container.start()
        with container.exec((path,)) as running:
            # Docker 20.10 says 126 for every path that has a slash.
            assert running.wait(10.0) in ({status, 126} if engine.name == "docker" else {status})
            assert path in " ".join(line.text for line in running.lines)


def test_exec_ends_with_the_container(engine: Engine) -> None:
    with engine.create(guest("handles-term")) as container:
        container.start()
        container.expect("ready")
        with container.exec(("/bin/sleep", "1000")) as running:
            assert running.wait(0.05) is None
            container.stop(10.0)
            assert running.wait(10.0) == 137
        with pytest.raises(EngineError, match="run"):
            container.exec(("/bin/true",))


def test_members_are_the_namespace(engine: Engine) -> None:
    with engine.create(guest("hundred-sessions")) as container:
        container.start()
        container.expect("ready")
        assert len(container.members()) == 101
        assert container.pid in container.members()


# --------------------------------------------------------------------------------------------------- stopping


def test_the_defaults_are_dockers(engine: Engine) -> None:
    with engine.create(guest("no-handler")) as container:
        assert (container.stop_signal, container.grace) == (TERM, 10.0)


def test_the_spec_says_how_to_stop(engine: Engine) -> None:
    text = "trap 'exit 4' USR1; echo ready; while :; do sleep 0.05; done"
    with engine.create(script(text, stop_signal=USR1, grace=20.0)) as container:
        assert (container.stop_signal, container.grace) == (USR1, 20.0)
        container.start()
        container.expect("ready")
        ending = container.stop()
        assert (ending.status, ending.killed, ending.note) == (4, False, "")


def test_another_signal_than_the_containers_own(engine: Engine) -> None:
    text = "trap '' TERM; trap 'exit 4' USR1; echo ready; while :; do sleep 0.05; done"
    with engine.create(script(text)) as container:
        container.start()
        container.expect("ready")
        ending = container.stop(10.0, signal.SIGUSR1)
        assert (ending.status, ending.killed) == (4, False)


def test_another_signal_and_then_killed(engine: Engine) -> None:
    with engine.create(guest("ignores-term")) as container:
        container.start()
        container.expect("ready")
        ending = container.stop(1.0, signal.SIGHUP)
        assert (ending.status, ending.killed) == (137, True)
        assert 1.0 <= ending.took < 9.0


def test_without_grace_it_is_killed_at_once(engine: Engine) -> None:
    with engine.create(guest("ignores-term")) as container:
        container.start()
        container.expect("ready")
        ending = container.stop(0.0)
        assert (ending.status, ending.killed) == (137, True)
        assert ending.took < 8.0


@pytest.mark.parametrize("grace", [-1.0, math.nan])
def test_a_grace_that_is_none_is_one_line(engine: Engine, grace: float) -> None:
    with engine.create(guest("handles-term")) as container:
        container.start()
        with pytest.raises(EngineError, match="grace period of"):
            container.stop(grace)


def test_a_kill_is_a_kill(engine: Engine) -> None:
    with engine.create(guest("handles-term")) as container:
        container.start()
        container.expect("ready")
        ending = container.kill()
        assert (ending.status, ending.killed) == (137, True)


def test_stopped_twice_it_ends_once(engine: Engine) -> None:
    with engine.create(guest("flushes-slowly")) as container:
        container.start()
        container.expect("ready")
        other = threading.Thread(target=container.stop, args=(30.0,))
        other.start()
        first = container.stop(30.0)
        other.join()
        assert (first.status, first.killed) == (0, False)
        assert container.stop(30.0) == first
        assert container.wait() == first
        assert container.kill().status == 0


def test_all_who_wait_learn_the_same_ending(engine: Engine) -> None:
    with engine.create(guest("handles-term")) as container:
        container.start()
        container.expect("ready")
        seen: list[object] = []
        waiting = [threading.Thread(target=lambda: seen.append(container.wait())) for _ in range(5)]
        for one in waiting:
            one.start()
        ending = container.stop(30.0)
        for one in waiting:
            one.join()
        assert seen == [ending] * 5
        assert container.wait() == ending


def test_a_signal_may_come_from_another_thread(engine: Engine) -> None:
    with engine.create(script("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done")) as container:
        container.start()
        container.expect("ready")
        thread = threading.Thread(target=container.send, args=(signal.SIGTERM,))
        thread.start()
        ending = container.wait(10.0)
        thread.join()
        assert ending is not None
        assert (ending.status, ending.killed) == (7, False)


# -------------------------------------------------------------------------------------------- leaving nothing


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class _Interrupted(BaseException):
    pass


def _interrupt(number: int, frame: FrameType | None) -> None:
    if interruptions.put_off(number, frame):
        return
    at = frame
    while at is not None:
        if at.f_globals.get("__name__", "").startswith("coverage"):
            # Its locks are not ours to leave in haste.
            signal.setitimer(signal.ITIMER_REAL, 0.0001)
            return
        at = at.f_back
    raise _Interrupted


@pytest.fixture
def alarm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], object]]:
    """Have an exception raised in so many seconds, as by Ctrl-C; by now no more descriptors may be open."""
    before = open_descriptors()
    old = signal.signal(signal.SIGALRM, _interrupt)
    monkeypatch.setattr(interruptions, "SIGNALS", (signal.SIGALRM,))
    # The kernel may give a signal to any thread that does not block it, as those of the caller do not.
    over = threading.Event()
    stranger = threading.Thread(target=over.wait)
    stranger.start()
    try:
        yield partial(signal.setitimer, signal.ITIMER_REAL)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        over.set()
        stranger.join()
        signal.signal(signal.SIGALRM, old)
    assert open_descriptors() == before


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the kinds of exceptions for which Python had no place to go, in code that is not ours.

    Half made, and dropped by an exception, a socket has no owner but Python, which closes it and says so. And
    who is interrupted in a callback of the garbage collector, as tools for tests have some, is not.
    """
    kinds: list[object] = []

    def note(raised: Any) -> None:  # noqa: ANN401  the type has a name for the checker only
        modules = {frame.f_globals.get("__name__", "") for frame, _ in walk_tb(raised.exc_traceback)}
        if not any(name.startswith("endwell") for name in modules):
            kinds.append(raised.exc_type)

    monkeypatch.setattr(sys, "unraisablehook", note)
    return kinds


def test_interrupted_at_any_moment_it_leaves_nothing(
    engine: Engine, alarm: Callable[[float], object], forgotten: list[object]
) -> None:
    for shot in range(24):
        forgotten.clear()
        try:
            _run_interrupted(engine, partial(alarm, 0.0001 + 0.015 * shot))
        except _Interrupted:
            pass
        else:
            assert _Interrupted in forgotten, "it was not interrupted"


def _run_interrupted(engine: Engine, alarm: Callable[[], object]) -> None:
    # What is made and taken away in haste has no owner: `endwell probe` holds interruptions back there, too.
    with HeldBack() as held, engine.create(guest("ignores-term")) as container, held.allowed():
        alarm()
        container.start()
        container.expect("ready")
        container.stop(10.0)


def test_interrupted_while_it_is_made_it_leaves_nothing(
    engine: Engine, alarm: Callable[[float], object], forgotten: list[object]
) -> None:
    for shot in range(24):
        container = None
        forgotten.clear()
        try:
            alarm(0.0001 + 0.001 * shot)
            container = engine.create(guest("ignores-term"))
            select.select((), (), (), 10.0)
        except _Interrupted:
            pass
        else:
            assert _Interrupted in forgotten, "it was not interrupted"
        finally:
            if container is not None:
                container.remove()


CALLER = """
import os, sys
from endwell import engine as engines
from endwell.engine.docker import DockerEngine
from endwell.engine.local import LocalEngine
from endwell.engine.podman import PodmanEngine
name, image, host, mounts, *command = sys.argv[1:]
if name == "local":
    engine = LocalEngine()
else:
    kind = {"docker": DockerEngine, "podman": PodmanEngine}[name]
    engine = kind(image, host=host, mounts=mounts.split(":"), network="none")
with engine.start(command) as container:
    container.expect("ready")
    print(container.pid, flush=True)
    container.stop(60.0)
"""


@pytest.mark.parametrize("number", [signal.SIGINT])
def test_a_ctrl_c_during_a_stop_leaves_nothing(engine: Engine, number: int) -> None:
    host, mounts = "", ""
    if isinstance(engine, RemoteEngine):
        host = engine.endpoint.url
        mounts = ":".join(sorted({bind.split(":")[0] for bind in engine._binds}))
    image = engine.image if isinstance(engine, RemoteEngine) else ""
    text = "trap 'echo told >&2' TERM; echo ready; while :; do sleep 0.05; done"
    command = [sys.executable, "-c", CALLER, engine.name, image, host, mounts, "/bin/sh", "-c", text]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": SOURCE}
    ) as caller:
        assert caller.stdout is not None
        watched = os.pidfd_open(int(caller.stdout.readline()))
        try:
            asked = time.monotonic()
            caller.send_signal(number)
            caller.wait(30.0)
            assert time.monotonic() - asked < 30.0
            os.set_blocking(watched, False)
            assert _gone(watched)
        finally:
            os.close(watched)


def _gone(pidfd: int) -> bool:
    import select  # noqa: PLC0415

    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(10_000))


# ------------------------------------------------------------------------------- what only the local one does


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (ContainerSpec(command=("true",), image="alpine"), "image alpine.*docker or podman"),
        (ContainerSpec(command=("true",), network="bridge"), "network bridge"),
        (ContainerSpec(), "empty"),
    ],
)
def test_local_says_what_it_has_not(spec: ContainerSpec, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        LocalEngine().create(spec)
    with pytest.raises(EngineError, match="no containers of others"):
        LocalEngine().attach("web")


def test_local_puts_the_init_in_front() -> None:
    spec = ContainerSpec(init=("/bin/echo", "--"), entrypoint=("a",), command=("b",))
    with LocalEngine().create(spec) as container:
        container.start()
        assert texts(container) == ["-- a b"]


def test_local_takes_fractions_of_a_second() -> None:
    with LocalEngine().create(guest("ignores-term", grace=0.25, stop_signal=QUIT)) as container:
        container.start()
        container.expect("ready")
        ending = container.stop()
        assert ending.killed
        assert 0.25 <= ending.took < 5.0
