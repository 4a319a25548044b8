"""Whoever ends is collected at once, by the thousand, and nobody stays a zombie."""

from __future__ import annotations

import os
import signal

import pytest

from tests.init import reports
from tests.init.support import Init, Place, compiled, everywhere, guest, needs_root


@everywhere
@pytest.mark.parametrize(("how", "count"), [("orphans", 10_000), ("burst", 2_000)])
def test_thousands_of_orphans(how: str, count: int, place: Place) -> None:
    count = count if os.geteuid() == 0 else 300
    with Init("--report", "fd:2", "--", compiled("crowd"), how, str(count), place=place) as init:
        init.expect("nobody is left")
        assert init.end().status == 0
        assert reports.parse(init.err)["reaped"] == count + 1


def test_nothing_remains_while_nobody_ends() -> None:
    body = """
for _ in range(20):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(1)
        os._exit(0)
    os.wait()
while sorted(name for name in os.listdir("/proc") if name.isdecimal()) != ["1", "2"]:
    pass
say("clean")
forever()
"""
    with Init("--", *guest(body)) as init:
        init.expect("clean")


@everywhere
def test_children_that_the_init_inherits_are_collected(place: Place) -> None:
    def prepare() -> None:
        for _ in range(3):
            if os.fork() == 0:
                os._exit(0)

    body = f"""
while sum(name.isdecimal() for name in os.listdir("/proc")) > {2 if place is Place.PID_1 else 3}:
    pass
say("clean")
"""
    with Init("--report", "fd:2", "--", *guest(body), place=place, prepare=prepare) as init:
        assert init.end().status == 0
        assert init.lines == ["clean"]
        assert reports.parse(init.err)["reaped"] == 4


@everywhere
def test_an_inherited_child_that_lives_is_of_the_tree(place: Place) -> None:
    words = guest("hear(SIGTERM, name='inherited', leave=0)\nsay('up')\nforever()")

    def prepare() -> None:
        if os.fork() == 0:
            os.execv(words[0], words)  # noqa: S606

    with Init(
        "--grace",
        "5s",
        "--",
        *guest("hear(SIGTERM, leave=7)\nsay('ready')\nforever()"),
        place=place,
        prepare=prepare,
    ) as init:
        init.expect("ready", "up")
        init.send(signal.SIGTERM)
        ended = init.end()
        assert ended.status == 7
        assert "inherited SIGTERM" in ended.out


@everywhere
def test_the_status_of_main_among_thousands(place: Place) -> None:
    body = """
for _ in range(200):
    if os.fork() == 0:
        os._exit(1)
os._exit(42)
"""
    with Init("--", *guest(body), place=place) as init:
        assert init.end().status == 42


@needs_root
def test_a_thousand_that_end_on_the_same_signal() -> None:
    body = """
for _ in range(1000):
    if os.fork() == 0:
        forever()
hear(SIGTERM, leave=7)
say("ready")
forever()
"""
    with Init("--grace", "5s", "--report", "fd:2", "--", *guest(body)) as init:
        init.expect("ready")
        init.send(signal.SIGTERM)
        assert init.end().status == 7
        report = reports.parse(init.err)
        assert (report["reaped"], report["killed"]) == (1001, [])
