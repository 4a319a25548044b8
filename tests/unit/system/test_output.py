"""endwell.system.output: written without waiting, whatever it is, and nothing changed for others."""

from __future__ import annotations

import _thread
import errno
import os
import pty
import select
import socket
import tempfile
import time
import tty
from typing import TYPE_CHECKING

import pytest

from endwell.system.output import PlainOutput, SocketOutput, ThreadOutput, open_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from endwell.system.output import Output

PIPE = 65536  # what one takes
PIECE = b"0123456789abcde\n" * 4096


class End:
    """A descriptor to write to, and how what has been written is read on the other side."""

    def __init__(self, descriptor: int, read: Callable[[], bytes], others: tuple[int, ...]) -> None:
        self.descriptor = descriptor
        self.read = read
        self.others = others

    def close(self) -> None:
        for descriptor in (self.descriptor, *self.others):
            if descriptor >= 0:
                os.close(descriptor)


def reader(descriptor: int) -> Callable[[], bytes]:
    os.set_blocking(descriptor, False)

    def read() -> bytes:
        try:
            return os.read(descriptor, 1 << 20)
        except BlockingIOError:
            return b""

    return read


def a_pipe() -> End:
    reading, writing = os.pipe()
    return End(writing, reader(reading), (reading,))


def a_terminal() -> End:
    master, slave = pty.openpty()
    tty.setraw(slave)
    return End(slave, reader(master), (master,))


def a_socket() -> End:
    ours, theirs = socket.socketpair()
    reading, writing = ours.detach(), theirs.detach()
    return End(writing, reader(reading), (reading,))


@pytest.fixture(params=[a_pipe, a_terminal, a_socket, "thread"])
def end(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[End]:
    if request.param == "thread":
        one = a_pipe()

        def refuse(*_: object) -> int:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(os, "open", refuse)
    else:
        one = request.param()
    yield one
    one.close()


def ready(one: Output) -> None:
    poll = select.poll()
    poll.register(one.descriptor, select.POLLOUT if one.writing else select.POLLIN)
    assert poll.poll(20_000), "it never could be written again"


def read_until_ready(one: Output, end: End) -> bytes:
    """Read on the other side until it can be written again: a terminal tells only while somebody reads."""
    poll = select.poll()
    poll.register(one.descriptor, select.POLLOUT if one.writing else select.POLLIN)
    poll.register(end.others[0], select.POLLIN)
    got = b""
    while events := dict(poll.poll(20_000)):
        if one.descriptor in events:
            return got
        got += end.read()
    raise AssertionError("it never could be written again")


def test_one_that_is_full_takes_nothing_and_says_when_it_takes_more(end: End) -> None:
    out = open_output(end.descriptor)
    assert os.get_blocking(end.descriptor), "what others share is left as it was"
    data, begin = PIECE * 40, 0
    for _ in range(1000):
        taken = out.write(data, begin)
        if taken == begin:
            break
        begin = taken
    assert begin < len(data)
    got, limit = end.read() + read_until_ready(out, end), time.monotonic() + 20
    while len(got) < len(data):
        assert time.monotonic() < limit, f"{begin} taken, {len(got)} came out of {len(data)}"
        got += end.read()
        if begin < len(data):
            begin = out.write(data, begin)
    assert got == data
    assert os.get_blocking(end.descriptor)
    out.close()


def test_a_file_is_written_at_the_position_everybody_shares() -> None:
    with tempfile.TemporaryFile() as file:
        os.write(file.fileno(), b"one ")
        out = open_output(file.fileno())
        assert out.write(b"x two ", 2) == 6
        os.write(file.fileno(), b"three")
        out.close()
        assert os.pread(file.fileno(), 100, 0) == b"one two three"


def test_what_is_closed_fails_at_each_write() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    out = open_output(writing)
    with pytest.raises(OSError, match="Bad file descriptor"):
        out.write(b"x", 0)
    out.close()


@pytest.mark.parametrize("make", [a_pipe, a_socket])
def test_a_reader_that_is_gone(make: Callable[[], End]) -> None:
    end = make()
    out = open_output(end.descriptor)
    os.close(end.others[0])
    end.others = ()
    with pytest.raises(BrokenPipeError):
        out.write(b"x", 0)
    out.close()
    end.close()


def test_what_a_thread_could_not_write_is_tried_again() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out = ThreadOutput(writing)
    assert out.write(b"lost", 0) == 4
    for _ in range(2):
        ready(out)
        with pytest.raises(BrokenPipeError):
            out.write(b"x", 0)
        assert out.pending() == 4
        assert out.write(b"x", 0) == 0
    out.close()
    os.close(writing)


@pytest.mark.parametrize("blocked", [False, True])
def test_a_thread_goes_with_its_descriptor_when_it_is_done(blocked: bool) -> None:  # noqa: FBT001  one of two
    reading, writing = os.pipe()
    out = ThreadOutput(writing)
    before = os.write(writing, b"y" * (PIPE if blocked else 1))
    os.close(writing)
    taken = out.write(b"x" * 4096, 0)
    if not blocked:
        ready(out)
    out.close()
    got = 0
    while part := os.read(reading, 1 << 16):  # ends when the thread has closed its own
        got += len(part)
    assert got == before + taken == before + 4096
    os.close(reading)


def test_a_thread_that_cannot_be_started_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    end = a_pipe()
    out = ThreadOutput(end.descriptor)

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    with pytest.raises(OSError, match="no thread"):
        out.write(b"x", 0)
    assert not out.pending()
    out.close()
    end.close()


def test_which_way_is_taken_for_what() -> None:
    for make, kind in ((a_pipe, PlainOutput), (a_terminal, PlainOutput), (a_socket, SocketOutput)):
        end = make()
        out = open_output(end.descriptor)
        assert type(out) is kind
        out.close()
        end.close()
