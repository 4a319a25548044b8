"""What is refused to the init, processes, signals, peace, neither ends PID 1 early nor makes it hang."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.init import reports
from tests.init.support import Init, Place, compiled, everywhere, guest, needs_root, run, shell

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY: Final = 65534
HERMIT: Final = 1_865_000 + os.getpid() % 1000
"""A user who has no process but one."""
CGROUPS: Final = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
TERM: Final = signal.SIGTERM


@contextlib.contextmanager
def cgroup(most: int) -> Iterator[Path]:
    """A control group in which at most so many processes may be."""
    for root in CGROUPS:
        group = root / f"endwell-test-{os.getpid()}"
        with contextlib.suppress(OSError):
            group.mkdir()
        if (group / "pids.max").exists():
            break
        with contextlib.suppress(OSError):
            group.rmdir()
    else:
        pytest.skip("no control group that counts processes can be made")
    try:
        (group / "pids.max").write_text(str(most))
        yield group
    finally:
        group.rmdir()


@needs_root
def test_no_process_can_be_made() -> None:
    with cgroup(1) as group:
        ended = run(
            "--", "echo", "started", prepare=lambda: (group / "cgroup.procs").write_text("0") and None
        )
    assert (ended.status, ended.out) == (125, "")
    assert ended.err.count("\n") == 1
    assert "pids.max" in ended.err


@needs_root
@everywhere
def test_no_process_can_be_made_for_a_hook(place: Place) -> None:
    body = """
hear(SIGTERM, leave=7)
import errno
try:
    while True:
        if os.fork() == 0:
            forever()
except OSError:
    say("ready")
forever()
"""
    with cgroup(20) as group:
        with Init(
            *("--grace", "5s", "--before-stop", "true", "--report", "fd:2", "--"),
            *guest(body),
            place=place,
            prepare=lambda: (group / "cgroup.procs").write_text("0") and None,
        ) as init:
            init.expect("ready")
            init.send(TERM)
            ended = init.end()
        complaint, report = ended.err.splitlines(keepends=True)
        assert ended.status == 7
        assert "before-stop hook: cannot start 'true'" in complaint
        assert reports.parse(report)["hooks"] == [
            {"name": "before-stop", "end": None, "took": 0.0, "overran": False}
        ]


@needs_root
def test_the_limit_of_a_user() -> None:
    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
        os.setuid(HERMIT)

    ended = run("--", "echo", "started", prepare=prepare)
    assert (ended.status, ended.out) == (125, "")
    assert "Resource temporarily unavailable" in ended.err


@needs_root
@everywhere
def test_a_command_that_it_may_not_signal(place: Place) -> None:
    """The init is nobody, its command becomes root: EPERM for whatever is forwarded, and no reason to die."""

    def prepare() -> None:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        program = shutil.copy(compiled("root"), folder)
        Path(program).chmod(0o4755)
        words = ("-v", "--grace", "300ms", "--report", "fd:1", "--", program)
        with Init(*words, place=place, prepare=prepare) as init:
            init.expect("ready")
            init.send(signal.SIGHUP)
            init.complains("SIGHUP could not be sent: Operation not permitted")
            init.send(TERM)
            assert init.left() == 137
            assert b"SIGTERM could not be sent" in init.err
            report = reports.parse(init.out.partition(b"\n")[2])
            assert report["main"]["end"] is None, "it lives on"


@pytest.fixture
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("no strace")
    return found


@contextlib.contextmanager
def traced(strace: str, *pids: int) -> Iterator[None]:
    """These processes are being traced."""
    words = [strace, "-o", "/dev/null", *(word for pid in pids for word in ("-p", str(pid)))]
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for _ in pids:
            assert b"attached" in process.stderr.readline()
        try:
            yield
        finally:
            process.terminate()


MAIN: Final = guest("worker(polite)\nhear(SIGUSR1)\nhear(SIGTERM, leave=7)\nsay('ready')\nforever()")


@everywhere
@pytest.mark.parametrize("who", ["init", "main", "both"])
def test_being_traced_changes_nothing(who: str, place: Place, strace: str) -> None:
    with Init("--grace", "5s", "--", *MAIN, place=place) as init:
        init.expect("ready")
        main = int(Path(f"/proc/{init.pid}/task/{init.pid}/children").read_text().split()[0])
        pids = {"init": (init.pid,), "main": (main,), "both": (init.pid, main)}[who]
        with traced(strace, *pids):
            init.send(signal.SIGUSR1)
            init.expect("SIGUSR1")
            init.send(TERM)
            assert init.end()[:2] == (7, "ready\nSIGUSR1\nSIGTERM\nworker SIGTERM\n")


@everywhere
def test_a_tracer_comes_and_goes(place: Place, strace: str) -> None:
    with Init("--grace", "5s", "--", *MAIN, place=place) as init:
        init.expect("ready")
        with traced(strace, init.pid):
            pass
        init.send(TERM)
        assert init.end().status == 7


def test_being_stopped_and_continued() -> None:
    with Init("--grace", "5s", "--", *MAIN, place=Place.BELOW) as init:
        init.expect("ready")
        init.send(signal.SIGSTOP, TERM, signal.SIGCONT)
        assert init.end().status == 7


def test_no_memory_and_no_descriptors_are_needed() -> None:
    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))

    words = ("--grace", "5s", "--", *shell("exit 3"))
    assert run(*words, prepare=prepare).status in {3, 127}, (
        "the shell's loader may need one, the init does not"
    )
