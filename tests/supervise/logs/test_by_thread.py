"""A stdout that cannot be opened a second time is written by a thread, and nothing else changes."""

from __future__ import annotations

import errno
import os
import select
from typing import TYPE_CHECKING

import pytest

from endwell.model.service import Log, Prefix
from tests.supervise.logs.rig import fill

if TYPE_CHECKING:
    from tests.supervise.logs.rig import Rig


def writable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


@pytest.fixture(autouse=True)
def _no_second_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a pipe that belongs to another user."""
    real = os.open

    def refuse(path: str, flags: int, mode: int = 0o777) -> int:
        if path.startswith("/proc/self/fd/") and flags & os.O_NOCTTY:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", refuse)


def test_lines_come_out(rig: Rig) -> None:
    outlets = rig.open(Log(), "web", Log())
    os.write(outlets.stdout, b"one\ntwo\n")
    rig.until(lambda: rig.hear() == b"web | one\nweb | two\n")
    os.write(outlets.stdout, b"three\n")
    outlets.close()
    rig.until(lambda: rig.capture.empty)
    assert rig.hear() == b"web | one\nweb | two\nweb | three\n"
    assert os.get_blocking(rig.stdout)


def test_while_it_is_blocked_the_loop_is_not(rig: Rig) -> None:
    fill(rig.stdout)
    outlets = rig.open(Log(prefix=Prefix.NONE))
    os.write(outlets.stdout, b"0123456789\n" * 3000)
    rig.settle()
    outlets.close()
    outlets.ended()
    rig.capture.finish()
    rig.settle()
    assert not rig.capture.empty
    (told,) = rig.capture.close()
    assert told == "the container's stdout: 33000 bytes dropped: nobody has taken them in time"
    while len(rig.hear()) < 33000:  # lets the thread go
        pass


def test_a_reader_that_is_gone_stops_nobody(rig: Rig) -> None:
    outlets = rig.open()
    os.close(rig.out)
    os.set_blocking(outlets.stdout, False)
    for _ in range(20):
        rig.until(lambda: writable(outlets.stdout))
        os.write(outlets.stdout, b"0123456789\n" * 1000)
    rig.until(lambda: rig.said)
    outlets.close()
    rig.until(lambda: rig.capture.empty)
    assert [line.partition(";")[0] for line in rig.said] == [
        "cannot write to the container's stdout: Broken pipe"
    ]
    assert rig.capture.close()
    rig.out = os.dup(rig.err)
