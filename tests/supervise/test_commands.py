"""`endwell ps`, `start`, `stop`, ... as people type them, against a real `endwell up`."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from endwell.system.listening import Listening
from tests.supervise.commanding import ENDWELL, TWO, Project, end_of, service, surroundings
from tests.supervise.upping import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Project]:
    with Project(tmp_path, TWO) as project:
        project.wait_for("web-1 | up web", "web-2 | up web", "db    | up db")
        yield project


# ------------------------------------------------------------------------------------------------------ ps


def test_ps(two: Project) -> None:
    lines = two.said("ps").splitlines()
    assert re.split(r"  +", lines[0]) == ["NAME", "STATUS", "PID", "RESTARTS", "COMMAND"]
    assert [line.split()[0] for line in lines[1:]] == ["web-1", "web-2", "db", "task", "later"]
    assert re.match(r"web-1 +Up (less than a second|\d+ seconds?) +\d+ +0 +sh -c 'trap", lines[1])
    assert re.match(r"task +Not started +- +0 +sh -c 'echo done; exit 3' task$", lines[4])
    assert two.said("ps", "-a").count("\n") == two.said("ps").count("\n")
    assert two.said("ps", "-q", "web") == "web-1\nweb-2\n"
    assert two.said("ps", "-q", "web-2", "db").splitlines() == ["web-2", "db"]
    found = two.json("ps", "web-2")
    assert found["schema"] == "endwell.ps/1"
    assert found["project"]["pid"] == two.process.pid
    assert [(row["service"], row["replica"], row["state"]) for row in found["services"]] == [
        ("web", 2, "RUNNING")
    ]


def test_a_service_that_does_not_exist(two: Project) -> None:
    for words in (
        ["ps", "wbe"],
        ["stop", "wbe"],
        ["logs", "wbe"],
        ["exec", "wbe", "true"],
        ["attach", "wbe"],
    ):
        done = two.endwell(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"endwell {words[0]}: ")
        assert "wbe" in done.stderr
        assert done.stderr.count("\n") == 1


def test_no_supervisor(tmp_path: Path) -> None:
    place = str(tmp_path / "s")
    done = subprocess.run(
        [*ENDWELL, "ps"],
        capture_output=True,
        text=True,
        check=False,
        env=surroundings({"ENDWELL_SOCKET": place}),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"endwell ps: cannot reach a supervisor at {place}: there is nothing; "
        f"start one with `endwell up --socket {place}`\n"
    )


def test_what_answers_is_no_supervisor(tmp_path: Path) -> None:
    listening = Listening(str(tmp_path / "s"))
    process = subprocess.Popen(
        [*ENDWELL, "ps", "--socket", listening.place],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=surroundings(),
    )
    try:
        assert select.select([listening], [], [], PATIENCE)[0]
        connection = listening.accept()
        assert connection is not None
        connection.send(b"220 mail.example.org ESMTP\n")
        status, out, err = end_of(process)
        connection.close()
    finally:
        listening.close()
    assert (status, out) == (1, b"")
    assert err.startswith(b"endwell ps: what answers there is no supervisor: cannot read the line")


# ------------------------------------------------------------------------------- start, stop, restart, kill


def test_stop_and_start(two: Project) -> None:
    before = two.row("web-1")["pid"]
    assert two.said("stop", "web", "db") == "web-1\nweb-2\ndb\n"
    two.wait_for("web-1 | bye", "web-2 | bye", "db    | bye")
    assert [line.split()[1:3] for line in two.said("ps", "web", "db").splitlines()[1:]] == [
        ["Stopped", "(0)"]
    ] * 3
    assert two.said("stop", "db") == "db\n"  # as docker: it is stopped
    assert two.said("start", "web", "--no-wait") == "web-1\nweb-2\n"
    assert two.said("start", "web-1") == "web-1\n"
    assert two.row("web-1")["pid"] not in {0, None, before}
    assert two.row("db")["state"] == "STOPPED"


def test_who_had_to_be_killed_is_named_when_one_is_stopped_by_hand(tmp_path: Path) -> None:
    deaf = "trap '' TERM; exec 8<>never; echo up; read line <&8"
    left = f'setsid sh -c "{deaf}" & exec 8<>never; read line <&8'
    two = service("deaf", deaf, "stop-timeout = '100ms'") + service("left", left, "stop-timeout = '100ms'")
    with Project(tmp_path, two) as project:
        project.wait_for("deaf | up", "left | up")
        done = project.endwell("stop", "all")
        assert (done.returncode, done.stdout) == (0, "deaf\nleft\n")
        first, second = done.stderr.splitlines()
        forced = r" had to be killed: told SIGTERM, did not leave, SIGKILL after \d+\.\d s"
        assert re.fullmatch(f"endwell stop: deaf{forced}", first)
        assert re.fullmatch(f"endwell stop: left has left others behind that{forced}", second)
        project.wait_for(*(line.removeprefix("endwell stop: ") for line in (first, second)))
        assert project.said("start", "deaf") == "deaf\n"
        done = project.endwell("restart", "deaf")
        assert (done.returncode, done.stdout) == (0, "deaf\n")
        assert re.fullmatch(f"endwell restart: deaf{forced}\n", done.stderr)
        project.wait_until(lambda: sum("deaf had to be killed" in line for line in project.err) == 2)
        project.stop()
    # The end of all tells it once, in the account.
    told = [line for line in project.err if "deaf had to be killed" in line]
    assert len(told) == 3
    assert "SIGKILL at " in told[2]


def test_results_as_json(two: Project) -> None:
    found = two.json("stop", "db")
    assert found["schema"] == "endwell.stop/1"
    assert [(one["label"], one["ok"]) for one in found["results"]] == [("db", True)]
    assert two.json("stop", "db")["results"][0]["kind"] == "not-running"


def test_restart(two: Project) -> None:
    before = {label: two.row(label)["pid"] for label in ("web-1", "web-2", "db")}
    assert two.said("restart", "web").splitlines() == ["web-1", "web-2"]
    after = {label: two.row(label)["pid"] for label in before}
    assert {label for label in before if before[label] != after[label]} == {"web-1", "web-2"}


def test_kill(two: Project) -> None:
    assert two.said("kill", "-s", "HUP", "web-2") == "web-2\n"
    two.wait_for("web-2 | hup")
    done = two.endwell("kill", "web-1", "task")
    assert (done.returncode, done.stdout) == (1, "web-1\n")
    assert done.stderr.startswith("endwell kill: task: ")
    two.wait_until(lambda: two.row("web-1")["state"] == "EXITED")
    done = two.endwell("kill", "-s", "HUPP", "web")
    assert done.returncode == 2
    assert done.stderr.startswith("endwell kill: 'HUPP' is not a signal: ")


def test_ctrl_c_while_it_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    slow = (
        "trap 'echo told; read x < gate; exit 0' TERM; exec 8<>never; echo up; while :; do read x <&8; done"
    )
    with Project(tmp_path, service("slow", slow)) as project:
        project.wait_for("slow | up")
        stopping = project.begin("stop", "slow")
        project.wait_for("slow | told")
        said = b"endwell stop: interrupted: what was asked for goes on\n"
        assert end_of(stopping, signal.SIGINT) == (130, b"", said)
        assert project.row("slow")["state"] == "STOPPING"
        (tmp_path / "gate").write_text("go\n")
        assert project.said("stop", "slow") == "slow\n"
        assert project.row("slow")["state"] == "STOPPED"


def test_what_does_not_start(two: Project) -> None:
    done = two.endwell("start", "later")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("endwell start: later: ")
    assert re.search(r"later +Waiting for task", two.said("ps", "later"))


# -------------------------------------------------------------------------------------------------- reload


def test_reload(two: Project) -> None:
    before = two.row("web-1")["pid"]
    two.toml.write_text(TWO.replace("echo started", "echo started again") + service("new"))
    assert two.said("reload") == "added new\nchanged db\n"
    two.wait_for("new   | up new", "db    | started again")
    assert two.row("web-1")["pid"] == before
    assert two.said("reload") == "nothing has changed\n"
    two.toml.write_text(TWO + "x\n[services.y]\n")
    done = two.endwell("reload")
    assert (done.returncode, done.stdout) == (1, "")
    assert all(line.startswith("endwell reload: ") for line in done.stderr.splitlines())
    assert "endwell.toml:" in done.stderr
    assert two.said("ps", "-q", "new") == "new\n"
    two.toml.write_text(TWO)
    found = two.json("reload")
    assert (found["schema"], found["removed"], found["changed"]) == ("endwell.reload/1", ["new"], ["db"])
