"""What clients can ask for, of a supervisor that runs."""

from __future__ import annotations

import json
import os
import socket
import stat
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from endwell import __version__
from tests.supervise.controlling import Controlled, Talk
from tests.supervise.upping import DEAF, STOP, WAIT, Up, program

if TYPE_CHECKING:
    from collections.abc import Iterator

TWO = program("web", STOP, "numprocs=2", "process_name=web_%(process_num)d") + program("db", STOP)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Controlled]:
    with Controlled(tmp_path, TWO) as up:
        up.wait_for("up web_0", "up web_1", "up db")
        yield up


def test_version(two: Controlled) -> None:
    with two.talk() as talk:
        assert talk.ask("version") == {"endwell": __version__, "protocol": 1, "state": "RUNNING"}


def test_ps_says_what_there_is_to_know(two: Controlled) -> None:
    with two.talk() as talk:
        answer = talk.ask("ps")
        assert talk.ask("ps", services=["all"])["services"] == answer["services"]
        assert list(talk.rows("web")) == ["web:web_0", "web:web_1"]
        assert list(talk.rows("web:web_1", "db", "web-2")) == ["db", "web:web_1"]
    project = answer["project"]
    assert (project["kind"], project["state"], project["grace"]) == ("supervisord", "RUNNING", 10.0)
    assert (project["pid"], project["identifier"]) == (two.process.pid, "supervisor")
    db, first, second = answer["services"]
    assert [row["label"] for row in (db, first, second)] == ["db", "web:web_0", "web:web_1"]
    assert (second["service"], second["replica"], second["replicas"]) == ("web", 2, 2)
    assert (second["group"], second["process"]) == ("web", "web_1")
    assert (db["state"], db["code"], db["ready"], db["healthy"]) == ("RUNNING", 20, True, None)
    assert Path(f"/proc/{db['pid']}/comm").read_text() == "sh\n"
    assert 0 < project["started"] <= db["started"]
    assert (db["stopped"], db["status"], db["why"], db["stdout"]) == (0, None, "", None)
    assert (db["command"][0], db["stop_signal"], db["user"]) == ("sh", "SIGTERM", None)


def test_times_of_one_instant_are_always_the_same(two: Controlled) -> None:
    with two.talk() as talk:
        seen = {talk.rows("db")["db"]["started"] for _ in range(20)}
    assert len(seen) == 1


def test_stop_and_start_wait_until_it_is_so(two: Controlled) -> None:
    with two.talk() as talk:
        before = talk.rows("db")["db"]
        assert talk.results("start", "db") == {"db": "already-started"}
        assert talk.results("stop", "db") == {"db": ""}
        row = talk.rows("db")["db"]
        assert (row["state"], row["pid"], row["status"]) == ("STOPPED", 0, 0)
        assert row["stopped"] >= row["started"] == before["started"]
        assert talk.results("stop", "db") == {"db": "not-running"}
        assert talk.results("start", "db") == {"db": ""}
        after = talk.rows("db")["db"]
        assert after["state"] == "RUNNING"
        assert after["started"] > before["started"]
    two.wait_for("bye")


def test_results_are_in_the_files_order_whatever_was_asked(two: Controlled) -> None:
    with two.talk() as talk:
        assert list(talk.results("stop", "web-2", "db", "web-1", "web")) == ["db", "web:web_0", "web:web_1"]


def test_restart_is_one_replica_after_the_other(two: Controlled) -> None:
    with two.talk() as talk:
        before = talk.rows("web")
        events = two.talk()
        listening = events.send("events")
        events.send("version")
        assert events.read()["id"] == listening + 1
        assert talk.results("restart", "web") == {"web:web_0": "", "web:web_1": ""}
        after = talk.rows("web")
        assert all(after[label]["pid"] != before[label]["pid"] for label in before)
        seen = [line["more"] for line in islice(events.lines(), 9)]
        events.socket.close()
    steps = [(one["label"], one["to"]) for one in seen if one["event"] == "state"]
    states = ["STOPPING", "STOPPED", "STARTING", "RUNNING"]
    assert steps == [(label, state) for label in ("web:web_0", "web:web_1") for state in states]
    assert [one["event"] for one in seen][-1] == "rolling-done"


def test_restart_starts_who_does_not_run(two: Controlled) -> None:
    with two.talk() as talk:
        talk.results("stop", "db")
        assert talk.results("restart", "db") == {"db": ""}
        assert talk.rows("db")["db"]["state"] == "RUNNING"


@pytest.mark.parametrize(
    ("section", "kind", "message"),
    [
        ("command=/nowhere/at-all", "no-file", "cannot find /nowhere/at-all"),
        ("command=/etc/passwd", "not-executable", "cannot execute /etc/passwd"),
        ("command=sh -c 'exit 3'\nstartsecs=1", "spawn-error", "Exited too quickly"),
    ],
)
def test_start_says_why_not(tmp_path: Path, section: str, kind: str, message: str) -> None:
    text = f"[program:bad]\n{section}\nautostart=false\n" + program("web", STOP)
    with Controlled(tmp_path, text) as up:
        up.wait_for("up web")
        with up.talk() as talk:
            (result,) = talk.ask("start", services=["bad"])["results"]
    assert (result["ok"], result["kind"]) == (False, kind)
    assert message in result["message"]


@pytest.mark.parametrize(("left", "kind"), [("gone", "no-file"), ("mode", "not-executable")])
def test_a_process_of_supervisords_whose_program_is_away_is_left_as_it_is(
    tmp_path: Path, left: str, kind: str
) -> None:
    name = tmp_path / "name"
    name.write_text(f"#!/bin/sh\n{STOP}\n")
    name.chmod(0o755)
    web = (
        f"[program:web]\ncommand={name}\nstartsecs=0\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n"
    )
    with Controlled(tmp_path, web + program("db", STOP, "autostart=false")) as up:
        up.wait_for("web is running", "up web")  # so its shell has read the file
        if left == "gone":
            name.unlink()
        else:
            name.chmod(0o644)
        with up.talk() as talk:
            for state in ("RUNNING", "STOPPED"):
                first = "" if state == "RUNNING" else "already-started"
                assert talk.results("start", "all") == {"db": first, "web": kind}
                row = talk.rows("web")["web"]
                assert (row["state"], row["spawn_error"]) == (state, "")
                talk.results("stop", "web")


def test_start_of_who_waits_in_vain_is_refused(tmp_path: Path) -> None:
    text = program("web", STOP, "endwell_after=db:completed", "autostart=false")
    with Controlled(tmp_path, text + program("db", "exit 1", "autorestart=false")) as up:
        up.wait_for("db exited with 1")
        with up.talk() as talk:
            (result,) = talk.ask("start", services=["web"])["results"]
            assert (result["ok"], result["kind"]) == (False, "refused")
            assert "db" in result["message"]
            assert "db" in talk.rows("web")["web"]["waiting"]


def test_a_start_that_waits_for_another_ends_when_somebody_stops_it(tmp_path: Path) -> None:
    text = program("web", STOP, "endwell_after=db:ready", "autostart=false")
    text += program("db", STOP, "endwell_ready=file:/never/there")
    with Controlled(tmp_path, text) as up:
        up.wait_for("up db")
        with up.talk() as one, up.talk() as other:
            number = one.send("start", services=["web"])
            one.ask("version")  # the start is under way
            assert other.results("stop", "web") == {"web": ""}
            _, last = one.answer(number)
    assert [result["kind"] for result in last["ok"]["results"]] == ["abnormal-termination"]


def test_without_wait_the_answer_comes_before_it_is_so(tmp_path: Path) -> None:
    with Controlled(tmp_path, program("web", DEAF, "stopwaitsecs=60")) as up:
        up.wait_for("up web")
        with up.talk() as talk:
            assert talk.results("stop", "web", wait=False) == {"web": ""}
            assert talk.rows("web")["web"]["state"] == "STOPPING"
            number = talk.send("stop", services=["web"])
            assert talk.results("kill", "web", signal="KILL") == {"web": ""}
            _, last = talk.answer(number)
            assert [one["kind"] for one in last["ok"]["results"]] == ["not-running"]


def test_kill_sends_a_signal_to_the_process_alone(tmp_path: Path) -> None:
    with Controlled(tmp_path, program("web", f"trap 'echo hup' HUP; exec 8<>never; echo up; {LOOP}")) as up:
        up.wait_for("up")
        with up.talk() as talk:
            assert talk.results("kill", "web", signal="SIGHUP") == {"web": ""}
            up.wait_for("hup")
            assert talk.refused("kill", services=["web"], signal="BAD")[0] == "bad-signal"
            talk.results("stop", "web")
            assert talk.results("kill", "web", signal="HUP") == {"web": "not-running"}


LOOP = "while :; do read line <&8; done"


def test_shutdown_is_answered_at_once(tmp_path: Path) -> None:
    with Controlled(tmp_path, program("web", STOP)) as up:
        up.wait_for("up web")
        with up.talk() as talk:
            assert talk.ask("shutdown") == {}
        assert up.wait() == 0
        assert "a client asked for it" in up.err[-1]
        assert not Path(up.place).exists()


def test_who_waits_hears_when_the_end_comes(tmp_path: Path) -> None:
    text = program("web", STOP, "endwell_ready=file:/never/there", "autostart=false") + program("db", STOP)
    with Controlled(tmp_path, text) as up:
        up.wait_for("up db")
        with up.talk() as talk, up.talk() as events:
            watching = events.send("events")
            starting = talk.send("start", services=["web"])
            talk.ask("version")
            up.wait_for("up web")
            up.process.terminate()
            _, last = talk.answer(starting)
            assert [one["kind"] for one in last["ok"]["results"]] == ["stopping"]
            told, over = events.answer(watching)
        assert "ok" in over
        assert [one["event"] for one in told if one["event"] != "state"] == ["stopping", "over"]
        assert up.wait() == 0


def test_nobody_is_started_any_more_at_the_end(tmp_path: Path) -> None:
    with Controlled(tmp_path, program("web", DEAF), settings="endwell_grace=60") as up:
        up.wait_for("up web")
        with up.talk() as talk:
            talk.ask("shutdown")
            assert talk.refused("start", services=["web"])[0] == "stopping"
            assert talk.ask("ps")["project"]["state"] == "STOPPING"
            assert talk.results("kill", "web", signal="KILL") == {"web": ""}
        assert up.wait() == 0


def test_events_are_told_until_they_are_cancelled(two: Controlled) -> None:
    with two.talk() as talk:
        watching = talk.send("events")
        talk.results("stop", "db")
        assert talk.ask("version")
        talk.socket.sendall(json.dumps({"do": "cancel", "of": watching}).encode() + b"\n")
        talk.send("ps")
    with two.talk() as talk:
        watching = talk.send("events")
        starting = talk.send("start", services=["db"])
        seen = []
        for line in talk.lines():
            if line["id"] == watching:
                seen.append(line["more"])
            elif line["id"] == starting:
                break
        talk.socket.sendall(json.dumps({"id": 77, "do": "cancel", "of": watching}).encode() + b"\n")
        _, last = talk.answer(watching)
        assert last["error"]["kind"] == "cancelled"
        assert talk.answer(77)[1]["ok"] == {}
    changes = [(one["label"], one["from"], one["to"]) for one in seen]
    assert changes == [("db", "STOPPED", "STARTING"), ("db", "STARTING", "RUNNING")]
    assert seen[1]["pid"] > 0
    assert seen[1]["ready"] is True
    assert seen[1]["time"] >= seen[0]["time"]


def test_top_shows_the_whole_tree(tmp_path: Path) -> None:
    with Controlled(tmp_path, program("web", f"setsid sh -c '{WAIT.replace('up', 'child')}' & {STOP}")) as up:
        up.wait_for("up web", "child web")
        with up.talk() as talk:
            rows = talk.ask("top")["processes"]
            main = talk.rows("web")["web"]["pid"]
    assert [row["label"] for row in rows] == ["web", "web"]
    assert [row["pid"] == main for row in rows] == [True, False]
    assert rows[1]["ppid"] == main
    assert rows[0]["rss"] > 0
    assert rows[0]["state"] in "SR"
    assert rows[0]["command"].startswith("sh -c")
    assert rows[0]["user"] == "root" or os.geteuid()


def test_config_is_in_supervisords_words(two: Controlled) -> None:
    with two.talk() as talk:
        programs = {one["name"]: one for one in talk.ask("config")["programs"]}
    assert list(programs) == ["db", "web_0", "web_1"]
    assert programs["web_1"]["group"] == "web"
    assert programs["web_1"]["stdout_logfile"] == "/dev/stdout"
    assert programs["web_1"]["stderr_logfile"] is None
    assert (programs["db"]["autorestart"], programs["db"]["inuse"]) == ("auto", True)


def test_another_format_has_no_config(tmp_path: Path) -> None:
    text = f'[services.web]\ncommand = ["sh", "-c", {json.dumps(STOP.replace("$", "$$"))}]\n'
    with Controlled(tmp_path, text, name="endwell.toml") as up:
        up.wait_for("web is running")
        with up.talk() as talk:
            assert talk.ask("config") == {"programs": []}
            assert talk.ask("ps")["project"]["kind"] == "toml"
            assert talk.rows("web")["web"]["process"] == "web"


@pytest.mark.parametrize(
    ("request_", "kind", "message"),
    [
        ({"do": "fly"}, "unknown-request", "cannot do 'fly'"),
        ({"do": "stop"}, "bad-arguments", "name a service, or `all`"),
        ({"do": "stop", "services": "web"}, "bad-arguments", "services has to be a list of texts, not 'web'"),
        ({"do": "stop", "services": [1]}, "bad-arguments", "a list of texts"),
        ({"do": "stop", "service": ["web"]}, "bad-arguments", "stop has no argument 'service'"),
        ({"do": "stop", "services": ["wbe"]}, "no-such-service", "did you mean web?"),
        ({"do": "stop", "services": ["web"], "wait": "no"}, "bad-arguments", "wait has to be true or false"),
        ({"do": "logs", "tail": -1}, "bad-arguments", "tail has to be how many lines"),
        ({"do": "logs", "tail": True}, "bad-arguments", "tail has to be a whole number"),
        ({"do": "logs", "since": 1e999}, "bad-arguments", "since has to be a number"),
        ({"do": "logs", "since": 10**400}, "bad-arguments", "since has to be a number"),
        ({"do": "attach", "service": "web"}, "bad-arguments", "web is more than one"),
        ({"do": "attach"}, "bad-arguments", "service has to be a text, not nothing"),
        ({"do": "exec", "service": "db"}, "bad-arguments", "command has to be a list of at least one word"),
        ({"do": "exec", "service": "db", "command": ["true"]}, "bad-arguments", "3 descriptors"),
        ({"do": "signal", "of": 3, "signal": "HUP"}, "not-running", "no program of request 3"),
        ({"do": "read-log", "service": "db", "stream": "x", "offset": 0, "length": 0}, "bad-arguments", "x"),
        ({"do": "read-log", "service": "", "offset": 0, "length": 0}, "no-file", "no log file of its own"),
        ({"do": "add", "group": "nobody"}, "bad-name", "nobody"),
    ],
)
def test_what_cannot_be_done_is_answered_and_nothing_else_happens(
    two: Controlled, request_: dict[str, object], kind: str, message: str
) -> None:
    with two.talk() as talk:
        talk.socket.sendall(json.dumps({"id": 7, **request_}).encode() + b"\n")
        _, last = talk.answer(7)
        assert last["error"]["kind"] == kind
        assert message in last["error"]["message"]
        assert "\n" not in last["error"]["message"]
        assert {row["state"] for row in talk.rows().values()} == {"RUNNING"}


def test_requests_of_one_connection_are_under_way_together(two: Controlled) -> None:
    with two.talk() as talk:
        watching = talk.send("events")
        numbers = [talk.send("ps") for _ in range(50)]
        assert [talk.answer(number)[1]["id"] for number in numbers] == numbers
        talk.socket.shutdown(socket.SHUT_WR)
        _, last = talk.answer(watching)
        assert last["error"]["kind"] == "cancelled"
        assert list(talk.lines()) == []


def test_who_sends_a_line_and_nothing_more_gets_his_answer(two: Controlled) -> None:
    with two.talk() as talk:
        talk.send("ps")
        talk.socket.shutdown(socket.SHUT_WR)
        assert len(talk.read()["ok"]["services"]) == 3
        assert list(talk.lines()) == []


# ------------------------------------------------------------------------------------------------- the socket


def test_nobody_else_can_connect(two: Controlled) -> None:
    status = Path(two.place).stat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600


@pytest.mark.root
def test_another_user_is_refused_by_what_the_kernel_says(tmp_path: Path) -> None:
    name = f"@endwell-test-{os.getpid()}"
    with Up(tmp_path, program("web", STOP), "--socket", name) as up:
        up.wait_for("up web")
        pid = os.fork()
        if not pid:
            os.setresuid(65534, 65534, 65534)
            with Talk(name) as talk:
                talk.send("shutdown")
                kind = talk.read()["error"]["kind"]
                os._exit(0 if kind == "forbidden" and not list(talk.lines()) else 1)
        assert os.waitpid(pid, 0)[1] == 0
        with Talk(name) as talk:
            assert talk.rows()["web"]["state"] == "RUNNING"


def test_what_was_left_by_one_who_was_killed_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / "s"))
    with Controlled(tmp_path, program("web", STOP)) as up:
        up.wait_for("up web")
        with up.talk() as talk:
            assert talk.rows()["web"]["state"] == "RUNNING"


def test_a_place_where_somebody_listens_is_an_error_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "s"))
        other.listen()
        with Controlled(tmp_path, program("web", "echo started")) as up:
            assert up.wait() == 2
            assert up.out == []
            (line,) = up.err
    assert f"cannot listen for clients at {tmp_path}/s: somebody listens there already" in line
    assert (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("{}/" + "x" * 120, "a socket's path has at most 107 bytes"),
        ("{}/no/such/directory", "No such file or directory"),
        ("{}/file", "there is a file already that is no socket"),
    ],
)
def test_a_place_that_cannot_be_is_an_error_and_nothing_is_started(
    tmp_path: Path, place: str, why: str
) -> None:
    (tmp_path / "file").write_text("precious")
    with Up(tmp_path, program("web", "echo started"), "--socket", place.format(tmp_path)) as up:
        assert up.wait() == 2
        assert up.out == []
        assert why in up.err[0]
    assert (tmp_path / "file").read_text() == "precious"


def test_the_file_says_where_the_socket_is(tmp_path: Path) -> None:
    place = tmp_path / "of the file"
    with Up(tmp_path, program("web", STOP), settings=f"endwell_socket={place}") as up:
        up.wait_for("up web")
        with Talk(str(place)) as talk:
            assert talk.rows()["web"]["state"] == "RUNNING"


def test_without_a_place_it_is_in_the_directory_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENDWELL_SOCKET")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    # A file system of its own, in which the first of the usual places cannot be written.
    script = 'mount -t tmpfs -o ro nothing /run && exec "$@"'
    prefix = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "-")
    with Up(tmp_path, program("web", STOP), prefix=prefix) as up:
        up.wait_for("up web")
        with Talk(str(tmp_path / "endwell.sock")) as talk:
            assert talk.rows()["web"]["state"] == "RUNNING"
        # Where nobody has asked for the place, another one there is no reason not to begin.
        (tmp_path / "second").mkdir()
        with Up(tmp_path / "second", program("web", STOP), prefix=prefix) as second:
            second.wait_for("up web", f"cannot listen for clients at {tmp_path}/endwell.sock")
            assert second.stop() == 0
        with Talk(str(tmp_path / "endwell.sock")) as talk:
            assert talk.ask("ps")["project"]["pid"]
        assert up.stop() == 0
    assert not (tmp_path / "endwell.sock").exists()
