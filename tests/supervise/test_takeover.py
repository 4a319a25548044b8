"""The supervisor is killed, and its services are stopped all the same: in order, each once, nobody left."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from endwell.system.tree import children_of
from tests.soak.takeover import play
from tests.supervise.under_init import NAMESPACE, below, command
from tests.supervise.upping import DEAF, STOP, WAIT, Up, end_of, held_until_the_end, program

if TYPE_CHECKING:
    from pathlib import Path

ENDED = "the supervisor was ended by SIGKILL"
# Says each signal, and ends when somebody writes a line.
COUNTING = "trap 'echo told' TERM; exec 8<>word; echo up; while ! read line <&8; do :; done; echo bye"


class Below(Up):
    """A supervisor below an init that is not PID 1."""

    def __init__(self, directory: Path, text: str, *arguments: str) -> None:
        super().__init__(directory, text, "--init", *arguments, endwell=command())
        os.mkfifo(directory / "word")
        self.directory = directory

    @property
    def init(self) -> int:
        return self.process.pid

    def kill_supervisor(self) -> None:
        os.kill(below(self.init), signal.SIGKILL)

    def word(self) -> None:
        """Let a COUNTING guest end."""
        with (self.directory / "word").open("w") as word:
            word.write("\n")


class AsFirst(Below):
    """A supervisor below an init that is PID 1."""

    def __init__(self, directory: Path, text: str, *arguments: str) -> None:
        Up.__init__(self, directory, text, *arguments, prefix=NAMESPACE, endwell=command())
        os.mkfifo(directory / "word")
        self.directory = directory

    @property
    def init(self) -> int:
        return below(self.process.pid)


everywhere = pytest.mark.parametrize(
    "kind", [pytest.param(AsFirst, marks=pytest.mark.root, id="PID 1"), pytest.param(Below, id="below")]
)


@everywhere
def test_those_who_need_others_are_told_before_them(tmp_path: Path, kind: type[Below]) -> None:
    app = program("app", STOP.replace("bye", "bye app"), "endwell_after=db")
    with kind(tmp_path, program("db", STOP.replace("bye", "bye db")) + app) as up:
        up.wait_for("up app", "up db", "app is running")
        up.kill_supervisor()
        assert up.wait() == 128 + signal.SIGKILL
        assert up.out[-2:] == ["bye app", "bye db"]
        assert f"endwell: {ENDED}: services that are there, stopped in their order: 2" in up.err
        assert "2 of 2 services ended by themselves" in up.err[-1]
        assert up.report["exit"] == 137
        assert up.report["stop"]["reason"] == ENDED
        assert up.service("app")["ended"] <= up.service("db")["told"]


@everywhere
def test_those_of_a_higher_priority_are_told_before_the_lower_ones(tmp_path: Path, kind: type[Below]) -> None:
    names = ("db", "app", "web")
    text = "".join(program(name, STOP, f"priority={at}") for at, name in enumerate(names))
    with kind(tmp_path, text) as up:
        up.wait_for(*(f"up {name}" for name in names), *(f"{name} is running" for name in names))
        up.kill_supervisor()
        assert up.wait() == 128 + signal.SIGKILL
        assert up.service("web")["ended"] <= up.service("app")["told"]
        assert up.service("app")["ended"] <= up.service("db")["told"]


@everywhere
def test_each_is_told_by_its_own_signal_and_nobody_hears_another(tmp_path: Path, kind: type[Below]) -> None:
    script = f"trap 'echo term' TERM; trap 'echo quit; exit 0' QUIT; {WAIT}"
    with kind(tmp_path, program("web", script, "stopsignal=QUIT")) as up:
        up.wait_for("up web", "web is running")
        up.kill_supervisor()
        up.wait()
        assert up.out == ["up web", "quit"]


@everywhere
def test_who_is_deaf_is_killed_at_his_time(tmp_path: Path, kind: type[Below]) -> None:
    held = held_until_the_end(tmp_path / "held")
    deaf = program("deaf", f"exec 9>{tmp_path}/held; {DEAF}", "stopwaitsecs=1")
    with kind(tmp_path, deaf + program("web", STOP)) as up:
        up.wait_for("up deaf", "up web", "web is running", "deaf is running")
        up.kill_supervisor()
        assert up.wait() == 128 + signal.SIGKILL
        (line,) = (line for line in up.err if "had to be killed" in line)
        assert line.startswith("endwell: deaf had to be killed: told SIGTERM at 0.")
        assert float(line.rpartition("SIGKILL at ")[2].split()[0]) >= 1.0
    assert end_of(held) == b""


@everywhere
def test_grandchildren_in_sessions_of_their_own_are_told_and_killed(
    tmp_path: Path, kind: type[Below]
) -> None:
    held = held_until_the_end(tmp_path / "held")
    (tmp_path / "polite").write_text(
        "trap 'echo polite bye; exit' TERM; exec 8<>never; echo polite; read x <&8"
    )
    (tmp_path / "deaf").write_text("trap '' TERM; echo deaf; exec sleep 1000")
    parent = f"exec 9>{tmp_path}/held; setsid sh polite & (setsid sh deaf &); exec sleep 1000"
    with kind(tmp_path, program("parent", parent, "stopwaitsecs=1")) as up:
        up.wait_for("polite", "deaf", "parent is running")
        up.kill_supervisor()
        assert up.wait() == 128 + signal.SIGKILL
        assert up.out.count("polite bye") == 1
    assert end_of(held) == b""


@everywhere
def test_who_was_told_already_is_not_told_again(tmp_path: Path, kind: type[Below]) -> None:
    with kind(tmp_path, program("slow", COUNTING, "stopwaitsecs=60"), "--grace", "2m") as up:
        up.wait_for("up", "slow is running")
        os.kill(up.init, signal.SIGTERM)
        up.wait_for("told")
        up.kill_supervisor()
        up.wait_for(f"{ENDED}: services that are there, stopped in their order: 1")
        up.word()
        assert up.wait() == 128 + signal.SIGKILL
        assert up.out == ["up", "told", "bye"]


@everywhere
def test_the_order_goes_on_where_it_was(tmp_path: Path, kind: type[Below]) -> None:
    first = program("first", COUNTING, "stopwaitsecs=60", "endwell_after=second")
    second = program("second", STOP, "endwell_after=third")
    with kind(tmp_path, first + second + program("third", STOP), "--grace", "3m") as up:
        up.wait_for("up", "first is running")
        os.kill(up.init, signal.SIGTERM)
        up.wait_for("told")
        up.kill_supervisor()
        up.wait_for(f"{ENDED}: services that are there, stopped in their order: 3")
        assert "bye" not in up.out
        up.word()
        assert up.wait() == 128 + signal.SIGKILL
        assert up.out[-3:] == ["bye", "bye", "bye"]
        ended = [line.split()[1] for line in up.err if " ended at " in line]
        assert ended == ["first", "second", "third"]


@everywhere
def test_nobody_is_started_again(tmp_path: Path, kind: type[Below]) -> None:
    crashing = program("crashing", "echo start; exit 1", "autorestart=true", "endwell_restart_delay=0s")
    with kind(tmp_path, program("web", COUNTING, "stopwaitsecs=60") + crashing, "--grace", "3m") as up:
        up.wait_for("up", "start", "web is running")
        up.kill_supervisor()
        up.wait_for("told")
        started = up.out.count("start")
        up.word()
        up.wait()
        assert up.out.count("start") - started <= 1  # one that had been spawned, and had not said so


@everywhere
def test_hooks_are_run_and_drained_for(tmp_path: Path, kind: type[Below]) -> None:
    hooks = (
        "endwell_before_stop=sh -c 'echo before $ENDWELL_SERVICE'",
        "endwell_after_stop=sh -c 'echo after $ENDWELL_HOOK'",
    )
    with kind(tmp_path, program("web", STOP, *hooks)) as up:
        up.wait_for("up web", "web is running")
        up.kill_supervisor()
        up.wait()
        assert up.out == ["up web", "before web", "bye", "after after-stop"]


@everywhere
def test_hooks_that_fail_are_told(tmp_path: Path, kind: type[Below]) -> None:
    hooks = ("endwell_before_stop=sleep 1000", "endwell_hook_timeout=1000s", "endwell_after_stop=no-upload")
    with kind(tmp_path, program("web", STOP, *hooks), "--grace", "3s") as up:
        up.wait_for("up web", "web is running")
        up.kill_supervisor()
        up.wait()
        assert up.out == ["up web", "bye"]
        assert "endwell: web: before-stop hook `sleep 1000` killed before it was done" in up.err
        assert any(
            line.startswith("endwell: web: after-stop hook `no-upload` cannot find") for line in up.err
        )


@everywhere
def test_a_second_signal_does_not_wait_for_the_order(tmp_path: Path, kind: type[Below]) -> None:
    deaf = program("deaf", DEAF, "stopwaitsecs=100", "endwell_after=web")
    with kind(tmp_path, deaf + program("web", STOP), "--grace", "5m") as up:
        up.wait_for("up deaf", "up web", "deaf is running")
        up.kill_supervisor()
        up.wait_for(f"{ENDED}: services that are there, stopped in their order: 2")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):  # the stop; everybody; kill
            os.kill(up.init, number)
            if number == signal.SIGINT:
                up.wait_for("bye")
        assert up.wait() == 128 + signal.SIGKILL


@everywhere
def test_who_writes_a_lot_meanwhile_is_neither_ended_by_it_nor_held_up(
    tmp_path: Path, kind: type[Below]
) -> None:
    script = "trap 'seq 30000; echo bye; exit 0' TERM; echo up; while :; do echo line; done"
    with kind(tmp_path, program("web", script, "stopwaitsecs=60"), "--grace", "2m") as up:
        up.wait_for("up", "web is running")
        up.kill_supervisor()
        assert up.wait() == 128 + signal.SIGKILL
        assert up.out[-1] == "bye"
        assert up.out[-2] == "30000"


@everywhere
def test_log_files_go_on(tmp_path: Path, kind: type[Below]) -> None:
    os.mkfifo(tmp_path / "ready")
    # It says so when what it has written is in the file: a kill loses what was read and not yet written.
    arrived = f"echo up web; until grep -q up {tmp_path}/web.log; do :; done; echo >{tmp_path}/ready"
    script = STOP.replace("echo up $SUPERVISOR_PROCESS_NAME", arrived)
    text = program("web", script).replace("/dev/stdout", str(tmp_path / "web.log"))
    with kind(tmp_path, text) as up:
        up.wait_for("web is running")
        (tmp_path / "ready").read_text()
        up.kill_supervisor()
        up.wait()
        assert (tmp_path / "web.log").read_text() == "up web\nbye\n"


@everywhere
def test_an_orderly_end_needs_nobody_to_take_over(tmp_path: Path, kind: type[Below]) -> None:
    with kind(tmp_path, program("web", STOP)) as up:
        up.wait_for("up web", "web is running")
        os.kill(up.init, signal.SIGTERM)
        assert up.wait() == 0
        assert not any(ENDED in line for line in up.err)


@pytest.mark.root
def test_the_order_is_kept_for_replicas_that_a_reload_has_added(tmp_path: Path) -> None:
    before = children_of(os.getpid())  # an engine of other tests, perhaps
    file = tmp_path / "endwell.toml"
    script = "trap 'echo bye {}; exit 0' TERM; exec 8<>never; echo up {}; read line <&8"
    service = f'[services.{{}}]\ncommand = ["sh", "-c", "{script}"]\n'
    file.write_text(service.replace("{}", "db"))
    with AsFirst(tmp_path, "", "--file", str(file)) as up:
        up.wait_for("db is running")
        file.write_text(service.replace("{}", "db") + service.replace("{}", "app") + 'after = ["db"]\n')
        supervisor = below(up.init)
        os.kill(supervisor, signal.SIGHUP)
        up.wait_for("app is running")
        up.wait_until(lambda: any(line.endswith("up app") for line in up.out))
        up.kill_supervisor()
        up.wait()
        assert [line.rpartition("| ")[2].strip() for line in up.out[-2:]] == ["bye app", "bye db"]
    assert children_of(os.getpid()) == before


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_at_any_instant_and_under_load(seed: int) -> None:
    assert play(seed).problems == []
