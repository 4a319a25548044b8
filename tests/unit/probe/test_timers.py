"""What happens at a time of its own happens then, or never."""

from __future__ import annotations

import threading
import time

from endwell.probe.timers import Timers


def test_what_is_due_is_called_at_once() -> None:
    called = threading.Event()
    with Timers() as timers:
        timers.at(time.monotonic() - 1.0, called.set)
        assert called.wait(10.0)


def test_what_has_not_begun_never_does() -> None:
    called = threading.Event()
    with Timers() as timers:
        timers.at(time.monotonic() + 3600.0, called.set)
    assert not called.is_set()


def test_an_error_is_kept() -> None:
    failed = ValueError("no")
    done = threading.Event()

    def fail() -> None:
        done.set()
        raise failed

    with Timers() as timers:
        timers.at(0.0, fail)
        assert done.wait(10.0)
    assert timers.errors == [failed]


def test_leaving_waits_for_what_has_begun() -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(10.0)
        ended.set()

    timers = Timers()
    timers.at(0.0, work)
    assert begun.wait(10.0)
    go_on.set()
    timers.close()
    assert ended.is_set()


def test_every_goes_on_until_it_is_told_not_to() -> None:
    left = [3]
    done = threading.Event()

    def count() -> bool:
        left[0] -= 1
        if not left[0]:
            done.set()
        return left[0] > 0

    with Timers() as timers:
        timers.every(0.001, count)
        assert done.wait(10.0)
    assert left == [0]
