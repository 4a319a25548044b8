"""Starting programs: what they find, what they do not, and why it cannot be."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from endwell.system.program import Program
from endwell.system.spawn import scour, spawn
from endwell.system.spawn_error import SpawnError
from endwell.system.tree import children_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def descriptors() -> set[int]:
    """Return our open descriptors; the one by which that is found out may be among them."""
    return {int(entry.name) for entry in Path("/proc/self/fd").iterdir()}


def _inheritable(descriptor: int) -> bool:
    try:
        return os.get_inheritable(descriptor)
    except OSError:
        return False


INHERITED = {one for one in descriptors() if _inheritable(one)} - {0, 1, 2}
ENVIRONMENT = {"PATH": os.environ["PATH"]}


def run(script: str, **settings: object) -> tuple[int, str]:
    """Run a shell script, and return its exit status and what it wrote."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    words: Mapping[str, object] = {"environment": ENVIRONMENT, **settings}
    process = spawn(Program(command=("sh", "-c", script), stdout=writing, stderr=writing, **words))  # type: ignore[arg-type]
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    found = os.waitid(os.P_PIDFD, process.pidfd, os.WEXITED)
    process.close()
    assert found is not None
    return found.si_status, text


def test_it_finds_its_arguments_its_environment_and_its_place(tmp_path: Path) -> None:
    environment = {**ENVIRONMENT, "A": "b c"}
    status, text = run(
        "echo $A; pwd; umask; exit 3", environment=environment, directory=str(tmp_path), umask=0o27
    )
    assert (status, text.split("\n")) == (3, ["b c", str(tmp_path), "0027", ""])


def test_it_has_a_process_group_of_its_own() -> None:
    _, text = run("echo $$; cut -d' ' -f5 /proc/$$/stat")
    pid, group = text.split()
    assert pid == group


def test_it_inherits_nothing_but_what_it_was_given() -> None:
    reading, writing = os.pipe()
    # Their numbers here and there cross: each stands where another one is wanted.
    wanted = {reading: writing, writing: reading, 9: writing}
    script = (
        f"echo one >&9; read line </dev/fd/{writing}; echo $line; echo two >/dev/fd/{reading}; ls /dev/fd/"
    )
    status, text = run(script, descriptors=wanted)
    first, *numbers = text.split()
    assert (status, first) == (0, "one")
    # What whoever runs the tests has left open is not for `spawn` to close; 3 is the directory that ls reads.
    assert {int(one) for one in numbers} - INHERITED == {0, 1, 2, 3, 9, reading, writing} - INHERITED
    # Ours are what they were.
    assert os.read(reading, 10) == b"two\n"
    assert not os.get_inheritable(reading)
    os.close(reading)
    os.close(writing)


def test_signals_that_we_block_and_ignore_are_not_its_own() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        scour()
        _, text = run("grep Sig /proc/self/status")
        for name in ("SigPnd", "SigBlk", "SigIgn"):
            assert f"{name}:\t{0:016x}\n" in text
    finally:
        signal.signal(signal.SIGHUP, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)


def test_limits_and_priority_are_its_own_and_not_ours() -> None:
    names = (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_CPU, 10)
    before = [resource.getrlimit(one) for one in names]
    limits = {"nofile": (100, 200), "core": (0, 0), "cpu": (1000, 2000)}
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    _, text = run(
        "ulimit -n; ulimit -Hn; ulimit -c; ulimit -t; nice", limits=limits, nice=2, soft={"locks": 77}
    )
    soft, hard, core, time, priority = text.split()
    assert (soft, core) == ("100", "0")
    # These are set from outside when it runs already: it may have been quicker.
    assert hard in {"200", str(before[0][1])}
    assert time in {"1000", "unlimited"}
    assert priority in {str(nice + 2), str(nice)}
    assert [resource.getrlimit(one) for one in names] == before


@pytest.mark.root
def test_another_user_with_limits_of_its_own() -> None:
    found = {
        "limits": {"nofile": (100, 200), "nproc": (50, 60)},
        "user": (65534, 65534, (5,)),
        "directory": "/",
    }
    status, text = run("ulimit -n; ulimit -Hn; id -u; id -G; kill -0 $PPID && echo may", **found)
    assert text.split()[:5] == ["100", "200", "65534", "65534", "5"]
    assert "may" not in text.split()
    assert status


@pytest.mark.root
def test_another_user_has_nothing_left_of_ours() -> None:
    _, text = run(
        "id -u; id -g; grep -E 'Cap(Eff|Prm)' /proc/self/status", user=(65534, 65533, ()), directory="/"
    )
    assert text.split() == ["65534", "65533", "CapPrm:", "0" * 16, "CapEff:", "0" * 16]


@pytest.mark.parametrize(
    ("command", "settings", "status", "why"),
    [
        ("no-such-program", {}, 127, "cannot find no-such-program: it is not on PATH; install it"),
        ("/no/such", {}, 127, "cannot find /no/such: there is no such file"),
        ("/etc", {}, 126, "cannot execute /etc: it is a directory; name a program in it"),
        ("./plain", {}, 126, "cannot execute ./plain: it is not executable for this user"),
        ("./empty", {}, 126, "cannot execute ./empty: it is no program and has no #! line"),
        ("./lost", {}, 127, "cannot execute ./lost: the interpreter or the dynamic linker that it asks for"),
        ("true", {"directory": "/no/such"}, 126, "cannot enter the directory /no/such: No such file"),
        (
            "true",
            {"nice": -30, "limits": {"nofile": (10, 1 << 40)}},
            126,
            "cannot set the limits or the priority",
        ),
    ],
)
def test_why_it_cannot_be(
    tmp_path: Path, command: str, settings: dict[str, object], status: int, why: str
) -> None:
    for name, text in (("empty", "nonsense\n"), ("lost", "#!/no/such/interpreter\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    words: dict[str, object] = {"directory": str(tmp_path), **settings}
    before = len(descriptors()), children_of(os.getpid())
    with pytest.raises(SpawnError) as caught:
        spawn(Program(command=(command,), environment={"PATH": "/usr/bin"}, **words))  # type: ignore[arg-type]
    assert caught.value.status == status
    assert caught.value.path == ("" if "/" in command or command == "true" else "/usr/bin")
    assert caught.value.reason.startswith(why)
    assert (len(descriptors()), children_of(os.getpid())) == before


def test_no_room_for_a_descriptor_is_said_and_nothing_is_left() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(1)  # numbers above it may be taken: whoever ran before may have left a gap
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        with pytest.raises(SpawnError, match="cannot start true: Too many open files; raise nofile"):
            spawn(Program(command=("true",), environment=ENVIRONMENT))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_that_has_ended_is_not_there_to_hear() -> None:
    process = spawn(Program(command=("true",), environment=ENVIRONMENT))
    os.waitid(os.P_PIDFD, process.pidfd, os.WEXITED)
    assert not process.send(signal.SIGTERM)
    process.close()


@pytest.mark.parametrize("script", ["kill -STOP $$; exit 3", "while :; do kill -STOP $$; done"])
def test_who_stops_it_before_it_is_the_program_does_not_stop_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    def waited(_number: int, _frame: object) -> None:
        raise AssertionError("it waits for one that was stopped")

    stopped = tmp_path / "stopped"
    stopped.write_text(f"#!/bin/sh\n{script}\n")
    stopped.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(stopped))  # a terminal is taken on the way to the program
    before = signal.signal(signal.SIGALRM, waited)
    signal.alarm(30)  # or else this would never end
    try:
        process = spawn(Program(command=("true",), environment=ENVIRONMENT, terminal=True))
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    found = os.waitid(os.P_PIDFD, process.pidfd, os.WEXITED)
    process.close()
    assert found is not None
    assert found.si_status in {3, signal.SIGKILL}
