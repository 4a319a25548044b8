"""A program that is kept as PID 1 without being it: who ends with it, and that nobody stays behind."""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from endwell.system import limits
from endwell.system.approximation import Kept
from endwell.system.descent import children, descendants
from endwell.system.launch import Launch, LaunchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 10.0
TREE = "exec 9>{holds}; sleep 100 & (setsid sleep 101 & true); setsid sh -c 'sleep 102 & sleep 103' & {then}"


class Line:
    """A FIFO that everybody of a tree holds open: what is said on it, and whether anybody is left."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "line"
        os.mkfifo(self.path)
        self._outer = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def said(self) -> str:
        """Wait for a line."""
        assert select.select([self._outer], [], [], LIMIT)[0]
        return os.read(self._outer, 4096).decode().strip()

    def wait_until_nobody_is_left(self) -> None:
        """Wait for the end of everybody."""
        poll = select.poll()
        poll.register(self._outer, select.POLLIN)
        while not poll.poll(LIMIT * 1000)[0][1] & select.POLLHUP:
            os.read(self._outer, 4096)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._outer)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with closing(Line(tmp_path)) as made:
        yield made


def launch(text: str, **more: object) -> Launch:
    nothing = {"stdin": 0, "stdout": 1, "stderr": 2}
    words = {"command": ["/bin/sh", "-c", text], "environment": {"PATH": "/usr/bin:/bin"}, **nothing, **more}
    return Launch(**words)  # type: ignore[arg-type]


@contextmanager
def kept(text: str, **more: object) -> Iterator[Kept]:
    with closing(Kept(launch(text, **more))) as made:
        made.release()
        made.confirm()
        yield made


def wait_for(first: Kept, members: int) -> None:
    deadline = time.monotonic() + LIMIT
    while len(first.members()) < members:
        assert time.monotonic() < deadline, first.members()


def test_who_is_left_ends_with_it(line: Line) -> None:
    with kept(TREE.format(holds=line.path, then="echo ready >&9; sleep 104; exit 7")) as first:
        assert line.said() == "ready"
        first.send(signal.SIGTERM)
        assert select.select([first.pidfd], [], [], LIMIT)[0]
        line.wait_until_nobody_is_left()
        assert first.reap() == -signal.SIGTERM
        assert first.members() == ()


def test_its_status_and_that_it_ends_by_itself(line: Line) -> None:
    with kept(TREE.format(holds=line.path, then="exit 7")) as first:
        assert first.reap() == 7
        line.wait_until_nobody_is_left()


def test_closing_ends_all_of_it(line: Line) -> None:
    with kept(TREE.format(holds=line.path, then="trap '' TERM HUP INT; echo ready >&9; wait")) as first:
        assert line.said() == "ready"
        wait_for(first, 6)
    line.wait_until_nobody_is_left()


def test_the_end_of_the_prober_ends_all_of_it(line: Line) -> None:
    text = TREE.format(holds=line.path, then="trap '' TERM HUP INT; echo ready >&9; wait")
    program = (
        "import signal\nfrom tests.unit.system.test_approximation import kept\n"
        f"with kept({text!r}):\n  signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL) as prober:
        assert line.said() == "ready"
        prober.kill()
    line.wait_until_nobody_is_left()


def test_an_orphan_becomes_its_child(line: Line) -> None:
    text = f"exec 9>{line.path}; (sleep 100 & echo $! >&9); sleep 101; true"
    with kept(text) as first:
        orphan = int(line.said())
        deadline = time.monotonic() + LIMIT
        while orphan not in children(first.pid):
            assert time.monotonic() < deadline
        assert orphan in first.members()


def test_who_enters_ends_with_it_but_not_before(line: Line) -> None:
    with kept("sleep 100; true") as first:
        entered = first.enter(launch(f"exec 9>{line.path}; sleep 100 & exit 3"))
        assert entered.reap() == 3
        entered.close()
        wait_for(first, 3)
        first.send(signal.SIGKILL)
        line.wait_until_nobody_is_left()
        with pytest.raises(LaunchError):
            first.enter(launch("true"))


def test_what_cannot_be_started_leaves_nothing() -> None:
    before = children(os.getpid())
    made = Kept(launch("", command=["/no/such/program"]))
    made.release()
    with pytest.raises(LaunchError) as caught:
        made.confirm()
    assert caught.value.step == "exec"
    assert made.closed
    assert children(os.getpid()) == before


def test_what_is_never_released_never_runs(tmp_path: Path) -> None:
    with closing(Kept(launch(f": >{tmp_path}/ran"))):
        pass
    assert not (tmp_path / "ran").exists()


def test_descendants_are_found_downwards(line: Line) -> None:
    with kept(TREE.format(holds=line.path, then="echo ready >&9; wait")) as first:
        assert line.said() == "ready"
        below = {pid for pid, _ in descendants(first.pid)}
        assert below < set(first.members())
        assert os.getpid() not in below
        assert not below & children(os.getpid())


def test_the_limit_of_open_files_is_not_handed_on(line: Line) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lower = min(soft, hard - 1, 512)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lower, hard))
    try:
        limits.raise_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
        with kept(f"ulimit -n >{line.path}"):
            assert line.said() == str(lower)
        limits.restore_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (lower, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
