"""endwell.supervise.stdin: a pipe to a process, which never makes us wait."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from endwell.supervise.stdin import BOUND, Stdin
from endwell.system.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


@pytest.fixture
def stdin(loop: Loop) -> Iterator[Stdin]:
    made = Stdin(loop)
    yield made
    made.close()


def test_what_is_written_comes_in_order_however_slow_it_is_read(loop: Loop, stdin: Stdin) -> None:
    sent = b"".join(b"%07d\n" % number for number in range(100_000))
    for begin in range(0, len(sent), 50_000):
        stdin.write(sent[begin : begin + 50_000])
    seen = b""
    while len(seen) < len(sent):
        seen += os.read(stdin.reading, 65536)
        loop.turn()
        if len(seen) >= len(sent) - 65536:
            break
    while len(seen) < len(sent):
        seen += os.read(stdin.reading, 65536)
    assert seen == sent


def test_there_is_a_bound_on_what_waits(stdin: Stdin) -> None:
    stdin.write(b"x" * BOUND)
    with pytest.raises(BufferError, match="bytes wait there to be read"):
        stdin.write(b"x" * BOUND)
    stdin.write(b"y")


def test_nobody_reads_any_more(stdin: Stdin) -> None:
    stdin.started()
    with pytest.raises(BrokenPipeError):
        stdin.write(b"x")
    with pytest.raises(BrokenPipeError):
        stdin.write(b"x")


def test_it_is_closed_while_something_waits(loop: Loop, stdin: Stdin) -> None:
    stdin.write(b"x" * BOUND)
    stdin.started()
    loop.turn()  # the pipe is broken now
    with pytest.raises(BrokenPipeError):
        stdin.write(b"x")


def test_its_ends_are_not_inherited_and_ours_does_not_wait(stdin: Stdin) -> None:
    assert min(stdin.reading, stdin.writing) > 2
    assert not os.get_inheritable(stdin.reading)
    assert not os.get_inheritable(stdin.writing)
    assert os.get_blocking(stdin.reading)
    assert not os.get_blocking(stdin.writing)
