"""The report says what happened, all of it, and nothing else."""

from __future__ import annotations

import os
import signal
from typing import Any, Final

import pytest

from tests.init import reports
from tests.init.support import Init, Place, compiled, everywhere, guest, run, shell

HUP, TERM, USR1 = signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1
MAIN: Final = guest("hear(SIGTERM, leave=7)\nhear(SIGHUP, SIGUSR1)\nsay('ready')\nforever()")


def reported(*words: str, stop: bool = True, **given: object) -> dict[str, Any]:
    """The report of a run that is stopped when its command is ready, or ends by itself."""
    with Init("--report", "fd:2", *words, **given) as init:
        if stop:
            init.expect("ready")
            init.send(TERM)
        init.end()
        return reports.parse(init.err)


@everywhere
def test_a_plain_end(place: Place) -> None:
    report = reported("--", "sh", "-c", "exit 3", stop=False, place=place)
    assert report["command"] == ["sh", "-c", "exit 3"]
    assert report["main"] == {"pid": 2 if place is Place.PID_1 else 3, "end": {"kind": "exit", "code": 3}}
    assert report["stop"] == {"reason": "main ended", "signal": None, "from": None}
    assert (report["signals"], report["hooks"], report["killed"]) == ([], [], [])
    assert (report["reaped"], report["exit"]) == (1, 3)
    assert report["grace"]["given"] is None


def test_an_end_by_a_signal() -> None:
    report = reported("--exit-map", "137=9", "--", *shell("kill -9 $$"), stop=False)
    assert report["main"]["end"] == {"kind": "signal", "signal": "SIGKILL"}
    assert report["exit"] == 9


def test_a_core_dump_is_a_signal_too() -> None:
    report = reported("--", *shell("ulimit -c 0; kill -SEGV $$"), stop=False)
    assert report["main"]["end"] == {"kind": "signal", "signal": "SIGSEGV"}
    assert report["exit"] == 139


def test_who_asked() -> None:
    assert reported("--", *MAIN)["stop"] == {"reason": "signal", "signal": "SIGTERM", "from": 0}
    inside = shell("trap 'exit 0' INT; kill -INT 1; while :; do :; done")
    assert reported("--", *inside, stop=False)["stop"] == {"reason": "signal", "signal": "SIGINT", "from": 2}


def test_which_signals_came() -> None:
    with Init("--report", "fd:2", "--", *MAIN) as init:
        init.expect("ready")
        for number, name in ((HUP, "SIGHUP"), (USR1, "SIGUSR1")):
            init.send(number)
            init.expect(name)
        init.send(40, TERM)
        init.end()
        report = reports.parse(init.err)
    assert [entry["signal"] for entry in report["signals"]][:2] == ["SIGHUP", "SIGUSR1"]
    assert {entry["signal"] for entry in report["signals"]} <= {"SIGHUP", "SIGUSR1", "SIGTERM", "SIGRTMIN+6"}
    times = [entry["at"] for entry in report["signals"]]
    assert times == sorted(times)
    assert times[0] <= 0
    assert report["signals_unlisted"] == 0


def test_the_last_signals_are_listed_when_there_are_too_many() -> None:
    with Init("--report", "fd:2", "--", *MAIN) as init:
        init.expect("ready")
        for _ in range(50):
            init.send(HUP)
            init.expect("SIGHUP")
        init.send(TERM)
        init.end()
        report = reports.parse(init.err)
    assert len(report["signals"]) + report["signals_unlisted"] == 51
    assert report["signals"][-1]["signal"] == "SIGTERM"


def test_a_dropped_signal_is_listed() -> None:
    with Init("--rewrite", "HUP:0", "--report", "fd:2", "--", *MAIN) as init:
        init.expect("ready")
        init.send(HUP, TERM)
        init.end()
        assert [entry["signal"] for entry in reports.parse(init.err)["signals"]] == ["SIGHUP", "SIGTERM"]


def test_a_stop_after_the_end_of_main_is_told_apart() -> None:
    body = "def late():\n    hear(SIGTERM, name='worker')\n    up()\n    forever()\nworker(late)\nos._exit(3)"
    with Init("--grace", "500ms", "--report", "fd:2", "--", *guest(body)) as init:
        init.expect("worker SIGTERM")
        init.send(TERM)
        init.end()
        report = reports.parse(init.err)
    assert report["stop"]["reason"] == "main ended"
    assert [entry["signal"] for entry in report["signals"]] == ["SIGTERM"]


WHY: Final = """
import signal as names
def ignores():
    deaf()
def blocks():
    names.pthread_sigmask(SIG_BLOCK, {SIGTERM})
    up()
    forever()
def handles():
    hear(SIGTERM)
    up()
    forever()
def stops():
    hear(SIGTERM, then=lambda: os.kill(os.getpid(), SIGSTOP))
    up()
    forever()
pids = [worker(body) for body in (ignores, blocks, handles, stops)]
hear(SIGTERM, leave=7)
say("ready")
forever()
"""


@everywhere
def test_who_was_killed_and_why(place: Place) -> None:
    report = reported("--grace", "400ms", "--", *guest(WHY), place=place)
    main = report["main"]["pid"]
    why = {entry["pid"] - main: entry["why"] for entry in report["killed"]}
    assert why == {
        1: "ignores SIGTERM",
        2: "blocks SIGTERM",
        3: "was not done with its handler of SIGTERM",
        4: "was not done with its handler of SIGTERM",
    }
    assert all("import" in entry["command"] or "-I -S" in entry["command"] for entry in report["killed"])
    assert all(0.3 <= entry["age"] < 2 for entry in report["killed"])


def test_who_was_born_too_late() -> None:
    body = """
def forks():
    if os.fork() == 0:
        os.setsid()
        signal(SIGTERM, SIG_DFL)
        say("born")
        forever()
hear(SIGTERM, then=forks)
say("ready")
forever()
"""
    report = reported("--grace", "300ms", "--main-timeout", "0", "--", *guest(body))
    assert {entry["why"] for entry in report["killed"]} >= {"was not done with its handler of SIGTERM"}


@everywhere
@pytest.mark.parametrize("to", ["group", "tree"])
def test_why_names_the_signal_that_was_sent(to: str, place: Place) -> None:
    body = (
        "def quiet():\n    signal(SIGQUIT, SIG_IGN)\n    up()\n    forever()\nworker(quiet, session=False)\n"
    )
    body += "hear(SIGQUIT, leave=7)\nsay('ready')\nforever()"
    report = reported(
        "--grace", "300ms", "--to", to, "--rewrite", "TERM:QUIT", "--", *guest(body), place=place
    )
    assert [entry["why"] for entry in report["killed"]] == ["ignores SIGQUIT"]


NAMES: Final = (
    'quote"s and \\ back\\slashes',
    "two\nlines\ttab",
    b"inv\xe9lid \xff\xc3".decode("utf-8", "surrogateescape"),
    "ünïcödé 😀 \x7f\x1b[31m",
)


def test_names_of_any_bytes() -> None:
    body = "worker(deaf)\nsignal(SIGTERM, SIG_IGN)\nsay('ready')\nforever()"
    report = reported("--grace", "200ms", "--", *guest(body), *NAMES)
    words = report["command"]
    assert words[-4:-2] == list(NAMES[:2])
    assert words[-2] == "inv\ufffdlid \ufffd\ufffd"
    assert words[-1] == NAMES[3]
    assert len(report["killed"]) == 2


def test_the_names_of_the_killed_may_be_anything() -> None:
    body = """
for name in sys.argv[1:]:
    if os.fork() == 0:
        os.execv("/bin/sh", [name, "-c", "trap '' TERM; kill -STOP $$; while :; do sleep 1000; done"])
signal(SIGTERM, SIG_IGN)
for _ in sys.argv[1:]:
    os.waitpid(-1, os.WUNTRACED)
say("ready")
forever()
"""
    report = reported("--grace", "250ms", "--to", "main", "--", *guest("import sys\n" + body), *NAMES)
    commands = [entry["command"] for entry in report["killed"]]
    for start in (
        'quote"s and \\ back\\slashes -c',
        "two lines tab -c",
        "inv\ufffdlid \ufffd\ufffd -c",
        "ünïcödé 😀   [31m -c",
    ):
        assert any(command.startswith(start) for command in commands), commands


def test_ten_thousand_killed() -> None:
    count = 10_000 if os.geteuid() == 0 else 500
    with Init("--report", "fd:2", "--main-timeout", "0", "--", compiled("crowd"), "deaf", str(count)) as init:
        init.expect("ready")
        init.send(TERM, signal.SIGINT)  # straight to the kill
        assert init.end().status == 137
        report = reports.parse(init.err)
    assert len(report["killed"]) + report["killed_unlisted"] == count + 1
    assert len(report["killed"]) >= 20


@everywhere
def test_to_list_the_killed_takes_no_longer_than_the_grace(place: Place) -> None:
    count = 3000 if os.geteuid() == 0 else 300
    report = reported(
        "--grace", "1s", "--main-timeout", "0", "--", compiled("crowd"), "deaf", str(count), place=place
    )
    assert len(report["killed"]) + report["killed_unlisted"] == count + 1
    # Naming three thousand one by one takes more than the grace; a busy machine gets some more.
    assert report["grace"]["used"] < 2


def test_many_killed_and_many_words() -> None:
    words = ["\x01" * 4000] * 8 + ["y" * 4000] * 100
    report = reported("--grace", "300ms", "--", compiled("crowd"), "deaf", "200", *words)
    assert report["command"][-1] == "…"
    assert len(report["killed"]) + report["killed_unlisted"] == 201


def test_a_hundred_thousand_words() -> None:
    report = reported("--", *shell("exit 3"), *["word"] * 100_000, stop=False)
    assert report["command"][:3] == ["/bin/sh", "-c", "exit 3"]
    assert report["command"][-1] == "…"
    assert report["exit"] == 3


def test_no_report_when_none_is_asked_for() -> None:
    ended = run("--", "true")
    assert (ended.status, ended.out, ended.err) == (0, "", "")


@pytest.mark.parametrize("flag", ["-v", "--verbose", "-vv"])
def test_verbose_lines(flag: str) -> None:
    body = "worker(deaf)\nhear(SIGTERM, leave=7)\nsay('ready')\nforever()"
    with Init(flag, "--grace", "300ms", "--rewrite", "INT:TERM", "--", *guest(body), "a\nb") as init:
        init.expect("ready")
        init.send(signal.SIGINT)
        lines = init.end().err.splitlines()
    assert all(line.startswith("endwell-init: ") for line in lines), lines
    text = [line.removeprefix("endwell-init: ") for line in lines]
    assert text[0].startswith("started '")
    assert "SIGINT from outside or from the kernel" in text
    assert "SIGINT becomes SIGTERM" in text
    assert "SIGTERM sent to process 2" in text
    assert "main process 2 left with 7" in text
    assert any(
        line.startswith("had to kill process 3 (") and line.endswith("it ignores SIGTERM") for line in text
    )
    assert text[-1].startswith("leaving with 7 after 0.2")


def test_a_verbose_line_is_one_line() -> None:
    for command in ("/no/such\ncommand", "x" * 5000, "\x1b[31m\x7f"):
        ended = run("-v", "--", command)
        assert ended.status in {126, 127}
        first, last = ended.err.splitlines()
        assert first.startswith("endwell-init: cannot run ")
        assert last == f"endwell-init: leaving with {ended.status}"
        assert "\x1b" not in ended.err
