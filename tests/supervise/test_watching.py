"""`endwell logs`, `top`, `events` and `attach` as people type them, against a real `endwell up`."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.supervise.commanding import (
    APART,
    ENDWELL,
    TWO,
    Project,
    end_of,
    read_until,
    service,
    surroundings,
)
from tests.supervise.upping import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Project]:
    with Project(tmp_path, TWO) as project:
        project.wait_for("web-1 | up web", "web-2 | up web", "db    | up db")
        yield project


# ---------------------------------------------------------------------------------------------------- logs


def test_logs(two: Project) -> None:
    lines = two.said("logs").splitlines()
    assert sorted(lines) == sorted(
        ["web-1  | up web", "web-2  | up web", "db     | started", "db     | oops", "db     | up db"]
    )
    done = two.endwell("logs", "db")
    assert (done.returncode, done.stdout, done.stderr) == (0, "started\nup db\n", "oops\n")
    assert two.said("logs", "--no-log-prefix", "web") == "up web\nup web\n"
    assert two.said("logs", "--tail", "1", "web-1") == "up web\n"
    assert two.said("logs", "-n", "0", "db") == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z up web\n", two.said("logs", "-t", "-n1", "web-1"))
    assert two.said("logs", "--since", "0s", "db") == ""
    found = [json.loads(line) for line in two.said("logs", "--json", "db").splitlines()]
    assert {(one["label"], one["stream"], one["text"]) for one in found} >= {("db", "stderr", "oops")}


@pytest.mark.parametrize("words", [["-n", "some"], ["--since", "yesterday"], ["-n", "-1"]])
def test_words_of_logs_that_make_no_sense(words: list[str], tmp_path: Path) -> None:
    command = [*ENDWELL, "logs", f"--socket={tmp_path}/s", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("endwell logs: ")


def test_logs_go_on_until_ctrl_c(two: Project) -> None:
    following = two.begin("logs", "-f", "web")
    read_until(following, b"web-2  | up web\n")
    two.said("kill", "-s", "HUP", "web-2")
    read_until(following, b"web-2  | hup\n")
    assert end_of(following, signal.SIGINT) == (130, b"", b"")


def test_logs_end_with_the_supervisor(two: Project) -> None:
    following = two.begin("logs", "-f", "web-1")
    read_until(following, b"up web\n")
    two.stop()
    assert end_of(following) == (0, b"bye\n", b"")


def test_a_reader_that_has_seen_enough(two: Project) -> None:
    following = two.begin("logs", "-f", "web-1")
    read_until(following, b"up web\n")
    assert following.stdout is not None
    following.stdout.close()
    two.said("kill", "-s", "HUP", "web-1")
    two.said("kill", "-s", "HUP", "web-1")
    assert following.wait(PATIENCE) == 0
    assert following.stderr is not None
    assert following.stderr.read() == b""


# ------------------------------------------------------------------------------------------- top and events


def test_top(two: Project) -> None:
    lines = two.said("top").splitlines()
    assert lines[0].split() == ["NAME", "PID", "PPID", "USER", "S", "%CPU", "TIME", "RSS", "COMMAND"]
    assert [line.split()[:2] for line in lines[1:]] == [
        [label, str(two.row(label)["pid"])] for label in ("web-1", "web-2", "db")
    ]
    found = two.json("top", "db")["processes"]
    assert [(one["label"], one["ppid"]) for one in found] == [("db", two.process.pid)]
    assert found[0]["rss"] > 0


def test_events(two: Project) -> None:
    watching = two.begin("events")
    assert watching.stdout is not None
    # It says nothing by itself, so that nobody knows from when on it hears.
    until = time.monotonic() + PATIENCE
    while not select.select([watching.stdout], [], [], 0)[0]:
        assert time.monotonic() < until
        two.said("stop", "db")
        two.said("start", "db")
    two.said("stop", "db")
    seen = read_until(watching, b" db STOPPING -> STOPPED").decode()
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z db [A-Z]+ -> [A-Z]+", line) for line in seen.splitlines())
    assert end_of(watching, signal.SIGINT) == (130, b"", b"")


def test_events_as_json_to_the_end(two: Project) -> None:
    watching = two.begin("events", "--json")
    assert watching.stdout is not None
    until = time.monotonic() + PATIENCE
    while not select.select([watching.stdout], [], [], 0)[0]:
        assert time.monotonic() < until
        two.said("stop", "db")
        two.said("start", "db")
    two.stop()
    status, out, err = end_of(watching)
    assert (status, err) == (0, b"")
    found = [json.loads(line) for line in out.decode().splitlines()]
    assert {"stopping", "state"} <= {one["event"] for one in found}


# -------------------------------------------------------------------------------------------------- attach

ECHO = (
    "echo ready; while read line; do "
    'case $line in end*) echo bad >&2; exit 4;; *) echo "got $line";; esac; done'
)


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Project]:
    with Project(tmp_path, service("echo", ECHO, "stdin-open = true", APART)) as project:
        project.wait_for("echo | ready")
        yield project


def test_attach_passes_on_what_is_typed_and_ends_with_the_process(echo: Project) -> None:
    attached = echo.begin("attach", "echo")
    assert attached.stdin is not None
    attached.stdin.write("one\nz\u00fcrich \udcff\n".encode(errors="surrogateescape"))
    attached.stdin.flush()
    read_until(attached, "got z\u00fcrich \udcff\n".encode(errors="surrogateescape"))
    attached.stdin.write(b"end\n")
    attached.stdin.flush()
    assert end_of(attached) == (4, b"", b"bad\n")


def test_a_service_that_reads_late_loses_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    text = "".join(f"line {number}\n" for number in range(200_000))
    late = f"echo up; read line < gate; head -c {len(text)} | tail -n 1; exit 5"
    with Project(tmp_path, service("late", late, "stdin-open = true")) as project:
        project.wait_for("late | up")
        attached = project.begin("attach", "late")
        assert attached.stdin is not None
        writing = threading.Thread(target=attached.stdin.write, args=(text.encode(),))
        writing.start()
        # It waits for somebody who reads by now, or has been told to wait: whichever it is, it goes on later.
        (tmp_path / "gate").write_text("go\n")
        read_until(attached, b"line 199999\n")
        writing.join(PATIENCE)
        assert attached.wait(PATIENCE) == 5


def test_ctrl_c_leaves_the_service_running(echo: Project) -> None:
    attached = echo.begin("attach", "echo")
    assert attached.stdin is not None
    attached.stdin.write(b"one\n")
    attached.stdin.flush()
    read_until(attached, b"got one\n")
    assert end_of(attached, signal.SIGINT) == (130, b"", b"")
    assert echo.row("echo")["state"] == "RUNNING"
    assert echo.endwell("attach", "echo", stdin="two\nend\n").returncode == 4


def test_signals_are_passed_on_where_that_is_wanted(two: Project) -> None:
    attached = two.begin("attach", "--sig-proxy", "--no-stdin", "db")
    until = time.monotonic() + PATIENCE
    assert attached.stdout is not None
    while not select.select([attached.stdout], [], [], 0)[0]:  # it says nothing before it is attached
        assert time.monotonic() < until
        two.said("kill", "-s", "HUP", "db")
    assert end_of(attached, signal.SIGTERM)[0] == 0
    two.wait_for("db    | bye")


def test_attach_to_what_does_not_run(two: Project) -> None:
    done = two.endwell("attach", "task")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("endwell attach: ")
