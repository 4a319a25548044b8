"""A changed file: what is the same in both goes on, and a file that cannot be used changes nothing."""

from __future__ import annotations

import json
import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.supervise.upping import STOP, WAIT, Up, program

if TYPE_CHECKING:
    from pathlib import Path

TOML = "endwell.toml"


def service(name: str, script: str = STOP, *lines: str, environment: str = "") -> str:
    """Write the table of a shell script, which says its own name."""
    words = json.dumps(["sh", "-c", script.replace("$", "$$")])
    variables = f'environment = {{ SUPERVISOR_PROCESS_NAME = "{name}"{environment} }}'
    return "\n".join([f"[services.{name}]", f"command = {words}", variables, *lines, ""])


def pids(up: Up, name: str) -> list[int]:
    """Return the processes that a service has had."""
    found = (re.fullmatch(rf"endwell: {name} is running, pid (\d+)", line) for line in up.err)
    return [int(match[1]) for match in found if match]


def reload(up: Up, text: str, answer: str) -> None:
    """Apply a file, and wait until it is said to be applied."""
    line = f"endwell: {answer}"
    before = up.err.count(line)
    up.write(text)
    up.process.send_signal(signal.SIGHUP)
    up.wait_until(lambda: up.err.count(line) > before)


def test_what_is_the_same_goes_on_and_the_rest_is_as_the_file_says(tmp_path: Path) -> None:
    first = service("same") + service("other") + service("gone")
    second = service("new") + service("other", STOP, "nice = 1") + service("same")
    second += service("late", STOP, "autostart = false")
    with Up(tmp_path, first, name=TOML) as up:
        up.wait_for("same is running", "other is running", "gone is running")
        up.wait_until(lambda: len(up.out) == 3)
        reload(up, second, "reloaded: added: new, late; changed: other; removed: gone")
        up.wait_until(lambda: len(pids(up, "other")) == 2)
        up.wait_for("new is running")
        up.wait_until(lambda: sum("up" in line for line in up.out) == 5)
        assert up.stop() == 0
        assert len(pids(up, "same")) == 1
        told = {row["service"] for row in up.report["services"]}
        assert told == {"same", "other", "new"}
        assert sum("bye" in line for line in up.out) == 5


def test_what_matters_later_only_is_applied_without_a_restart(tmp_path: Path) -> None:
    deaf = f"trap '' TERM; {WAIT}"
    with Up(tmp_path, service("deaf", deaf, 'stop-timeout = "9s"'), name=TOML) as up:
        up.wait_for("deaf | up deaf")
        mild = service("deaf", deaf, 'stop-signal = "KILL"', 'stop-timeout = "1s"')
        reload(up, '[stop]\ngrace = "30s"\n' + mild, "reloaded: adjusted without a restart: deaf")
        assert up.stop() == 0
        assert up.report["grace"]["given"] == 30
        assert up.service("deaf")["signal"] == "SIGKILL"


def test_replicas_that_stay_are_left_alone_and_know_their_number(tmp_path: Path) -> None:
    said = f"echo number $ENDWELL_REPLICA; {STOP}"
    with Up(tmp_path, service("web", said, "replicas = 2"), name=TOML) as up:
        up.wait_for("web-1 | number 1", "web-2 | number 2")
        up.wait_until(lambda: sum("up web" in line for line in up.out) == 2)
        reload(up, service("web", said, "replicas = 3"), "reloaded: changed: web")
        up.wait_for("web-3 | number 3")
        up.wait_until(lambda: sum("up web" in line for line in up.out) == 3)
        reload(up, service("web", said), "reloaded: changed: web")
        assert up.stop() == 0
        assert up.out.count("web-1 | bye") == up.out.count("web-3 | bye") == 1
        assert len(pids(up, "web-1")) == 1
        assert [row["replica"] for row in up.report["services"]] == [1]


def test_a_stop_that_does_not_fit_any_more_is_told(tmp_path: Path) -> None:
    with Up(tmp_path, service("web"), name=TOML) as up:
        up.wait_for("web | up web")
        reload(up, service("web", STOP, 'stop-timeout = "40s"'), "reloaded: adjusted without a restart: web")
        up.wait_for("SIGHUP: warning: the stop does not fit: at the worst it takes 40s, ")
        assert up.stop() == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[services.same\n", "endwell.toml:1: "),
        (service("same", STOP, 'after = ["b"]') + service("b", STOP, 'after = ["same"]'), "endwell.toml:4: "),
        (service("same", STOP, 'comand = "x"'), "endwell.toml:4: "),
        (service("other"), "--exit-code-from names 'same', which is no service"),
        (None, "cannot read the file: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing(tmp_path: Path, text: str | None, why: str) -> None:
    with Up(tmp_path, service("same"), "--exit-code-from", "same", name=TOML) as up:
        up.wait_for("same | up same", "same is running")
        if text is None:
            up.path.unlink()
            text = ""
        else:
            up.write(text)
        up.process.send_signal(signal.SIGHUP)
        up.wait_for("SIGHUP: cannot use")
        assert any(why in line for line in up.err), up.err
        assert "nothing was changed" in up.err[-1]
        reload(up, service("same"), "reloaded: nothing has changed")
        assert up.stop() == 0
        assert pids(up, "same") == pids(up, "same")[:1]


def test_a_reload_while_one_is_under_way_takes_its_place(tmp_path: Path) -> None:
    slow = f"trap 'echo told; read line < gate; exit 0' TERM; {WAIT}"
    os.mkfifo(tmp_path / "gate")
    with Up(tmp_path, service("slow", slow) + service("b"), name=TOML) as up:
        up.wait_for("slow | up slow", "b    | up b")
        up.write(service("slow", slow, "nice = 1") + service("b", STOP, "nice = 1"))
        up.process.send_signal(signal.SIGHUP)
        up.wait_for("slow | told", "b    | bye")
        up.path.unlink()
        os.mkfifo(up.path)
        up.process.send_signal(signal.SIGHUP)
        up.write(service("slow", slow) + service("c"))  # it is read when this has returned
        with (tmp_path / "gate").open("w") as gate:
            gate.write("go\n")
        up.wait_for("c is running")
        up.wait_until(lambda: len(pids(up, "slow")) == 2)
        assert sum("endwell: reloaded" in line for line in up.err) == 2
        up.wait_until(lambda: up.out.count("slow | up slow") == 2)
        up.process.send_signal(signal.SIGTERM)
        up.wait_until(lambda: up.out.count("slow | told") == 2)
        with (tmp_path / "gate").open("w") as gate:
            gate.write("go\n")
        assert up.wait() == 0
        assert len(pids(up, "b")) == 1


def test_the_end_comes_first(tmp_path: Path) -> None:
    deaf = "trap 'echo told' TERM; exec 8<>never; echo up; while :; do read line <&8; done"
    with Up(tmp_path, service("deaf", deaf), "--grace", "3s", name=TOML) as up:
        up.wait_for("deaf | up")
        up.write(service("new"))
        up.process.send_signal(signal.SIGHUP)
        up.wait_for("deaf | told")
        assert up.stop() == 124
        assert not pids(up, "new")
        assert not any("SIGHUP" in line or "reloaded" in line for line in up.err)


# ------------------------------------------------------------------------------------- supervisord.conf


def test_a_supervisord_conf_is_stopped_and_started_anew(tmp_path: Path) -> None:
    text = program("same", STOP) + program("gone", STOP) + program("late", STOP, "autostart=false")
    with Up(tmp_path, text) as up:
        up.wait_for("up same", "up gone")
        answer = "reloaded: everything was stopped and started anew; added: new; removed: gone, late"
        reload(up, program("same", STOP) + program("new", STOP), answer)
        up.wait_until(lambda: up.out.count("up same") == 2 and "up new" in up.out)
        assert up.out.count("bye") == 2
        up.wait_until(lambda: len(set(pids(up, "same"))) == 2)
        assert up.stop() == 0
        assert up.out.count("bye") == 4


def test_a_supervisord_conf_that_cannot_be_used_stops_nobody(tmp_path: Path) -> None:
    with Up(tmp_path, program("same", STOP)) as up:
        up.wait_for("up same")
        up.write(program("same", STOP, "startsecs=soon"))
        up.process.send_signal(signal.SIGHUP)
        up.wait_for("SIGHUP: cannot use")
        assert any("supervisord.conf:" in line and "startsecs" in line for line in up.err)
        assert up.stop() == 0
        assert (up.out.count("up same"), up.out.count("bye")) == (1, 1)


def test_a_procfile_is_applied_as_our_own_format_is(tmp_path: Path) -> None:
    line = "{}: trap 'echo bye; exit 0' TERM; exec 8<>never; echo up {}; read line <&8\n"
    with Up(tmp_path, line.format("a", "a") + line.format("b", "b"), name="Procfile") as up:
        up.wait_for("a | up a", "b | up b")
        reload(up, line.format("a", "a") + line.format("c", "c"), "reloaded: added: c; removed: b")
        up.wait_for("c is running")
        up.wait_until(lambda: any("up c" in one for one in up.out))
        assert up.stop() == 0
        assert len(pids(up, "a")) == 1
