"""One contract for every engine, and what the local one promises beyond it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import endwell
from endwell import engine as engines
from endwell.engine.local import LocalEngine
from endwell.engine.protocol import EngineError, NotSeenError, NotStartedError
from tests import zoo

if TYPE_CHECKING:
    from endwell.engine.docker import DockerEngine
    from endwell.engine.protocol import Engine

SOURCE = str(Path(endwell.__file__).parents[1])
SELF_PORTRAIT = r"""
while read -r name value; do
    case $name in SigBlk:|SigIgn:) echo "$name $value" ;; esac
done </proc/self/status
read -r pid command state parent group session rest </proc/self/stat
echo "pid $pid, parent $parent, group $group, session $session"
echo "umask $(umask), in $(pwd), stdin $(readlink /proc/$$/fd/0)"
for number in 3 4 5 6 7 8 9 10 11; do [ -e /proc/$$/fd/$number ] && echo "$number is open"; done
echo "PATH=$PATH HOME=$HOME EXTRA=$EXTRA"
"""


def script(text: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", text)


def test_pid_1_finds_what_docker_gives(engine: Engine) -> None:
    with engine.start(script(SELF_PORTRAIT), environment={"EXTRA": "more"}, directory="/usr") as container:
        container.wait(10.0)
        assert [line.text for line in container.lines] == [
            "SigBlk: 0000000000000000",
            "SigIgn: 0000000000000000",
            "pid 1, parent 0, group 1, session 1",
            "umask 0022, in /usr, stdin /dev/null",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/ EXTRA=more",
        ]


def test_lines_know_their_stream(engine: Engine) -> None:
    with engine.start(script("echo out; echo err >&2; printf unfinished")) as container:
        container.wait(10.0)
        assert {(line.stream, line.text) for line in container.lines} == {
            *(("stdout", "out"), ("stderr", "err"), ("stdout", "unfinished")),
        }


@pytest.mark.parametrize(("text", "status"), [("exit 0", 0), ("exit 9", 9)])
def test_status_is_the_commands(engine: Engine, text: str, status: int) -> None:
    with engine.start(script(text)) as container:
        ending = container.wait(10.0)
        assert ending is not None
        assert (ending.status, ending.killed) == (status, False)


@pytest.mark.parametrize(
    ("path", "status"), [("/no/such", 127), ("no-such", 127), ("/etc/passwd", 126), ("/", 126)]
)
def test_what_cannot_be_executed_never_starts(engine: Engine, path: str, status: int) -> None:
    with pytest.raises(NotStartedError) as caught:
        engine.start([path])
    assert caught.value.status == status
    assert path in str(caught.value)


@pytest.mark.parametrize("command", [(), ("",)])
def test_an_empty_command_never_starts(engine: Engine, command: tuple[str, ...]) -> None:
    with pytest.raises(NotStartedError, match="empty"):
        engine.start(command)


def test_stop_asks_and_waits(engine: Engine) -> None:
    with engine.start(zoo.command("flushes-slowly")) as container:
        container.expect("ready")
        ending = container.stop(30.0)
        assert (ending.status, ending.killed) == (0, False)
        assert 0.2 <= ending.took < 25.0
        container.expect("flushed")
        assert container.wait() == ending


def test_stop_kills_when_the_grace_is_over(engine: Engine) -> None:
    with engine.start(zoo.command("ignores-term")) as container:
        container.expect("ready")
        ending = container.stop(1.0)
        assert (ending.status, ending.killed) == (137, True)
        assert ending.took >= 1.0


def test_the_default_action_does_not_end_pid_1(engine: Engine) -> None:
    with engine.start(zoo.command("no-handler")) as container:
        container.expect("ready")
        container.send(signal.SIGUSR1)
        container.send(64)
        ending = container.wait(10.0)
        assert ending is not None
        assert ending.status == 3


def test_a_killed_pid_1_is_137(engine: Engine) -> None:
    with engine.start(zoo.command("no-handler")) as container:
        container.expect("ready")
        container.send(signal.SIGKILL)
        ending = container.wait(10.0)
        assert ending is not None
        assert (ending.status, ending.killed) == (137, False)


def test_a_signal_after_the_end_is_no_error(engine: Engine) -> None:
    with engine.start(script("exit 4")) as container:
        container.wait(10.0)
        container.send(signal.SIGTERM)


def test_a_line_that_cannot_come_any_more_is_an_error_at_once(engine: Engine) -> None:
    with (
        engine.start(script("echo one")) as container,
        pytest.raises(NotSeenError, match=r"'two'.*ended.*one"),
    ):
        container.expect("two", 60.0)


def test_waiting_has_a_limit(engine: Engine) -> None:
    with engine.start(zoo.command("no-handler")) as container:
        assert container.wait(0.0) is None
        container.expect("ready")
        with pytest.raises(NotSeenError, match=r"0\.01 s have passed"):
            container.expect("ready", 0.01)


def test_equal_lines_are_told_apart(engine: Engine) -> None:
    with engine.start(script("echo same; echo other; echo same")) as container:
        first, second = container.expect("same"), container.expect("same")
        assert first is not second


def test_the_pid_is_the_hosts(engine: Engine) -> None:
    with engine.start(zoo.command("hundred-sessions")) as container:
        container.expect("ready")
        status = Path(f"/proc/{container.pid}/status").read_text()
        assert [line.split()[-1] for line in status.splitlines() if line.startswith("NSpid:")] == ["1"]
        container.remove()
        container.remove()
        assert not Path(f"/proc/{container.pid}/exe").exists()


def test_docker_takes_whole_seconds(docker: DockerEngine) -> None:
    with (
        docker.start(zoo.command("no-handler")) as container,
        pytest.raises(EngineError, match="whole seconds"),
    ):
        container.stop(0.5)


def test_engines_have_names() -> None:
    assert [engines.find(name).name for name in engines.NAMES] == list(engines.NAMES)
    with pytest.raises(ValueError, match=r"'nowhere'.*local, docker, podman"):
        engines.find("nowhere")


def test_local_members_are_the_namespace_not_the_tree() -> None:
    with LocalEngine().start(zoo.command("hundred-sessions")) as container:
        container.expect("ready")
        watched = [os.pidfd_open(pid) for pid in container.members()]
        assert len(watched) == 101
        container.remove()
        try:
            assert len(select.select(watched, [], [], 10.0)[0]) == 101
        finally:
            for descriptor in watched:
                os.close(descriptor)
        assert container.members() == ()


def test_local_takes_nothing_from_its_caller() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    ignored = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    umask = os.umask(0o077)
    thread.start()
    try:
        test_pid_1_finds_what_docker_gives(LocalEngine())
    finally:
        stop.set()
        thread.join()
        os.umask(umask)
        signal.signal(signal.SIGUSR2, ignored)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_local_leaves_no_descriptor_and_no_child() -> None:
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    before = len(list(Path("/proc/self/fd").iterdir())), children.read_text()
    with LocalEngine().start(zoo.command("leaves-its-worker")) as container:
        container.expect("ready")
    with pytest.raises(NotStartedError):
        LocalEngine().start(["/no/such"])
    assert (len(list(Path("/proc/self/fd").iterdir())), children.read_text()) == before


CALLER = """
import sys
from endwell.engine.local import LocalEngine
with LocalEngine().start(sys.argv[1:]) as container:
    container.expect("ready")
    print(*container.members(), flush=True)
    container.wait()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_local_leaves_nobody_when_its_caller_is_ended(number: int) -> None:
    command = [sys.executable, "-c", CALLER, *zoo.command("hundred-sessions")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": SOURCE}
    ) as caller:
        assert caller.stdout is not None
        watched = [os.pidfd_open(int(pid)) for pid in caller.stdout.readline().split()]
        assert len(watched) == 101
        caller.send_signal(number)
        caller.wait()
    waiting = select.poll()
    for descriptor in watched:
        waiting.register(descriptor, select.POLLIN)
    while watched:
        ready = waiting.poll(10_000)
        assert ready, f"{len(watched)} processes were left behind"
        for descriptor, _ in ready:
            waiting.unregister(descriptor)
            watched.remove(descriptor)
            os.close(descriptor)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_local_works_for_a_caller_without_standard_descriptors(closed: str, tmp_path: Path) -> None:
    text = (
        "from endwell.engine.local import LocalEngine\n"
        f"with LocalEngine().start({script('echo one; echo two >&2; exit 3')!r}) as container:\n"
        "    ending = container.wait()\n"
        "    lines = sorted(line.stream + ' ' + line.text for line in container.lines)\n"
        f"    open({str(tmp_path / 'seen')!r}, 'w').write(f'{{ending.status}} {{lines}}')\n"
    )
    subprocess.run(
        [*script(f'exec "$@" {closed}'), "sh", sys.executable, "-c", text],
        env={**os.environ, "PYTHONPATH": SOURCE},
        check=True,
    )
    assert (tmp_path / "seen").read_text() == "3 ['stderr two', 'stdout one']"


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_local_needs_no_root() -> None:
    text = (
        "from endwell.engine.local import LocalEngine\n"
        "with LocalEngine().start(['/bin/sh', '-c', 'echo I am $(id -u), process $$']) as container:\n"
        "    container.wait()\n"
        "    print(*(line.text for line in container.lines))\n"
    )
    done = subprocess.run(
        [zoo.command("ignores-child")[0], "-c", text],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE, "PYTHONDONTWRITEBYTECODE": "1"},
        user=65534,
        group=65534,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named 'endwell'" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip(
            f"another user cannot read this directory, or may not make namespaces: {done.stderr[-200:]}"
        )
    assert done.stdout == "I am 0, process 1\n", done.stderr
