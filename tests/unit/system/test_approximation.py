"""A program that is kept as PID 1 without being it: who ends with it, and that nobody stays behind."""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from endwell.system import descent, limits, seccomp
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


# Each call of each kind fails once, in us or in the keeper; then there is room for few files, and for more.
FAULTS = """
import errno, fcntl, os, resource, socket, sys
from endwell.system.approximation import Kept
from endwell.system.descent import children
from endwell.system.launch import LaunchError
from tests.unit.system.test_approximation import launch

entering = bool(sys.argv[1:])

def state():
    return children(os.getpid()), set(os.listdir("/proc/self/fd"))

def attempt():
    try:
        kept = Kept(launch("exec sleep 100" if entering else "exit 3"))
        kept.release()
        kept.confirm()
    except LaunchError as error:
        return error.errno
    try:
        return -(kept.enter(launch("exit 3")) if entering else kept).reap()
    except LaunchError as error:
        return error.errno
    finally:
        kept.close()

def failing(real, at):
    calls = []
    def call(*words, **more):
        calls.append(1)
        if len(calls) == at:
            raise OSError(errno.EAGAIN, "injected")
        return real(*words, **more)
    return call

def check(*expected):
    got = attempt()
    assert got in expected, (got, expected)
    assert state() == before, (state(), before)
    return got

before = state()
doors = (os, "fork"), (os, "pidfd_open"), (os, "pipe2"), (socket, "socketpair"), (fcntl, "fcntl")
for module, name in doors:
    real, at = getattr(module, name), 0
    while not at or told > 0:
        at += 1
        setattr(module, name, failing(real, at))
        told = check(errno.EAGAIN, -3)
        setattr(module, name, real)
    assert at > 1, name
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
seen = set()
lowest = max(map(int, before[1])) + 1  # Python may have one of its own
for room in range(lowest, lowest + 36):
    resource.setrlimit(resource.RLIMIT_NOFILE, (room, hard))
    seen.add(check(errno.EMFILE, -3))
assert seen == {errno.EMFILE, -3}
print("done")
"""


@pytest.mark.parametrize("what", [(), ("enter",)])
def test_whatever_fails_is_said_and_leaves_nothing(what: tuple[str, ...]) -> None:
    # In a process of its own, which can be ended should it wait for ever with all its signals blocked.
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, *what],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=6 * LIMIT,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_all_that_wait_are_told_the_same() -> None:
    for _ in range(20):
        with closing(Kept(launch("exit 3"))) as first, ThreadPoolExecutor(2) as pool:
            told = [pool.submit(first.reap) for _ in range(2)]
            first.release()
            first.confirm()
        assert [one.result() for one in told] == [3, 3]


class Observed:
    """Where a filter's listener comes; lets everybody who is held go on."""

    def __init__(self) -> None:
        self._ours, self.theirs = socket.socketpair()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        _, descriptors, _, _ = socket.recv_fds(self._ours, 16, 1)
        for descriptor in descriptors:
            with closing(seccomp.Listener(descriptor)) as listener:
                poll = select.poll()
                poll.register(listener.fileno(), select.POLLIN)
                while poll.poll()[0][1] & select.POLLIN:
                    if (held := listener.receive()) is not None:
                        listener.release(held)

    def close(self) -> None:
        """Wait for the end of those who are observed."""
        self.theirs.close()
        self._thread.join()
        self._ours.close()


def test_without_a_filter_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: bool) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(seccomp, "install", refuse)
    with (
        closing(Observed()) as observed,
        pytest.raises(LaunchError) as caught,
        kept(f": >{tmp_path}/ran", listener=observed.theirs.fileno()),
    ):
        pass
    assert caught.value.step == "confine"
    assert not (tmp_path / "ran").exists()


# getpid by `int 0x80`, which is 20 there, and by its number in x32.
OTHER_ABIS = """
import ctypes, mmap, os
code = bytes.fromhex("53 b8 14000000 cd80 48 98 5b c3")
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(code)
by_interrupt = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
libc = ctypes.CDLL(None, use_errno=True)
print(by_interrupt(), libc.syscall(0x40000000 | 39), ctypes.get_errno())
"""


@pytest.mark.parametrize("machine", [os.uname().machine] if os.uname().machine == "x86_64" else [])
def test_calls_of_another_abi_fail(line: Line, machine: str) -> None:
    assert machine in seccomp.RT_SIGTIMEDWAIT
    out = os.open(line.path, os.O_WRONLY | os.O_CLOEXEC)
    words = [sys.executable, "-I", "-S", "-c", OTHER_ABIS]
    try:
        with (
            closing(Observed()) as observed,
            kept("", command=words, stdout=out, listener=observed.theirs.fileno()) as first,
        ):
            assert line.said() == "-38 -1 38"
            assert first.reap() == 0
    finally:
        os.close(out)


def test_lists_of_children_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert descent.can_be_listed()
    monkeypatch.setattr(descent, "_OURS", tmp_path / "children")
    assert not descent.can_be_listed()
