"""A changed file over the control socket: at once, and group by group as supervisord's client does it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.supervise.controlling import Controlled
from tests.supervise.test_reload import TOML, service
from tests.supervise.upping import STOP, WAIT, program

if TYPE_CHECKING:
    from pathlib import Path

DIFFERENCE = {"added": ["new"], "changed": ["other"], "removed": ["gone"]}
DAEMON = f"trap 'echo daemon bye; exit 0' TERM; echo daemon up; {WAIT}"


def test_the_steps_of_an_update(tmp_path: Path) -> None:
    first = program("same", STOP) + program("other", STOP) + program("gone", STOP)
    with Controlled(tmp_path, first) as up, up.talk() as talk:
        up.wait_for("up same", "up other", "up gone")
        before = talk.rows()
        assert talk.ask("reread") == {"added": [], "changed": [], "removed": []}
        up.write(program("same", STOP) + program("other", STOP, "stopwaitsecs=3") + program("new", STOP))
        assert talk.ask("reread") == talk.ask("reread") == DIFFERENCE
        assert list(talk.rows()) == list(before)
        for group in ("gone", "other"):
            assert talk.refused("remove", group=group)[0] == "still-running"
            assert talk.results("stop", f"{group}:*") == {group: ""}
            talk.ask("remove", group=group)
            assert talk.refused("remove", group=group)[0] == "bad-name"
        assert list(talk.rows()) == ["same"]
        for group in ("other", "new"):
            talk.ask("add", group=group)
            assert talk.refused("add", group=group)[0] == "already-added"
        up.wait_until(lambda: up.out.count("up other") == 2 and "up new" in up.out)
        after = talk.rows()
        assert set(after) == {"same", "other", "new"}
        assert after["same"]["pid"] == before["same"]["pid"]
        assert talk.ask("reread") == {"added": [], "changed": [], "removed": []}
        up.write(program("same", STOP, "startsecs=soon"))
        assert talk.refused("reread")[0] == talk.refused("reload")[0] == "configuration"
        assert talk.rows()["same"]["pid"] == before["same"]["pid"]
        assert up.stop() == 0


def test_all_at_once_by_group(tmp_path: Path) -> None:
    first = program("same", STOP) + program("other", STOP) + program("gone", STOP)
    with Controlled(tmp_path, first) as up, up.talk() as talk:
        up.wait_for("up same", "up other", "up gone")
        before = talk.rows()
        up.write(program("same", STOP) + program("other", STOP, "stopwaitsecs=3") + program("new", STOP))
        found = talk.ask("reload")
        assert found == {**DIFFERENCE, "adjusted": [], "warnings": []}
        after = talk.rows()
        assert set(after) == {"same", "other", "new"}
        assert after["same"]["pid"] == before["same"]["pid"]
        up.wait_until(lambda: up.out.count("up other") == 2 and "up new" in up.out)
        assert up.stop() == 0


def test_everything_anew(tmp_path: Path) -> None:
    with Controlled(tmp_path, program("same", STOP)) as up, up.talk() as talk:
        up.wait_for("up same")
        before = talk.rows()
        talk.ask("restart-all")
        up.wait_until(lambda: up.out.count("up same") == 2)
        assert talk.rows()["same"]["pid"] != before["same"]["pid"]
        assert up.stop() == 0


def test_what_is_asked_for_while_it_is_under_way(tmp_path: Path) -> None:
    slow = f"trap 'echo told; read line < gate; exit 0' TERM; {WAIT}"
    os.mkfifo(tmp_path / "gate")
    with Controlled(tmp_path, service("slow", slow), name=TOML) as up, up.talk() as talk:
        up.wait_for("slow | up slow")
        up.write(service("slow", STOP) + service("late", STOP, "autostart = false"))
        reload = talk.send("reload")
        up.wait_for("slow | told")
        start = talk.send("start", services=["slow"])
        assert talk.refused("start", services=["late"])[0] == "no-such-service"
        with (tmp_path / "gate").open("w") as gate:
            gate.write("go\n")
        last = {value["id"]: value for value in (talk.read(), talk.read())}
        assert last[reload]["ok"]["added"] == ["late"]
        assert last[start]["ok"]["results"][0]["ok"]
        assert up.stop() == 0


@pytest.mark.parametrize("how", ["stop", "remove"])
def test_what_a_service_has_left_behind_ends_with_it(tmp_path: Path, how: str) -> None:
    leaves = f'setsid sh -c "{DAEMON}" & exit 0'
    text = program("leaves", leaves, "autorestart=false") + program("same", STOP)
    with Controlled(tmp_path, text) as up, up.talk() as talk:
        up.wait_for("daemon up", "leaves exited with 0", "up same")
        assert talk.rows()["leaves"]["state"] == "EXITED"
        if how == "stop":
            assert talk.results("stop", "leaves") == {"leaves": ""}
        else:
            talk.ask("remove", group="leaves")
        up.wait_for("daemon bye")
        assert up.stop() == 0
