"""Who has outlived a service's process: not a running service, but ended in its turn."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.supervise.test_reload import service
from tests.supervise.upping import STOP, WAIT, Up

if TYPE_CHECKING:
    from pathlib import Path

# As `service nginx start` does: a daemon is left in a session of its own, and the command ends well.
DAEMON = f"trap 'echo daemon bye; exit 0' TERM; echo daemon up >started; {WAIT}"
STARTS = f'mkfifo started; setsid sh -c "{DAEMON}" & read line <started; echo $line'


def test_it_does_not_count_as_running_and_is_told_in_its_services_turn(tmp_path: Path) -> None:
    # What two have written to pipes comes in no order; what they write to a file does.
    text = (
        service("db", STOP.replace("echo bye", "echo bye >>order"))
        + service("nginx", STARTS.replace("echo daemon bye", "echo daemon bye >>order"), 'after = ["db"]')
        + service("late", "echo late", 'after = ["nginx:completed"]')
    )
    with Up(tmp_path, text, name="endwell.toml") as up:
        up.wait_for("late  | late", "db    | up db")
        assert up.stop() == 0
        assert (tmp_path / "order").read_text() == "daemon bye\nbye\n"
        assert up.service("nginx")["end"] == {"kind": "exit", "code": 0}
        assert up.report["rest"] == []


def test_one_that_does_not_listen_is_killed_and_named(tmp_path: Path) -> None:
    deaf = STARTS.replace("trap 'echo daemon bye; exit 0' TERM", "trap '' TERM")
    with Up(tmp_path, service("nginx", deaf, 'stop-timeout = "200ms"'), name="endwell.toml") as up:
        up.wait_for("nginx | daemon up", "nginx exited with 0")
        assert up.stop() == 124
        assert any("those it left behind had to be killed" in line for line in up.err)


def test_any_exit_ends_the_container_but_for_those_that_are_to_complete(tmp_path: Path) -> None:
    text = (
        'exit-when = "any-exits"\n'
        + service("migrate", "echo migrated")
        + service("web", STOP, 'after = ["migrate:completed"]')
        + service("job", "exec 7<>gate; read line <&7", 'after = ["web"]')
    )
    os.mkfifo(tmp_path / "gate")
    with Up(tmp_path, text, name="endwell.toml") as up:
        up.wait_for("web     | up web", "job is running")
        with (tmp_path / "gate").open("w") as gate:
            gate.write("go\n")
        assert up.wait() == 0
        assert any("stopping: job has exited" in line for line in up.err)


def test_one_that_never_gets_ready_fails_with_1(tmp_path: Path) -> None:
    text = 'exit-when = "any-fails"\n' + service(
        "web", WAIT, 'ready = { test = "fd:5", timeout = "100ms" }', "start = { retries = 0 }"
    )
    with Up(tmp_path, text, name="endwell.toml") as up:
        assert up.wait() == 1
