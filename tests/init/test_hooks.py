"""Hooks: when they run, what they know, and that none of them keeps the container."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.init.support import Init, Place, everywhere, guest, shell

if TYPE_CHECKING:
    from pathlib import Path

INT, TERM, USR1 = signal.SIGINT, signal.SIGTERM, signal.SIGUSR1
MAIN: Final = guest("hear(SIGTERM, leave=7)\nsay('ready')\nforever()")
DEAF: Final = guest("worker(deaf)\nsignal(SIGTERM, SIG_IGN)\nsay('ready')\nforever()")
BEHIND: Final = "worker(polite)\n"
SAYS: Final = "echo hook remaining=$ENDWELL_REMAINING signal=$ENDWELL_SIGNAL status=$ENDWELL_STATUS"


def reported(*words: str, stops: int = 1, **given: object) -> tuple[int, list[str], dict[str, Any], str]:
    """Run it, stop it that often when it is ready; its status, lines, report and complaints."""
    with Init("--report", "-", *words, **given) as init:
        if stops:
            init.expect("ready")
            init.send(*[TERM] * stops)
        ended = init.end()
    *lines, last = ended.out.splitlines()
    return ended.status, lines, json.loads(last), ended.err


def hooks(report: dict[str, Any]) -> dict[str, tuple[object, bool]]:
    """How each hook that ran ended, and whether it overran."""
    return {hook["name"]: (hook["end"], hook["overran"]) for hook in report["hooks"]}


def left_with(code: int) -> dict[str, object]:
    """The end of a process that left."""
    return {"kind": "exit", "code": code}


@everywhere
def test_the_order(place: Place) -> None:
    body = BEHIND + "hear(SIGTERM, leave=7)\nsay('ready')\nforever()"
    words = ("--grace", "5s", "--before-stop", "echo before", "--after-exit", "echo after")
    status, lines, report, _ = reported(*words, "--", *guest(body), place=place)
    assert (status, lines) == (7, ["ready", "before", "SIGTERM", "worker SIGTERM", "after"])
    assert hooks(report) == {"before-stop": (left_with(0), False), "after-exit": (left_with(0), False)}
    assert [phase["name"] for phase in report["phases"]] == ["drain", "main", "rest", "after-exit"]


def fields(line: str) -> dict[str, str]:
    """The fields of a line of SAYS."""
    return dict(word.partition("=")[::2] for word in line.split()[1:])


def test_what_hooks_know() -> None:
    words = ("--grace", "10s", "--rewrite", "INT:TERM", "--before-stop", SAYS, "--after-exit", SAYS)
    with Init(
        *words, "--", *MAIN, environment={"ENDWELL_STATUS": "stale", "ENDWELL_SIGNAL": "stale"}
    ) as init:
        init.expect("ready")
        init.send(INT)
        ended = init.end()
    before, after = (fields(line) for line in ended.out.splitlines() if line.startswith("hook"))
    assert (before["signal"], before["status"]) == ("SIGINT", "")
    assert (after["signal"], after["status"]) == ("SIGINT", "7")
    assert 2.0 < float(before["remaining"]) <= 2.5
    assert 2.0 < float(after["remaining"]) <= 2.5


def test_what_hooks_know_when_main_was_killed_by_itself() -> None:
    with Init("--after-exit", SAYS, "--hook-timeout", "5s", "--", *shell("kill -9 $$")) as init:
        ended = init.end()
    assert ended.status == 137
    after = fields(ended.out)
    assert (after["signal"], after["status"]) == ("", "137")
    assert 4.0 < float(after["remaining"]) <= 5.0


def test_the_environment_of_hooks_is_the_command_s() -> None:
    with Init("--after-exit", "env", "--", "env", environment={"A": "b\nc", "ENDWELL_GRACE": "5s"}) as init:
        ended = init.end()
    assert ended.out.count("A=b\nc\n") == 2
    assert ended.out.count("ENDWELL_GRACE=5s\n") == 2
    assert ended.out.count("PATH=") == 2
    assert ended.out.count("ENDWELL_REMAINING=") == 1


def test_hooks_run_where_the_init_was_started(tmp_path: Path) -> None:
    status, lines, *_ = reported(
        "--before-stop", "pwd", "--after-exit", "pwd", "--", *MAIN, directory=tmp_path
    )
    assert (status, lines) == (7, ["ready", str(tmp_path), "SIGTERM", str(tmp_path)])


def test_hooks_have_the_standard_descriptors_and_no_others() -> None:
    status, lines, *_ = reported("--before-stop", "ls -x /proc/self/fd; echo heard >&2", "--", *MAIN)
    assert status == 7
    assert lines[1].split() == ["0", "1", "2", "3"], "3 is the folder that ls reads"


@pytest.mark.parametrize(
    ("command", "end"),
    [
        ("exit 5", left_with(5)),
        ("kill -USR1 $$", {"kind": "signal", "signal": "SIGUSR1"}),
        ("/no/such/hook", left_with(127)),
        ("no-such-hook", left_with(127)),
        ("/etc/passwd", left_with(126)),
        ("/", left_with(126)),
        ("false", left_with(1)),
    ],
)
def test_a_failing_hook_is_said_and_changes_nothing(command: str, end: dict[str, object]) -> None:
    words = ("--grace", "5s", "--before-stop", command, "--after-exit", command)
    status, lines, report, err = reported(*words, "--", *MAIN)
    assert (status, lines) == (7, ["ready", "SIGTERM"])
    assert hooks(report) == {"before-stop": (end, False), "after-exit": (end, False)}
    for name in ("before-stop hook", "after-exit hook"):
        assert any(name in line for line in err.splitlines()), err
    for line in err.splitlines():
        assert line.startswith(("endwell-init: ", "/bin/sh: "))


@everywhere
@pytest.mark.parametrize("name", ["before-stop", "after-exit"])
def test_an_overrun_is_killed_with_its_children(name: str, place: Place) -> None:
    hook = shlex.join(
        guest("worker(session=False, body=deaf)\nsay('hook')\nsignal(SIGTERM, SIG_IGN)\nforever()")
    )
    words = ("--grace", "5s", "--hook-timeout", "100ms", f"--{name}", hook, "-v")
    with Init("--report", "fd:2", *words, "--", *MAIN, place=place) as init:
        init.expect("ready")
        init.send(TERM)
        ended = init.end()  # all output has ended: nobody of the hook's lives
    report = json.loads(ended.err.splitlines()[-1])
    assert ended.status == 7
    assert hooks(report) == {name: ({"kind": "signal", "signal": "SIGKILL"}, True)}
    assert report["grace"]["used"] < 2
    assert report["killed"] == [], "hooks are not of the tree, and were never told"
    assert f"{name} hook was killed" in ended.err


@everywhere
def test_a_hook_that_leaves_a_daemon_does_not_keep_the_container(place: Place) -> None:
    hook = shlex.join(guest("worker(deaf)\nsay('hook')"))
    status, lines, report, _ = reported("--grace", "1s", "--after-exit", hook, "--", *MAIN, place=place)
    assert (status, lines) == (7, ["ready", "SIGTERM", "hook"])
    assert hooks(report) == {"after-exit": (left_with(0), False)}
    assert [entry["why"] for entry in report["killed"]] == ["was left behind by a hook"]


@everywhere
def test_a_daemon_of_the_first_hook_is_told_like_everybody(place: Place) -> None:
    hook = shlex.join(
        guest("worker(lambda: (hear(SIGTERM, name='daemon', leave=0), up(), forever()))\nsay('hook')")
    )
    status, lines, report, _ = reported("--grace", "5s", "--before-stop", hook, "--", *MAIN, place=place)
    assert (status, lines) == (7, ["ready", "hook", "SIGTERM", "daemon SIGTERM"])
    assert report["killed"] == []


def test_a_hook_needs_no_shell() -> None:
    # as in an image without one: nothing is mounted where /bin/sh would be looked for
    def prepare() -> None:
        from tests.init.namespaces import mount  # noqa: PLC0415 - in the process that becomes the init

        mount("/dev/null", "/bin/sh", None, 4096)  # MS_BIND

    with Init("--after-exit", "id", "--", "true", prepare=prepare) as init:
        ended = init.end()
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("uid=")


@everywhere
def test_the_last_hook_runs_when_everybody_is_gone(place: Place) -> None:
    hook = "set -- /proc/[0-9]*; echo $#"
    body = BEHIND + "hear(SIGTERM, leave=7)\nsay('ready')\nforever()"
    status, lines, *_ = reported("--grace", "5s", "--after-exit", hook, "--", *guest(body), place=place)
    above = 1 if place is Place.BELOW else 0
    assert status == 7
    assert int(lines[-1]) == above + 2, "the init and the hook"


@everywhere
def test_the_last_hook_runs_in_the_grace_though_all_were_deaf(place: Place) -> None:
    words = ("--grace", "2s", "--hook-timeout", "1s", "--after-exit", "echo uploaded")
    status, lines, report, _ = reported(*words, "--", *DEAF, place=place)
    assert (status, lines) == (137, ["ready", "uploaded"])
    assert report["grace"]["used"] < 2.0
    assert len(report["killed"]) == 2
    kill = next(phase for phase in report["phases"] if phase["name"] == "kill")
    assert 0.8 <= kill["at"] < 1.8, "2 s, less 0.2 of margin and 1 of the hook"


@pytest.mark.parametrize("grace", [(), ("--grace", "5s"), ("--grace", "none")])
def test_the_hook_takes_no_time_from_those_left_behind_by_main(grace: tuple[str, ...]) -> None:
    body = "worker(polite)\nsay('ready')\nos._exit(3)"
    status, lines, report, _ = reported(*grace, "--after-exit", "echo after", "--", *guest(body), stops=0)
    assert (status, lines) == (3, ["ready", "worker SIGTERM", "after"])
    assert report["killed"] == []


def test_a_stop_during_the_last_hook_of_a_main_that_left() -> None:
    hook = shlex.join(guest("hear(SIGTERM, name='hook')\nhear(SIGUSR1, leave=0)\nsay('hook')\nforever()"))
    with Init(
        "--grace", "9s", "--hook-timeout", "500ms", "--report", "-", "--after-exit", hook, "--", "true"
    ) as init:
        init.expect("hook")
        init.send(TERM)  # the first one: the hook has its time
        ended = init.end()
    report = json.loads(ended.out.splitlines()[-1])
    assert "hook SIGTERM" not in ended.out
    assert hooks(report) == {"after-exit": ({"kind": "signal", "signal": "SIGKILL"}, True)}
    assert 0.5 <= report["grace"]["used"] < 8.0


def test_a_second_signal_ends_the_last_hook() -> None:
    hook = shlex.join(guest("say('hook')\nforever()"))
    with Init("--report", "-", "--after-exit", hook, "--", *MAIN) as init:
        init.expect("ready")
        init.send(TERM)
        init.expect("hook")
        init.send(TERM)
        ended = init.end()
    assert ended.status == 7
    assert json.loads(ended.out.splitlines()[-1])["grace"]["used"] < 5


def test_main_hears_nothing_while_the_first_hook_runs() -> None:
    hook = shlex.join(guest("import sys\nsay('hook')\nos.kill(1, SIGUSR1)\nos.read(0, 1)"))
    body = "hear(SIGUSR1, name='main')\nhear(SIGTERM, leave=7)\nsay('ready')\nforever()"
    status, lines, *_ = reported("--grace", "20s", "--before-stop", hook, "--", *guest(body))
    assert status == 7
    assert lines[:2] == ["ready", "hook"]
    assert "main SIGUSR1" in lines, "other signals go on being forwarded"
    assert lines.index("main SIGUSR1") < lines.index("SIGTERM")


def test_the_drain_and_the_first_hook_run_at_once() -> None:
    words = ("--grace", "10s", "--drain", "1s", "--before-stop", "sleep 1")
    _, _, report, _ = reported(*words, "--", *MAIN)
    drain = next(phase for phase in report["phases"] if phase["name"] == "drain")
    assert 1.0 <= drain["took"] < 2.0


def test_no_hook_runs_when_the_command_cannot_be_started() -> None:
    with Init("--before-stop", "echo no", "--after-exit", "echo no", "--", "/no/such") as init:
        ended = init.end()
    assert (ended.status, ended.out) == (127, "")


# ----------------------------------------------------------------------- a main process that is a supervisor

LEFT: Final = "worker(polite)\nsay('ready')\nos.kill(os.getpid(), 9)"
"""It is killed, and its worker is not."""


@everywhere
def test_the_heir_comes_before_the_others_are_told(place: Place) -> None:
    heir = "echo heir signal=$ENDWELL_SIGNAL status=$ENDWELL_STATUS"
    words = ("--grace", "5s", "--after-main", heir, "--after-exit", "echo after")
    status, lines, report, _ = reported(*words, "--", *guest(LEFT), stops=0, place=place)
    assert status == 137
    assert lines == ["ready", "heir signal= status=137", "worker SIGTERM", "after"]
    assert hooks(report)["after-main"] == (left_with(0), False)
    assert [phase["name"] for phase in report["phases"]] == ["after-main", "rest", "after-exit"]


@everywhere
def test_the_heir_finds_the_orphans_beside_itself(place: Place) -> None:
    heir = "exec " + shlex.join(
        guest(
            "import signal\n"
            "for one in open(f'/proc/{os.getppid()}/task/{os.getppid()}/children').read().split():\n"
            "    if int(one) != os.getpid():\n"
            "        os.kill(int(one), signal.SIGUSR1)\n"
            "say('heir')"
        )
    )
    worker = "(signal(SIGTERM, SIG_IGN), hear(SIGUSR1, name='worker', leave=0), up(), forever())"
    body = f"worker(lambda: {worker})\n" + LEFT.partition("\n")[2]
    words = ("--grace", "20s", "--after-main", heir)
    status, lines, report, _ = reported(*words, "--", *guest(body), stops=0, place=place)
    assert status == 137
    assert sorted(lines) == ["heir", "ready", "worker SIGUSR1"]
    assert report["killed"] == []


@everywhere
def test_no_heir_is_needed_where_nobody_is_left(place: Place) -> None:
    status, lines, report, _ = reported(
        "--after-main", "echo heir", "--", *guest("say('ready')\nos._exit(3)"), stops=0, place=place
    )
    assert (status, lines, hooks(report)) == (3, ["ready"], {})


@everywhere
def test_the_heir_stands_in_during_the_stop_too(place: Place) -> None:
    body = "worker(polite)\nhear(SIGTERM, name='main')\nhear(SIGUSR1, leave=9)\nsay('ready')\nforever()"
    with Init(
        *("--grace", "20s", "--after-main", "echo heir $ENDWELL_SIGNAL $ENDWELL_STATUS"),
        "--",
        *guest(body),
        place=place,
    ) as init:
        init.expect("ready")
        init.send(TERM)
        init.expect("main SIGTERM")
        init.send(USR1)
        ended = init.end()
    assert ended.status == 9
    assert ended.out.splitlines()[-2:] == ["heir SIGTERM 9", "worker SIGTERM"]


def test_the_heir_has_the_time_that_the_main_process_had() -> None:
    words = ("--grace", "20s", "--main-timeout", "12s", "--after-main", "echo heir $ENDWELL_REMAINING")
    _, lines, *_ = reported(*words, "--", *guest(LEFT), stops=0)
    (line,) = (line for line in lines if line.startswith("heir"))
    assert 0 < float(line.split()[1]) <= 12


def test_an_heir_that_overruns_is_killed_and_the_others_are_told() -> None:
    heir = shlex.join(guest("signal(SIGTERM, SIG_IGN)\nsay('heir')\nforever()"))
    words = ("--grace", "2s", "--main-timeout", "300ms", "--after-main", heir)
    status, lines, report, err = reported(*words, "--", *guest(LEFT), stops=0)
    assert (status, lines) == (137, ["ready", "heir", "worker SIGTERM"])
    assert hooks(report) == {"after-main": ({"kind": "signal", "signal": "SIGKILL"}, True)}
    assert "after-main hook was killed" in err


@pytest.mark.parametrize("heir", ["/no/such/heir", "exit 5"])
def test_an_heir_that_fails_is_said_and_the_others_are_told(heir: str) -> None:
    status, lines, _, err = reported("--grace", "5s", "--after-main", heir, "--", *guest(LEFT), stops=0)
    assert (status, lines) == (137, ["ready", "worker SIGTERM"])
    assert "after-main hook failed" in err


@everywhere
def test_with_an_heir_further_signals_are_for_the_main_process_alone(place: Place) -> None:
    body = "worker(polite)\nhear(SIGTERM, name='main')\nhear(SIGUSR1, leave=0)\nsay('ready')\nforever()"
    with Init("--grace", "60s", "--after-main", "true", "--", *guest(body), place=place) as init:
        init.expect("ready")
        for _ in range(3):
            init.send(TERM)
            init.expect("main SIGTERM")
        assert "worker SIGTERM" not in init.lines
        init.send(USR1)
        ended = init.end()
    assert ended.status == 0
    assert ended.out.splitlines()[-1] == "worker SIGTERM"


def test_a_second_stop_signal_is_for_the_heir() -> None:
    heir = "exec " + shlex.join(guest("hear(SIGTERM, SIGINT, name='heir', leave=0)\nsay('heir')\nforever()"))
    with Init("--grace", "60s", "--after-main", heir, "--", *guest(LEFT)) as init:
        init.expect("ready", "heir")
        init.send(TERM)
        init.send(INT)
        ended = init.end()
    assert ended.status == 137
    # The kernel gives the lower number first, so either one may have been the stop.
    assert ended.out.splitlines()[-2] in {"heir SIGINT", "heir SIGTERM"}
    assert ended.out.splitlines()[-1] == "worker SIGTERM"


def test_the_main_process_leaves_word_for_its_heir(tmp_path: Path) -> None:
    memory = os.memfd_create("word")

    def prepare() -> None:
        os.dup2(memory, 3)

    body = "worker(polite)\nos.write(3, b'word of main')\nsay('ready')\nos.kill(os.getpid(), 9)"
    with Init(
        *(
            "--grace",
            "5s",
            "--report",
            str(tmp_path / "report"),
            "--after-main",
            "cat /proc/self/fd/3; ls -x /proc/self/fd",
        ),
        *("--", *guest(body)),
        prepare=prepare,
        keep=(memory,),
    ) as init:
        ended = init.end()
    os.close(memory)
    assert "word of main" in ended.out
    descriptors = next(line for line in ended.out.splitlines() if line.startswith(("0", "word of main0")))
    assert descriptors.removeprefix("word of main").split() == ["0", "1", "2", "3", "4"], (
        "4 is the folder that ls reads"
    )


def test_without_an_heir_nothing_is_kept_open() -> None:
    reading, writing = os.pipe()

    def prepare() -> None:
        os.dup2(writing, 3)

    with Init("--", *guest("os.closerange(3, 1000)\nsay('ready')\nforever()"), prepare=prepare) as init:
        init.expect("ready")
        os.close(writing)
        assert select.select([reading], [], [], 10)[0], "the init still has it"
        assert os.read(reading, 1) == b""
    os.close(reading)
