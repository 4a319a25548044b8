"""Who belongs to the tree and is reached: daemons, the stopped, other sessions; and nobody is told twice."""

from __future__ import annotations

import json
import os
import signal
from typing import Final

import pytest

from tests.init.support import Init, Place, everywhere, guest

HUP, TERM, USR1 = signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1

DAEMON: Final = """
def serves():
    hear(SIGTERM, SIGQUIT, SIGHUP, name="daemon")
    hear(SIGTERM, SIGQUIT, name="daemon", leave=0)
    up()
    forever()
worker(serves)
say("ready")
os._exit(0)
"""
"""Main puts itself into the background."""

STOPPED: Final = """
def stops():
    hear(SIGTERM, name="stopped", leave=0)
    up()
    os.kill(os.getpid(), SIGSTOP)
    forever()
child = worker(stops, session={session})
os.waitpid(child, os.WUNTRACED)
hear(SIGTERM, leave=7)
say("ready")
forever()
"""
"""A worker that is stopped, and cannot hear."""


def report_of(line: str) -> dict[str, list[dict[str, object]]]:
    """The report on this line."""
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


@everywhere
def test_a_daemonised_main_lives_on_with_wait_tree(place: Place) -> None:
    with Init("--wait", "tree", "--grace", "5s", "-v", "--", *guest(DAEMON), place=place) as init:
        init.complains("main process")
        init.send(HUP)
        init.expect("daemon SIGHUP")
        init.send(TERM)
        ended = init.end()
        assert (ended.status, ended.out) == (0, "ready\ndaemon SIGHUP\ndaemon SIGTERM\n")


@everywhere
def test_a_rewritten_stop_reaches_the_daemon_as_such(place: Place) -> None:
    words = ("--wait", "tree", "--rewrite", "TERM:QUIT", "--grace", "5s", "-v")
    with Init(*words, "--", *guest(DAEMON), place=place) as init:
        init.complains("main process")
        init.send(TERM)
        assert init.end()[:2] == (0, "ready\ndaemon SIGQUIT\n")


def test_a_daemonised_main_ends_with_its_tree() -> None:
    body = "def serves():\n    up()\n    os.read(0, 1)\nworker(serves)\nsay('ready')\nos._exit(5)"
    with Init("--wait", "tree", "--report", "-", "--", *guest(body)) as init:
        ended = init.end()
    assert ended.status == 5
    assert '"phases":[]' in ended.out, "nobody had to be told"


def test_a_deaf_daemon_is_killed_at_the_end_of_the_grace() -> None:
    body = "signal(SIGQUIT, SIG_IGN)\nworker(deaf)\nos._exit(0)"
    words = ("--wait", "tree", "--grace", "300ms", "--rewrite", "TERM:QUIT", "-v", "--report", "-")
    with Init(*words, "--", *guest(body)) as init:
        init.complains("main process")
        init.send(TERM)
        report = report_of(init.end().out)
    assert [entry["why"] for entry in report["killed"]] == ["ignores SIGQUIT"], "it was never sent a SIGTERM"


def test_without_wait_tree_a_daemonised_main_is_the_end() -> None:
    with Init("--", *guest(DAEMON)) as init:
        assert init.end()[:2] == (0, "ready\ndaemon SIGTERM\n")


@everywhere
@pytest.mark.parametrize("to", ["main", "group", "tree"])
def test_nobody_is_told_twice(to: str, place: Place) -> None:
    body = """
def counts():
    hear(SIGTERM, name="worker")
    hear(SIGUSR1, leave=0)
    up()
    forever()
children = [worker(counts, session=session) for session in (True, False)]
def end():
    for child in children:
        os.kill(child, SIGUSR1)
hear(SIGTERM, name="main")
hear(SIGUSR1, then=end, leave=7)
say("ready")
forever()
"""
    told = {"main": 1, "group": 2, "tree": 3}[to]
    with Init("--to", to, "--grace", "10s", "--", *guest(body), place=place) as init:
        init.expect("ready")
        init.send(TERM)
        init.expect("main SIGTERM", *["worker SIGTERM"] * (told - 1))
        init.send(USR1)  # now main leaves, and the workers are about to
        ended = init.end()
        assert ended.out.count("main SIGTERM") == 1
        assert ended.out.count("worker SIGTERM") <= 2, "each at most once, those who had not left yet"


@everywhere
@pytest.mark.parametrize("to", ["group", "tree"])
def test_those_who_were_told_with_main_are_not_told_again(to: str, place: Place) -> None:
    body = """
def counts():
    hear(SIGTERM, name="worker")
    up()
    forever()
worker(counts, session=False)
hear(SIGTERM, name="main", leave=7)
say("ready")
forever()
"""
    with Init("--to", to, "--grace", "400ms", "--report", "-", "--", *guest(body), place=place) as init:
        init.expect("ready")
        init.send(TERM)
        ended = init.end()
        assert ended.out.count("worker SIGTERM") == 1
        report = report_of(ended.out.splitlines()[-1])
        assert [entry["why"] for entry in report["killed"]] == ["was not done with its handler of SIGTERM"]


@everywhere
@pytest.mark.parametrize("to", ["main", "group", "tree"])
@pytest.mark.parametrize("session", [True, False])
def test_a_stopped_worker_is_continued_and_told(to: str, session: bool, place: Place) -> None:  # noqa: FBT001
    with Init(
        "--to", to, "--grace", "5s", "--", *guest(STOPPED.format(session=session)), place=place
    ) as init:
        init.expect("ready")
        init.send(TERM)
        ended = init.end()
        assert ended.status == 7
        assert sorted(ended.out.splitlines()) == ["SIGTERM", "ready", "stopped SIGTERM"]


@everywhere
@pytest.mark.parametrize("to", ["main", "group", "tree"])
def test_a_stopped_main_is_continued_before_it_is_asked(to: str, place: Place) -> None:
    body = """
def watches():
    up()
    while states(main) != "T":
        pass
    say("stopped")
main = os.getpid()
worker(watches)
hear(SIGTERM, leave=7)
os.kill(main, SIGSTOP)
forever()
"""
    with Init("--to", to, "--grace", "5s", "--", *guest(body), place=place) as init:
        init.expect("stopped")
        init.send(TERM)
        ended = init.end()
        assert ended.status == 7
        assert "SIGTERM" in ended.out


def test_the_running_are_not_continued() -> None:
    body = "hear(SIGCONT)\nworker(polite)\nhear(SIGTERM, leave=7)\nsay('ready')\nforever()"
    with Init("--main-timeout", "0", "--grace", "5s", "--", *guest(body), place=Place.BELOW) as init:
        init.expect("ready")
        init.send(TERM)
        assert "CONT" not in init.end().out


@everywhere
def test_a_hundred_sessions_are_told(place: Place) -> None:
    body = ""
    body += "for _ in range(100):\n    worker(polite)\nhear(SIGTERM, leave=7)\nsay('ready')\nforever()"
    with Init("--grace", "5s", "--", *guest(body), place=place) as init:
        init.expect("ready")
        init.send(TERM)
        ended = init.end()
        assert ended.status == 7
        assert ended.out.count("worker SIGTERM") == 100


@everywhere
def test_grandchildren_whose_parent_has_ended_are_told(place: Place) -> None:
    body = """
def parent():
    worker(polite)
    up()
    os._exit(0)
os.waitpid(worker(parent), 0)
hear(SIGTERM, leave=7)
say("ready")
forever()
"""
    with Init("--grace", "5s", "--", *guest(body), place=place) as init:
        init.expect("ready")
        init.send(TERM)
        assert init.end()[:2] == (7, "ready\nSIGTERM\nworker SIGTERM\n")


def test_without_a_subreaper_orphans_are_not_ours() -> None:
    body = "def counts():\n    hear(SIGTERM, name='orphan')\n    up()\n    forever()\n"
    body += "worker(polite)\nhear(SIGTERM, leave=7)\nsay('ready')\nforever()"
    with Init("--subreaper", "never", "--grace", "5s", "--", *guest(body), place=Place.BELOW) as init:
        init.expect("ready")
        init.send(TERM)
        assert init.left() == 7
        assert "orphan SIGTERM" not in init.lines


def test_without_a_subreaper_the_tree_is_told_while_main_lives() -> None:
    body = ""
    body += "child = worker(polite)\nhear(SIGTERM)\nsay('ready')\nos.waitpid(child, 0)\nos._exit(7)"
    words = ("--subreaper", "never", "--grace", "5s", "--main-timeout", "0")
    with Init(*words, "--", *guest(body), place=Place.BELOW) as init:
        init.expect("ready")
        init.send(TERM)
        ended = init.end()
        assert ended.status == 7
        assert "worker SIGTERM" in ended.out


def test_others_in_the_namespace_are_left_alone_by_an_init_below() -> None:
    # the reaper above it is PID 1 and cannot be hit; a sibling that the caller started before can
    body = "hear(SIGTERM, leave=7)\nsay('ready')\nforever()"
    sibling = "hear(SIGTERM, name='sibling')\nsay('up')\nforever()"

    def prepare() -> None:
        between = os.fork()
        if between == 0 and os.fork() == 0:
            os.execv(guest(sibling)[0], guest(sibling))  # noqa: S606
        if between == 0:
            os._exit(0)
        os.waitpid(between, 0)

    with Init("--grace", "5s", "--", *guest(body), place=Place.BELOW, prepare=prepare) as init:
        init.expect("ready", "up")
        init.send(TERM)
        assert init.left() == 7
        assert "sibling SIGTERM" not in init.lines
