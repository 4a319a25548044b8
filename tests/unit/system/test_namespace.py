"""What a launched process finds beyond what every engine promises: a terminal, a user, others that enter."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import select
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from endwell.system.namespace import Launch, LaunchError, Namespace, hold

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
needs_root = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root for other users")]


class Pipe:
    """A pipe as standard output, read to its end."""

    def __init__(self) -> None:
        self.outer, self.inner = os.pipe2(os.O_CLOEXEC)

    def launch(self, text: str, **more: object) -> Launch:
        nothing = {"stdin": self.inner, "stdout": self.inner, "stderr": self.inner}
        words = {"command": ["/bin/sh", "-c", text], "environment": ENVIRONMENT, **nothing, **more}
        return Launch(**words)  # type: ignore[arg-type]

    def line(self) -> str:
        assert select.select([self.outer], [], [], 10.0)[0]
        return os.read(self.outer, 4096).decode().strip()

    def close(self) -> None:
        os.close(self.outer)
        os.close(self.inner)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    with closing(Pipe()) as made:
        yield made


@contextmanager
def started(launch: Launch) -> Iterator[Namespace]:
    with closing(hold(launch)) as namespace:
        namespace.release()
        namespace.confirm()
        yield namespace


@pytest.fixture
def sleeper(pipe: Pipe) -> Iterator[Namespace]:
    with started(pipe.launch("exec sleep 100")) as namespace:
        yield namespace


def test_a_terminal_is_the_controlling_one(pipe: Pipe) -> None:
    ours, theirs = pty.openpty()
    try:
        launch = pipe.launch(
            "read -r a b c d e f g foreground rest </proc/1/stat; echo $foreground; "
            ": </dev/tty && echo mine; sleep 9",
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            terminal=True,
        )
        with started(launch) as namespace:
            seen = b""
            while b"mine" not in seen:
                assert select.select([ours], [], [], 10.0)[0], seen
                seen += os.read(ours, 100)
            assert seen.split() == [b"1", b"mine"]
            os.write(ours, b"\x1c")  # the terminal's QUIT reaches its foreground group, but not PID 1
            assert namespace.reap(block=False) is None
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("user", [pytest.param((65534, 65533, (7, 9)), marks=needs_root)])
def test_a_user_has_no_capabilities(pipe: Pipe, user: tuple[int, int, tuple[int, ...]]) -> None:
    text = "id -u; id -g; id -G; for i in Eff Prm; do grep Cap$i /proc/self/status; done; echo x >/dev/stderr"
    with started(pipe.launch(f"{text}; exit 0", user=user)) as namespace:
        assert namespace.reap() == 0
        lines = pipe.line().split("\n")
    assert lines == [
        *("65534", "65533", "65533 7 9", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "x"),
    ]


@needs_root[0]
@needs_root[1]
def test_a_user_ends_with_us(pipe: Pipe) -> None:
    launch = pipe.launch("echo started; exec sleep 100", user=(65534, 65534, ()))
    middle = os.fork()
    if not middle:
        namespace = hold(launch)
        namespace.release()
        namespace.confirm()
        os.write(pipe.inner, b"%d\n" % namespace.pid)
        signal.pause()
    text = ""
    while text.count("\n") < 2:
        text += pipe.line() + "\n"
    pid = int(next(word for word in text.split() if word.isdecimal()))
    pidfd = os.pidfd_open(pid)
    try:
        os.kill(middle, signal.SIGKILL)
        os.waitpid(middle, 0)
        assert select.select([pidfd], [], [], 10.0)[0]
    finally:
        os.close(pidfd)


def test_a_user_that_cannot_be_had(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_groups: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "setgroups", refuse)
    with closing(hold(pipe.launch("exit 0", user=(1, 1, ())))) as namespace:
        namespace.release()
        with pytest.raises(LaunchError) as caught:
            namespace.confirm()
    assert caught.value.step == "become the user"


def test_who_enters_is_inside_and_no_child_of_pid_1(pipe: Pipe, sleeper: Namespace) -> None:
    text = (
        "read -r pid name state parent group session rest </proc/self/stat; echo $pid $parent $group $session"
    )
    with closing(sleeper.enter(pipe.launch(text + "; exit 5"))) as session:
        assert session.reap() == 5
        assert session.reap() == 5
    assert pipe.line() == "2 0 2 2"


def test_who_enters_and_is_not_waited_for_does_not_hold_up_the_end(pipe: Pipe, sleeper: Namespace) -> None:
    sessions = [sleeper.enter(pipe.launch(text)) for text in ("exit 0", "exec sleep 100", "exec sleep 100")]
    sleeper.send(signal.SIGKILL)
    assert select.select([sleeper.pidfd], [], [], 10.0)[0]
    assert sleeper.reap() == -signal.SIGKILL
    assert [session.reap() for session in sessions] == [0, -signal.SIGKILL, -signal.SIGKILL]
    sleeper.close()
    assert all(session.closed for session in sessions)


def test_who_enters_has_clean_signals(pipe: Pipe, sleeper: Namespace) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        with closing(
            sleeper.enter(pipe.launch("grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd"))
        ) as it:
            assert it.reap() == 0
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert pipe.line().split() == ["SigBlk:", "0" * 16, "SigIgn:", "0" * 16, "0", "1", "2", "3"]


def test_entering_fails_by_name(pipe: Pipe, sleeper: Namespace) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  counted
    with pytest.raises(LaunchError) as caught:
        sleeper.enter(pipe.launch("", command=["/no/such"]))
    assert (caught.value.step, caught.value.errno) == ("exec", 2)
    sleeper.send(signal.SIGKILL)
    sleeper.reap()
    with pytest.raises(LaunchError) as caught:
        sleeper.enter(pipe.launch("exit 0"))
    assert caught.value.step == "enter"
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208  counted


def test_sessions_end_with_their_handle(pipe: Pipe, sleeper: Namespace) -> None:
    with ExitStack() as stack:
        session = stack.enter_context(closing(sleeper.enter(pipe.launch("exec sleep 100"))))
        assert session.reap(block=False) is None
        watched = os.pidfd_open(session.pid)
    try:
        assert select.select([watched], [], [], 10.0)[0]
    finally:
        os.close(watched)
    assert sleeper.reap(block=False) is None


def test_too_many_open_files_are_said(
    pipe: Pipe, sleeper: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    for start in (hold, sleeper.enter):
        with pytest.raises(LaunchError) as caught:
            start(pipe.launch("true"))
        assert caught.value.errno == errno.EMFILE


def test_no_numbers_that_high_are_too_many_open_files(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    with pytest.raises(LaunchError) as caught:
        hold(pipe.launch("true"))
    assert caught.value.errno == errno.EMFILE


def test_what_is_signalled_through_is_not_closed(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    real, closed = signal.pidfd_send_signal, threading.Event()

    def send(descriptor: int, number: int) -> None:
        if number == signal.SIGUSR1:
            closing_it.start()
            # It cannot be closed before this one has returned; without a lock it is at once.
            assert not closed.wait(0.2)
        real(descriptor, number)

    def close() -> None:
        namespace.close()
        closed.set()

    monkeypatch.setattr(signal, "pidfd_send_signal", send)
    with started(pipe.launch("exec sleep 100")) as namespace:
        closing_it = threading.Thread(target=close)
        namespace.send(signal.SIGUSR1)
        closing_it.join()
        assert namespace.reap() in {-signal.SIGUSR1, -signal.SIGKILL}


def test_all_that_wait_are_told_the_same(pipe: Pipe) -> None:
    for _ in range(20):
        with closing(hold(pipe.launch("exit 3"))) as namespace, ThreadPoolExecutor(2) as pool:
            told = [pool.submit(namespace.reap) for _ in range(2)]
            namespace.release()
            namespace.confirm()
        assert [one.result() for one in told] == [3, 3]
