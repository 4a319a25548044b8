"""The end of several services, with real processes: order, time, everybody who is left, the account."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from endwell.system.tree import children_of
from tests.supervise.upping import DEAF, STOP, WAIT, Up, end_of, held_until_the_end, program

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_everybody_who_ends_by_himself_makes_status_0(tmp_path: Path, number: int) -> None:
    with Up(tmp_path, program("one", STOP) + program("two", STOP)) as up:
        up.wait_for("up one", "up two")
        assert up.stop(number) == 0
        assert up.out.count("bye") == 2
        assert up.report["exit"] == 0
        assert up.report["stop"]["reason"] == signal.Signals(number).name
        assert "2 of 2 services ended by themselves" in up.err[-1]


def test_who_is_needed_is_started_first_and_told_last(tmp_path: Path) -> None:
    db = program("db", STOP, "endwell_ready=log:^up db$")
    with Up(tmp_path, program("app", STOP, "endwell_after=db:ready") + db) as up:
        up.wait_for("app is running", "up app")
        assert up.out == ["up db", "up app"]
        assert up.stop() == 0
        assert up.service("db")["told"] >= up.service("app")["ended"]


def test_the_lower_priority_is_told_last_and_does_not_pay_for_one_who_is_deaf(tmp_path: Path) -> None:
    text = program("web", DEAF, "priority=2", "stopwaitsecs=1") + program("db", STOP, "priority=1")
    with Up(tmp_path, text) as up:
        up.wait_for("up web", "up db", "web is running", "db is running")
        assert up.stop() == 124
        assert any(line.startswith("endwell: web had to be killed") for line in up.err)
        db = up.service("db")
        assert db["told"] >= 0.5  # the part of web's second that the grace has room for
        assert db["killed"] is None
        assert up.out[-1] == "bye"


def test_who_is_deaf_is_killed_at_his_time_and_no_sooner(tmp_path: Path) -> None:
    with Up(tmp_path, program("deaf", DEAF, "stopwaitsecs=1") + program("web", STOP)) as up:
        up.wait_for("up deaf", "up web")
        assert up.stop() == 124
        deaf, web = up.service("deaf"), up.service("web")
        assert deaf["killed"] >= 1.0
        assert deaf["end"] == {"kind": "signal", "signal": "SIGKILL"}
        assert web["killed"] is None
        assert web["ended"] < deaf["killed"]
        assert any(line.startswith("endwell: deaf had to be killed") for line in up.err)


def test_the_account_has_the_names_that_supervisorctl_has(tmp_path: Path) -> None:
    name = "process_name=%(program_name)s_%(process_num)02d"
    two = program("web", STOP, "numprocs=2", name) + program("db", STOP)
    with Up(tmp_path, two) as up:
        up.wait_for("up web_00", "up web_01", "up db")
        assert up.stop() == 0
    labels = {"db", "web:web_00", "web:web_01"}
    assert {row["label"] for row in up.report["services"]} == labels
    told = {line.split()[1] for line in up.err if " told SIGTERM at " in line}
    assert told == labels


def test_the_grace_cuts_the_time_of_each(tmp_path: Path) -> None:
    with Up(tmp_path, program("deaf", DEAF, "stopwaitsecs=60"), "--grace", "1s") as up:
        up.wait_for("up deaf")
        assert up.stop() == 124
        assert up.report["grace"]["given"] == 1.0
        assert up.service("deaf")["killed"] < 60  # how punctual it is depends on the machine


def test_the_second_signal_does_not_wait_for_the_order_and_the_third_kills(tmp_path: Path) -> None:
    needed = program("needed", DEAF, "stopwaitsecs=60")
    with Up(
        tmp_path, needed + program("deaf", DEAF, "endwell_after=needed", "stopwaitsecs=60"), "--grace", "5m"
    ) as up:
        up.wait_for("up deaf", "up needed")
        # Signals of one number that come together are one; of different numbers they are not.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            up.process.send_signal(number)
        assert up.wait() == 124
        assert up.report["grace"]["used"] < 30


def test_the_second_signal_kills_when_all_were_told_by_the_first(tmp_path: Path) -> None:
    with Up(tmp_path, program("deaf", DEAF, "stopwaitsecs=60"), "--grace", "5m") as up:
        up.wait_for("up deaf")
        for number in (signal.SIGTERM, signal.SIGINT):
            up.process.send_signal(number)
        assert up.wait() == 124
        assert any(f"{signal.Signals(number).name} again: " in line for number in (2, 15) for line in up.err)
        assert up.report["grace"]["used"] < 30


def test_grandchildren_in_sessions_of_their_own_are_told_and_killed(tmp_path: Path) -> None:
    held = held_until_the_end(tmp_path / "held")
    deep = f"exec 9>{tmp_path}/held; setsid sh {tmp_path}/deep & wait"
    (tmp_path / "deep").write_text("trap '' TERM; echo deep; exec sleep 1000")
    with Up(tmp_path, program("parent", deep, "stopwaitsecs=1")) as up:
        up.wait_for("deep", "parent is running")
        assert up.stop() == 124
        assert up.service("parent")["killed"] >= 1.0
    assert end_of(held) == b""


def test_who_ended_in_time_is_not_said_to_be_killed_but_those_it_left_behind_are(tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("trap '' TERM; echo deep; exec sleep 1000")
    script = f"setsid sh {tmp_path}/deep & exec sleep 1000"
    with Up(tmp_path, program("parent", script, "stopwaitsecs=1")) as up:
        up.wait_for("deep", "parent is running")
        assert up.stop() == 124
        assert up.service("parent")["end"] == {"kind": "signal", "signal": "SIGTERM"}
        line = next(line for line in up.err if line.startswith("endwell: parent told"))
        assert "; those it left behind had to be killed: SIGKILL at 1." in line
        assert not any("parent had to be killed" in line for line in up.err)


def test_an_orphan_that_obeys_needs_no_kill(tmp_path: Path) -> None:
    held = held_until_the_end(tmp_path / "held")
    # Twice forked, in a session of its own, and its parent is long gone: only its mark says whose it is.
    orphan = f"exec 9>{tmp_path}/held; (setsid sh -c 'echo orphan; exec sleep 1000' &); exec sleep 1000"
    with Up(tmp_path, program("parent", orphan, "stopwaitsecs=20")) as up:
        up.wait_for("orphan", "parent is running")
        assert up.stop() == 0
        assert up.report["grace"]["used"] < 10
        assert up.report["rest"] == []
    assert end_of(held) == b""


def test_a_daemon_whose_service_is_over_is_told_as_that_services(tmp_path: Path) -> None:
    held = held_until_the_end(tmp_path / "held")
    # In the middle of an exec nobody has a command line.
    daemon = f"exec 9>{tmp_path}/held; setsid sh -c 'exec 8<>never; echo daemon; read line <&8' & exit 0"
    with Up(tmp_path, program("start", daemon, "autorestart=false")) as up:
        up.wait_for("daemon", "start exited with 0")
        assert up.stop() == 0
        assert up.service("start")["told"] is not None
        assert up.service("start")["killed"] is None
        assert up.report["rest"] == []
    assert end_of(held) == b""


def test_what_a_dead_service_has_left_ends_before_it_is_started_again(tmp_path: Path) -> None:
    held = held_until_the_end(tmp_path / "held")
    script = f"exec 9>>{tmp_path}/held; echo start >&9; setsid sh {tmp_path}/worker & echo main $$; wait"
    (tmp_path / "worker").write_text(
        "trap 'echo worker >&9; exit' TERM; exec 8<>never; echo up; read line <&8"
    )
    with Up(tmp_path, program("master", script, "autorestart=true")) as up:
        up.wait_for("up", "master is running")
        up.wait_until(lambda: any(line.startswith("main") for line in up.out))
        main = int(next(line for line in up.out if line.startswith("main")).split()[1])
        os.kill(main, signal.SIGKILL)
        up.wait_for("master ended by SIGKILL")
        up.wait_until(lambda: up.out.count("up") >= 2)
        assert up.stop() == 0
    assert end_of(held).split()[:3] == [b"start", b"worker", b"start"]


def test_a_hook_has_its_deadline_and_holds_up_nobody_else(tmp_path: Path) -> None:
    hook = ("endwell_before_stop=sleep 1000", "endwell_hook_timeout=500ms")
    with Up(tmp_path, program("slow", STOP, *hook) + program("web", STOP), "--grace", "1m") as up:
        up.wait_for("up slow", "up web")
        assert up.stop() == 0
        assert up.service("slow")["told"] >= 0.5
        assert up.service("web")["told"] < up.service("slow")["told"]
        assert any(line.startswith("endwell: slow: before-stop hook `sleep 1000` killed") for line in up.err)


def test_hooks_that_fail_are_told(tmp_path: Path) -> None:
    hooks = ("endwell_after_start=no-such-upload", "endwell_after_stop=sh -c 'exit 3'\n  sh -c 'exit 4'")
    with Up(tmp_path, program("web", STOP, *hooks)) as up:
        up.wait_for("up web", "web: after-start hook `no-such-upload` cannot find no-such-upload")
        assert up.stop() == 0
        assert "endwell: web: after-stop hook `sh -c 'exit 3'` exited with 3" in up.err


def test_hooks_for_which_there_is_no_time_left_are_told(tmp_path: Path) -> None:
    hooks = ("endwell_before_stop=sleep 1000", "endwell_hook_timeout=1000s")
    with Up(tmp_path, program("web", STOP, *hooks), "--grace", "5s") as up:
        up.wait_for("up web")
        assert up.stop() == 0
        assert "endwell: web: before-stop hook `sleep 1000` killed before it was done" in up.err


def test_after_stop_hooks_know_how_it_ended(tmp_path: Path) -> None:
    hook = "endwell_after_stop=sh -c 'echo $ENDWELL_HOOK $ENDWELL_SERVICE $ENDWELL_STATUS'"
    with Up(tmp_path, program("web", STOP.replace("exit 0", "exit 7"), hook)) as up:
        up.wait_for("up web")
        assert up.stop() == 0
        assert up.out[-1] == "after-stop web 7"


def test_a_flood_that_nobody_reads_does_not_delay_the_stop(tmp_path: Path) -> None:
    flood = program("flood", "echo up; exec yes")
    with Up(tmp_path, flood + program("web", STOP), "--grace", "3s") as up:
        up.wait_for("flood is running", "up web")
        # From here on nobody reads until it has ended: the pipe is full long before that.
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(30) == 0
        assert up.service("flood")["killed"] is None


@pytest.mark.root
def test_as_pid_1_everybody_in_the_namespace_is_told(tmp_path: Path) -> None:
    held = held_until_the_end(tmp_path / "held")
    daemon = f"exec 9>{tmp_path}/held; (setsid sh -c 'echo daemon; exec sleep 1000' &); exec sleep 1000"
    inside = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    alone = ("--no-init", "--exit-code-from", "web")
    with Up(tmp_path, program("web", daemon), *alone, prefix=inside) as up:
        up.wait_for("daemon", "web is running, pid 2")
        (first,) = children_of(up.process.pid)
        os.kill(first, signal.SIGTERM)
        assert up.wait() == 128 + signal.SIGTERM
    assert end_of(held) == b""


@pytest.mark.root
def test_as_pid_1_who_was_brought_in_from_outside_is_told_too(tmp_path: Path) -> None:
    inside = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    with Up(tmp_path, program("web", STOP), "--no-init", prefix=inside) as up:
        up.wait_for("up web")
        (first,) = children_of(up.process.pid)
        # As docker exec does: its parent is not in the namespace.
        wait = f"exec 8<>{tmp_path}/never; echo in; read line <&8"
        enter = ["nsenter", f"--pid=/proc/{first}/ns/pid", "sh", "-c", wait]
        with subprocess.Popen(enter, stdout=subprocess.PIPE) as guest:
            assert guest.stdout is not None
            assert guest.stdout.readline() == b"in\n"
            os.kill(first, signal.SIGTERM)
            assert up.wait() == 0
            assert guest.wait() == -signal.SIGTERM
        assert ["echo in" in row["command"] for row in up.report["rest"]] == [True]
        assert [row["killed"] for row in up.report["rest"]] == [False]


def test_who_has_stopped_goes_on_to_do_what_he_was_told(tmp_path: Path) -> None:
    script = f"trap 'echo bye; exit 0' TERM; {WAIT}"
    with Up(tmp_path, program("one", script)) as up:
        up.wait_for("up one", "one is running")
        pid = int(next(line for line in up.err if "is running" in line).rsplit(" ", 1)[1])
        pidfd = os.pidfd_open(pid)
        signal.pidfd_send_signal(pidfd, signal.SIGSTOP)
        up.wait_until_stopped(pid)
        assert up.stop() == 0
        os.close(pidfd)
    assert "bye" in up.out


def test_one_whose_start_meets_a_mistake_of_ours_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "import sys\n"
        "from endwell.cli.main import main\n"
        "from endwell.supervise.workshop import Workshop\n"
        "real = Workshop.start\n"
        "def start(self, spec, **words):\n"
        "    if spec.name == 'one':\n"
        "        raise IndexError('on purpose')\n"
        "    return real(self, spec, **words)\n"
        "Workshop.start = start\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    text = program("one", STOP, "startretries=0") + program("two", STOP)
    with Up(tmp_path, text, endwell=(sys.executable, str(tmp_path / "broken.py"))) as up:
        up.wait_for("one is given up: a mistake of endwell's own", "up two")
        assert up.stop() == 0
        assert up.report["grace"]["used"] < 5
