"""The phases of a stop and their order: who is asked, told, left alone, killed, and when."""

from __future__ import annotations

import itertools
import json
import signal
from typing import Final

import pytest

from tests.init.namespaces import Proc
from tests.init.support import Ended, Init, Place, everywhere, guest

HUP, INT, TERM = signal.SIGHUP, signal.SIGINT, signal.SIGTERM

WORKER: Final = """
def listens():
    hear(SIGTERM, SIGINT, SIGQUIT, name="worker", leave=0)
    up()
    forever()
"""
"""A worker that says what it hears and leaves."""
LEAVES: Final = WORKER + "worker(listens)\nhear(SIGTERM, SIGINT, leave=7)\nsay('ready')\nforever()"
"""Main leaves at once, its worker in a session of its own has to be told."""
MASTER: Final = """
def drains():
    hear(SIGTERM, name="worker")
    hear(SIGUSR1, name="worker", leave=0)
    up()
    forever()
child = worker(drains)
def end():
    os.kill(child, SIGUSR1)
    os.waitpid(child, 0)
    say("main done")
hear(SIGTERM, then=end, leave=7)
say("ready")
forever()
"""
"""Main ends its worker by USR1, in its own order; a TERM for the worker would be said."""


def reported(
    *words: str, signals: tuple[int, ...] = (TERM,), **given: object
) -> tuple[Ended, dict[str, object]]:
    """Start it, stop it when it is ready, and return its end with its report."""
    with Init("--report", "fd:2", *words, **given) as init:
        init.expect("ready")
        init.send(*signals)
        ended = init.end()
    report = json.loads(ended.err.splitlines()[-1])
    assert isinstance(report, dict)
    return ended, report


def phases(report: dict[str, object]) -> list[str]:
    """The names of the phases, in order; each begins when the one before it ends."""
    found = report["phases"]
    assert isinstance(found, list)
    for before, after in itertools.pairwise(found):
        assert before["at"] + before["took"] == pytest.approx(after["at"], abs=0.002)
    return [phase["name"] for phase in found]


@everywhere
def test_main_is_asked_then_the_rest_is_told(place: Place) -> None:
    ended, report = reported("--grace", "5s", "--", *guest(LEAVES), place=place)
    assert ended.status == 7
    assert ended.out == "ready\nSIGTERM\nworker SIGTERM\n"
    assert phases(report) == ["main", "rest"]
    assert report["killed"] == []


@everywhere
def test_a_main_that_drains_its_workers_is_not_disturbed(place: Place) -> None:
    ended, report = reported("--grace", "5s", "--", *guest(MASTER), place=place)
    assert (ended.status, ended.out) == (7, "ready\nSIGTERM\nworker SIGUSR1\nmain done\n")
    assert "rest" not in phases(report) or place is Place.PID_1  # there it may be a session from outside


@everywhere
def test_the_rest_is_told_when_the_share_of_main_is_over(place: Place) -> None:
    body = WORKER + "child = worker(listens)\nhear(SIGTERM)\nsay('ready')\nos.waitpid(child, 0)\nos._exit(3)"
    ended, report = reported("--grace", "20s", "--main-timeout", "100ms", "--", *guest(body), place=place)
    assert (ended.status, ended.out) == (3, "ready\nSIGTERM\nworker SIGTERM\n"), "main heard it only once"
    assert phases(report) == ["main", "rest"]
    assert 0.1 <= took(report, "main") < 10.0


def took(report: dict[str, object], name: str) -> float:
    """How long the phase took."""
    found = report["phases"]
    assert isinstance(found, list)
    return float(next(phase["took"] for phase in found if phase["name"] == name))


def test_the_share_of_main_is_two_thirds() -> None:
    body = WORKER + "child = worker(listens)\nhear(SIGTERM)\nsay('ready')\nos.waitpid(child, 0)\nos._exit(3)"
    _, report = reported("--grace", "2s", "--", *guest(body))
    assert 1.2 <= took(report, "main") < 1.8, "of the 1.8 s until the kill"


@everywhere
def test_kill_comes_before_the_grace_ends_and_only_then(place: Place) -> None:
    body = "worker(deaf)\nsignal(SIGTERM, SIG_IGN)\nsay('ready')\nforever()"
    ended, report = reported("--grace", "3s", "--", *guest(body), place=place)
    assert ended.status == 137
    assert phases(report) == ["main", "rest", "kill"]
    grace = report["grace"]
    assert isinstance(grace, dict)
    assert 2.7 <= grace["used"] < 3.0
    killed = report["killed"]
    assert isinstance(killed, list)
    assert len(killed) == 2
    assert {entry["why"] for entry in killed} == {"ignores SIGTERM"}


@everywhere
def test_somebody_left_behind_is_waited_for_only_as_long_as_needed(place: Place) -> None:
    _, report = reported("--grace", "60s", "--", *guest(LEAVES), place=place)
    grace = report["grace"]
    assert isinstance(grace, dict)
    assert grace["used"] < 1


def test_without_a_grace_nobody_is_killed() -> None:
    body = "def slow():\n    hear(SIGTERM, name='worker')\n    up()\n    forever()\n"
    body += "worker(slow)\nhear(SIGTERM, leave=7)\nsay('ready')\nforever()"
    for words in ((), ("--grace", "none")):
        with Init(*words, "--report", "-", "--", *guest(body)) as init:
            init.expect("ready")
            init.send(TERM)
            init.expect("SIGTERM", "worker SIGTERM")
            init.send(signal.SIGUSR1, TERM)  # main has left: USR1 goes to nobody, the second stop hurries
            ended = init.end()
            assert ended.status == 7
            assert '"given":null' in ended.out


@pytest.mark.parametrize(("grace", "given"), [((), None), (("--grace", "5s"), 5.0)])
@everywhere
def test_main_ends_by_itself_and_leaves_somebody(
    grace: tuple[str, ...], given: float | None, place: Place
) -> None:
    body = WORKER + "worker(listens)\nsay('ready')\nos._exit(3)"
    with Init(*grace, "--report", "fd:2", "--", *guest(body), place=place) as init:
        ended = init.end()
    report = json.loads(ended.err)
    assert (ended.status, ended.out) == (3, "ready\nworker SIGTERM\n")
    assert report["stop"] == {"reason": "main ended", "signal": None, "from": None}
    assert report["grace"]["given"] == given
    assert phases(report) == ["rest"]


@everywhere
def test_main_ends_by_itself_and_nobody_else_is_there(place: Place) -> None:
    with Init("--report", "fd:2", "--", *guest("os._exit(3)"), place=place) as init:
        ended = init.end()
    assert ended.status == 3
    assert json.loads(ended.err)["grace"]["used"] < 5.0


def test_main_dies_of_a_signal_by_itself() -> None:
    with Init("--", *guest(WORKER + "worker(listens)\nsay('ready')\nos.kill(os.getpid(), SIGKILL)")) as init:
        assert init.end()[:2] == (137, "ready\nworker SIGTERM\n")


@everywhere
def test_a_second_signal_during_the_drain(place: Place) -> None:
    with Init("--drain", "1h", "--report", "-", "-v", "--", *guest(LEAVES), place=place) as init:
        init.expect("ready")
        init.send(TERM)
        init.complains("SIGTERM from")
        init.send(INT)
        ended = init.end()
    assert ended.status == 7
    *said, report = ended.out.splitlines()
    assert said == ["ready", "SIGINT", "worker SIGTERM"], "main is told what was asked last"
    assert phases(json.loads(report)) == ["drain", "main", "rest"]
    assert [entry["signal"] for entry in json.loads(report)["signals"]] == ["SIGTERM", "SIGINT"]


@everywhere
def test_a_second_signal_while_main_ends(place: Place) -> None:
    body = (
        WORKER
        + "child = worker(listens)\nhear(SIGTERM, SIGINT)\nsay('ready')\nos.waitpid(child, 0)\nos._exit(3)"
    )
    with Init("--grace", "60s", "--report", "-", "--", *guest(body), place=place) as init:
        init.expect("ready")
        init.send(TERM)
        init.expect("SIGTERM")
        init.send(INT)
        ended = init.end()
    assert ended.status == 3
    assert ended.out.splitlines()[:3] in (
        ["ready", "SIGTERM", "SIGINT"],
        ["ready", "SIGTERM", "worker SIGTERM"],
    )
    assert {"SIGINT", "worker SIGTERM"} <= set(ended.out.splitlines()), (
        "main hears that it hurries, the rest is told"
    )


@everywhere
def test_a_second_signal_while_the_rest_ends(place: Place) -> None:
    body = "def slow():\n    hear(SIGTERM, name='worker')\n    up()\n    forever()\n"
    body += "worker(slow)\nhear(SIGTERM, leave=7)\nsay('ready')\nforever()"
    with Init("--grace", "60s", "--report", "-", "--", *guest(body), place=place) as init:
        init.expect("ready")
        init.send(TERM)
        init.expect("worker SIGTERM")
        init.send(TERM)
        ended = init.end()
    assert ended.status == 7
    report = json.loads(ended.out.splitlines()[-1])
    assert phases(report) == ["main", "rest", "kill"]
    assert [entry["why"] for entry in report["killed"]] == ["was not done with its handler of SIGTERM"]


def test_the_drain_serves_on_before_anybody_is_signalled() -> None:
    ended, report = reported("--drain", "150ms", "--grace", "5s", "--", *guest(LEAVES))
    assert ended.status == 7
    assert phases(report) == ["drain", "main", "rest"]
    assert 0.15 <= took(report, "drain") < 4.0


def test_main_leaves_during_the_drain() -> None:
    body = WORKER + "worker(listens)\nhear(SIGHUP, leave=5)\nhear(SIGTERM)\nsay('ready')\nforever()"
    ended, report = reported("--drain", "1h", "--", *guest(body), signals=(TERM, HUP))
    assert (ended.status, ended.out) == (5, "ready\nSIGHUP\nworker SIGTERM\n"), "main was not asked"
    assert phases(report) == ["drain", "rest"]


@pytest.mark.parametrize("proc", [Proc.NONE, Proc.FOREIGN])
@everywhere
def test_without_a_proc_of_its_own(proc: Proc, place: Place) -> None:
    body = WORKER + "worker(listens, session=False)\nhear(SIGTERM, leave=7)\nsay('ready')\nforever()"
    with Init("--grace", "5s", "--report", "-", "-v", "--", *guest(body), place=place, proc=proc) as init:
        init.expect("ready")
        init.send(TERM)
        ended = init.end()
    assert ended.status == 7
    assert ended.out.startswith("ready\nSIGTERM\nworker SIGTERM\n")


@pytest.mark.parametrize("proc", [Proc.NONE, Proc.FOREIGN])
def test_without_a_proc_pid_1_still_reaches_other_sessions(proc: Proc) -> None:
    with Init("--grace", "5s", "--", *guest(LEAVES), proc=proc) as init:
        init.expect("ready")
        init.send(TERM)
        assert init.end()[:2] == (7, "ready\nSIGTERM\nworker SIGTERM\n")


@pytest.mark.parametrize("proc", [Proc.NONE, Proc.FOREIGN])
@everywhere
def test_without_a_proc_the_deaf_are_killed_too(proc: Proc, place: Place) -> None:
    body = "worker(deaf, session=False)\nsignal(SIGTERM, SIG_IGN)\nsay('ready')\nforever()"
    with Init("--grace", "300ms", "--report", "-", "--", *guest(body), place=place, proc=proc) as init:
        init.expect("ready")
        init.send(TERM)
        ended = init.end()
    assert ended.status == 137
    assert json.loads(ended.out.splitlines()[-1])["killed"] == [], "nobody can say who they were"
