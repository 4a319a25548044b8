"""Real programs, stopped for real: what is said of them is what their manuals say and what they leave."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from endwell.model.finding import Ending, Severity, Verdict
from endwell.model.process import Killer
from endwell.model.signals import INT, QUIT, TERM, Signal
from endwell.model.spec import ContainerSpec
from endwell.model.timeline import Fate, Origin, Printed
from endwell.model.traffic import Group, Outcome
from endwell.probe.load import LoadOptions, http_target
from endwell.probe.plan import Execution, Plan
from endwell.probe.run import probe
from endwell.rules import RULES
from tests.probe import programs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from endwell.model.process import Process
    from endwell.model.report import Report

SHORT = 1.0  # seconds of grace for what is going to be killed
LONG = 30.0  # for what needs none on a quiet machine
KEPT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
needs_users = pytest.mark.skipif(os.geteuid() != 0, reason="a container without root has one user only")
ANSWERED = {Outcome.OK, Outcome.OK_CLOSE}


@pytest.fixture(params=[pytest.param("tracefs", marks=pytest.mark.root), "seccomp"])
def observer(request: pytest.FixtureRequest) -> str:
    if request.param == "tracefs" and os.geteuid():
        pytest.skip("tracefs needs root")
    return str(request.param)


@pytest.fixture
def public() -> Iterator[Path]:
    """Give a directory into which other users come, too."""
    with tempfile.TemporaryDirectory(prefix="endwell-") as directory:
        yield Path(directory)


@pytest.fixture(scope="module")
def postgres() -> Iterator[programs.Postgres]:
    with tempfile.TemporaryDirectory(prefix="endwell-") as directory:
        yield programs.Postgres(Path(directory))


def stopped(
    command: tuple[str, ...],
    observer: str,
    *,
    init: tuple[str, ...] = (),
    user: str | None = None,
    environment: Mapping[str, str] | None = None,
    ready: str = "",
    signal: Signal = TERM,
    grace: float = LONG,
    inside: tuple[str, ...] = (),
    load: LoadOptions | None = None,
) -> Report:
    """Run a command as PID 1, and stop it."""
    spec = ContainerSpec(command=command, init=init, user=user, environment={**KEPT, **(environment or {})})
    plan = Plan(
        spec=spec,
        observer=observer,
        ready=ready,
        signal=signal,
        grace=grace,
        executions=tuple(map(Execution.parse, inside)),
        load=load,
    )
    report = probe(plan)
    assert report.timeline.witness.name == observer
    assert report.timeline.witness.lost == 0
    assert report.timeline.stop.asked, lines(report)
    assert report.timeline.ready.at is not None
    assert report.processes[0].pid == 1
    return report


def codes(report: Report) -> list[str]:
    """What was found; warnings have a question mark."""
    return sorted(one.rule + "?" * (one.severity is Severity.WARNING) for one in report.findings)


def lines(report: Report) -> list[str]:
    """What was printed."""
    return [one.text for one in report.timeline.events if isinstance(one, Printed)]


def called(report: Report, words: str) -> Process:
    """Return the one process with some words in its command line that is neither shell nor init."""
    before = {"sh", "su", "tini", "dumb-init", "endwell-init"}
    found = [one for one in report.processes if words in one.command and one.name not in before]
    assert len(found) == 1, [one.command for one in report.processes]
    return found[0]


def heard(process: Process) -> list[tuple[str, Origin, Fate]]:
    """Which requests to end a process was sent from the stop on, and what became of them."""
    return [
        (one.signal.name, one.sender.kind, one.fate)
        for one in process.signals
        if one.at >= 0 and one.signal in {TERM, INT, QUIT}
    ]


def check_never_told(process: Process) -> None:
    assert not process.told
    assert heard(process) == []
    assert process.end is not None
    assert process.end.killer is Killer.NAMESPACE


def outcomes(report: Report, *groups: Group) -> set[Outcome]:
    assert report.timeline.traffic is not None
    return {one.outcome for one in report.timeline.traffic.requests if one.group in groups}


# ------------------------------------------------------------------------------------------------ data stores


def test_redis_saves_its_data(observer: str, tmp_path: Path) -> None:
    port = programs.free_port()
    write = f"{programs.program('redis-cli')} -p {port} set key value"
    report = stopped(programs.redis(tmp_path, port), observer, ready=f"tcp:{port}", inside=(write,))
    assert (report.verdict, report.ending, codes(report)) == (Verdict.WELL, Ending.WELL, [])
    assert (report.timeline.stop.exit, report.timeline.stop.killed) == (0, False)
    assert heard(report.processes[0]) == [("SIGTERM", Origin.OUTSIDE, Fate.HANDLER)]
    assert b"key" in (tmp_path / "dump.rdb").read_bytes()


def test_redis_behind_a_shell_is_never_told_and_saves_nothing(observer: str, tmp_path: Path) -> None:
    port = programs.free_port()
    write = f"{programs.program('redis-cli')} -p {port} set key value"
    script = " ".join(programs.redis(tmp_path, port)) + "; true"
    report = stopped(("sh", "-c", script), observer, ready=f"tcp:{port}", inside=(write,), grace=SHORT)
    assert (report.verdict, report.ending, codes(report)) == (Verdict.BADLY, Ending.KILLED, ["EW101"])
    assert (report.timeline.stop.exit, report.timeline.stop.killed) == (137, True)
    assert heard(report.processes[0]) == [("SIGTERM", Origin.OUTSIDE, Fate.DISCARDED)]
    redis = called(report, "redis-server")
    check_never_told(redis)
    assert report.findings[0].pids == (1, redis.pid)
    assert not (tmp_path / "dump.rdb").exists()


def idle_postgres(postgres: programs.Postgres, observer: str, signal: Signal, grace: float) -> Report:
    """Stop PostgreSQL while a client is connected that asks for nothing."""
    port = programs.free_port()
    client = " ".join(programs.script(postgres.directory, "idle_client.py", str(port)))
    return stopped(
        postgres.command(port),
        observer,
        user=postgres.user,
        signal=signal,
        grace=grace,
        ready="log:ready to accept connections",
        inside=(client,),
    )


@pytest.mark.root
@needs_users
def test_postgres_told_term_waits_for_an_idle_client(observer: str, postgres: programs.Postgres) -> None:
    report = idle_postgres(postgres, observer, TERM, SHORT)
    assert (report.verdict, report.ending, codes(report)) == (Verdict.BADLY, Ending.KILLED, ["EW205"])
    assert heard(report.processes[0]) == [("SIGTERM", Origin.OUTSIDE, Fate.HANDLER)]
    workers = [one for one in report.processes if one.name == "postgres" and one.alive(0.0) and one.pid != 1]
    for one in workers:
        assert not one.told
        assert one.end is not None
        # They look whether PID 1 still lives, and one or the other ends before the kernel has come to it.
        assert one.end.killer is Killer.NAMESPACE or one.end.code == 1
    killed = [one.pid for one in workers if one.end and one.end.killer]
    assert report.findings[0].pids == (1, *killed)
    assert "SIGINT" in report.findings[0].next
    # What has come in from outside stands on the timeline, too, and is no worker.
    (client,) = (one for one in report.processes if one.argv[-1] == ("cat",))
    assert client.pid not in report.findings[0].pids
    assert client.alive(0.0)
    assert postgres.state() == "in production"


@pytest.mark.root
@needs_users
def test_postgres_told_int_ends_at_once(observer: str, postgres: programs.Postgres) -> None:
    report = idle_postgres(postgres, observer, INT, LONG)
    assert report.verdict is Verdict.WELL
    assert codes(report) == []
    assert (report.timeline.stop.exit, report.timeline.stop.killed) == (0, False)
    for one in report.processes:
        if one.name == "postgres" and one.alive(0.0):
            assert one.end is not None
            assert (one.end.kind, one.told) == ("exit", True)
    assert postgres.state() == "shut down"


# ------------------------------------------------------------------------------------------------ web servers


def loaded_nginx(directory: Path, observer: str, signal: Signal, slow: float) -> Report:
    """Stop nginx while it sends slowly."""
    port = programs.free_port()
    load = LoadOptions(target=http_target(f"http://127.0.0.1:{port}/"), slow_path="/slow", half_sent=0)
    return stopped(programs.nginx(directory, port, slow), observer, signal=signal, load=load)


@pytest.mark.root
@needs_users
def test_nginx_told_term_cuts_its_answers(observer: str, tmp_path: Path) -> None:
    report = loaded_nginx(tmp_path, observer, TERM, LONG)
    assert (report.verdict, report.ending) == (Verdict.BADLY, Ending.WELL)
    assert set(codes(report)) - {"EW409"} == {
        "EW205",
        "EW405",
    }  # a connection may have come at the last moment
    assert (report.timeline.stop.exit, report.timeline.stop.killed) == (0, False)
    assert outcomes(report, Group.SLOW) == {Outcome.CUT}
    assert outcomes(report, Group.BEFORE) == {Outcome.OK}
    assert {one.pids for one in report.findings} == {(1,)}
    assert "STOPSIGNAL SIGQUIT" in report.findings[0].next
    # Its workers are told through a pipe of their own; that is fine, and no finding.
    assert [heard(one) for one in report.processes] == [[("SIGTERM", Origin.OUTSIDE, Fate.HANDLER)], [], []]


@pytest.mark.root
@needs_users
def test_nginx_told_quit_loses_nothing(observer: str, tmp_path: Path) -> None:
    report = loaded_nginx(tmp_path, observer, QUIT, 0.6)
    assert (report.verdict, report.ending, codes(report)) == (Verdict.WELL, Ending.WELL, [])
    assert outcomes(report, Group.SLOW) <= ANSWERED
    assert Outcome.REFUSED in outcomes(report, Group.NEW)
    assert report.timeline.traffic is not None
    assert report.timeline.traffic.lost == ()


def loaded_python(command: tuple[str, ...], port: int, observer: str, directory: Path, slow: int) -> Report:
    """Stop a server of Python programs while it has requests in flight, which go on a little later."""
    os.mkfifo(directory / "gate")
    target = http_target(f"http://127.0.0.1:{port}/")
    return stopped(
        command,
        observer,
        environment={"GATE": str(directory / "gate")},
        inside=(f"300ms:printf {'x' * slow} >{directory}/gate",),
        load=LoadOptions(target=target, slow_path="/slow", slow=slow, half_sent=0),
    )


def test_gunicorn_resets_new_connections(observer: str, tmp_path: Path) -> None:
    port = programs.free_port()
    # One of its two workers: the load itself would starve it otherwise.
    report = loaded_python(programs.gunicorn(port), port, observer, tmp_path, 1)
    assert (report.verdict, report.ending) == (Verdict.BADLY, Ending.WELL)
    assert set(codes(report)) - {"EW405"} == {"EW409"}  # a request may have been between two workers
    assert (report.timeline.stop.exit, report.timeline.stop.killed) == (0, False)
    assert outcomes(report, Group.SLOW) == {Outcome.OK_CLOSE}
    assert outcomes(report, Group.NEW) & {Outcome.RESET, Outcome.DROPPED}
    workers = [one for one in report.processes if one.parent == 1]
    assert len(workers) == 2
    for one in workers:
        assert ("SIGTERM", Origin.PROCESS, Fate.HANDLER) in heard(one)
        assert one.end is not None
        assert one.end.kind == "exit"


def test_uvicorn_answers_what_it_has_begun(observer: str, tmp_path: Path) -> None:
    port = programs.free_port()
    report = loaded_python(programs.uvicorn(port), port, observer, tmp_path, 2)
    assert report.ending is Ending.WELL
    assert (report.timeline.stop.exit, report.timeline.stop.killed) == (0, False)
    assert outcomes(report, Group.SLOW) <= ANSWERED
    assert Outcome.REFUSED in outcomes(report, Group.NEW)
    # What it had taken from the kernel at the last moment, and not read, is lost.
    assert report.timeline.traffic is not None
    assert len(report.timeline.traffic.lost) <= 4
    assert (report.verdict is Verdict.WELL) == (not report.timeline.traffic.lost)
    # It raises the signal again when it has cleaned up, and leaves when that was in vain: no finding.
    assert heard(report.processes[0])[-1] == ("SIGTERM", Origin.PROCESS, Fate.DISCARDED)


def test_http_server_of_python_has_no_handler(observer: str) -> None:
    port = programs.free_port()
    command = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port))
    report = stopped(command, observer, grace=SHORT, ready=f"tcp:{port}")
    assert (report.verdict, report.ending, codes(report)) == (Verdict.BADLY, Ending.KILLED, ["EW201"])
    assert heard(report.processes[0]) == [("SIGTERM", Origin.OUTSIDE, Fate.DISCARDED)]
    assert report.timeline.stop.exit == 137


# ------------------------------------------------------------------------------- supervisors, inits, wrappers


def test_supervisord_stops_the_shell_and_not_the_program(observer: str, tmp_path: Path) -> None:
    ready = f"exec:test -e {tmp_path}/plain -a -e {tmp_path}/behind"
    report = stopped(programs.supervisord(tmp_path), observer, ready=ready)
    assert (report.verdict, report.ending) == (Verdict.BADLY, Ending.PARTIAL)
    assert codes(report) == ["EW104", "EW501?"]
    assert report.timeline.stop.exit == 0
    plain, behind = called(report, "server.py plain"), called(report, "server.py behind")
    shell = next(one for one in report.processes if one.pid == behind.parent)
    check_never_told(behind)
    assert report.findings[0].pids == (shell.pid, behind.pid)
    assert heard(plain) == [("SIGTERM", Origin.PROCESS, Fate.SIGWAIT)]
    assert plain.end is not None
    assert plain.end.code == 0
    assert "plain says farewell" in lines(report)
    assert "behind says farewell" not in lines(report)
    assert all(one.reaped is not None and one.reaped.by == 1 for one in (plain, shell))


def behind_an_init(init: str, observer: str, directory: Path) -> Report:
    """Stop a server behind a shell behind an init."""
    # Who waits for nobody is gone long before a farewell that takes longer is said, however busy the machine.
    farewell = "FAREWELL=60 " if init == "dumb-init" else ""
    script = farewell + " ".join(programs.script(directory, "server.py", "it")) + "; true"
    before = (programs.program(init), "--")
    return stopped(("sh", "-c", script), observer, init=before, ready="log:it is ready")


def test_tini_tells_the_shell_only_and_its_status_hides_that(observer: str, public: Path) -> None:
    report = behind_an_init("tini", observer, public)
    assert (report.verdict, report.ending) == (Verdict.BADLY, Ending.PARTIAL)
    assert codes(report) == ["EW103", "EW501?"]
    assert (report.timeline.stop.exit, report.timeline.stop.killed) == (143, False)
    check_never_told(called(report, "server.py"))
    assert lines(report) == ["it is ready"]


def test_dumb_init_tells_everybody_and_waits_for_nobody(observer: str, public: Path) -> None:
    report = behind_an_init("dumb-init", observer, public)
    assert (report.verdict, report.ending) == (Verdict.BADLY, Ending.PARTIAL)
    assert codes(report) == ["EW401", "EW501?"]
    assert (report.timeline.stop.exit, report.timeline.stop.killed) == (143, False)
    server = called(report, "server.py")
    assert server.told
    assert ("SIGTERM", Origin.PROCESS, Fate.SIGWAIT) in heard(server)
    assert server.end is not None
    assert server.end.killer is Killer.NAMESPACE
    assert lines(report) == ["it is ready"]


def test_endwell_init_tells_everybody_and_waits(observer: str, public: Path) -> None:
    report = behind_an_init("endwell-init", observer, public)
    assert (report.verdict, report.ending, codes(report)) == (Verdict.WELL, Ending.WELL, [])
    assert (report.timeline.stop.exit, report.timeline.stop.killed) == (143, False)
    server = called(report, "server.py")
    assert heard(server) == [("SIGTERM", Origin.PROCESS, Fate.SIGWAIT)]
    assert server.end is not None
    assert server.end.code == 0
    assert lines(report) == ["it is ready", "it says farewell"]


@pytest.mark.root
@needs_users
def test_su_tells_the_shell_only_and_waits_for_two_seconds(observer: str, public: Path) -> None:
    script = " ".join(programs.script(public, "server.py", "it")) + "; true"
    command = (programs.program("su"), "-s", "/bin/sh", "-c", script, "nobody")
    report = stopped(command, observer, ready="log:it is ready")
    assert (report.verdict, report.ending) == (Verdict.BADLY, Ending.PARTIAL)
    assert codes(report) == ["EW102", "EW403?", "EW501?"]
    assert report.timeline.stop.exit == 143
    assert 2.0 <= report.timeline.stop.took < LONG
    server = called(report, "server.py")
    check_never_told(server)
    assert report.findings[0].pids == (1, server.pid)
    assert lines(report)[0] == "it is ready"


def test_npm_tells_the_shell_of_its_script_only(observer: str, public: Path) -> None:
    script = " ".join(programs.script(public, "server.py", "it"))
    (public / "package.json").write_text(f'{{"scripts": {{"start": "{script}"}}}}')
    command = (programs.program("npm"), "--prefix", str(public), "--cache", str(public / "cache"), "start")
    report = stopped(command, observer, ready="log:it is ready")
    assert (report.verdict, report.ending) == (Verdict.BADLY, Ending.PARTIAL)
    assert codes(report) == ["EW102", "EW504?"]
    assert report.timeline.stop.exit == 1
    server = called(report, "server.py")
    check_never_told(server)
    assert "it says farewell" not in lines(report)


# ----------------------------------------------------------------------------------------- what the pages say

# What stands for a program of the reader's, or needs a configuration; and one that takes nine seconds.
NOT_HERE = re.compile(r"CMD|app|slow-to-end|supervisord|nginx|sleep 9;")
EXAMPLES = [
    (rule.code, example)
    for rule in RULES
    for example in re.findall(r"^    endwell (probe .*)$", rule.page, re.MULTILINE)
    if not NOT_HERE.search(example)
]


@pytest.mark.parametrize(("code", "example"), EXAMPLES, ids=[code for code, _ in EXAMPLES])
def test_the_example_of_a_page_shows_what_the_page_is_about(code: str, example: str, tmp_path: Path) -> None:
    """One that is killed anyway need not wait for that as long as a reader would."""
    here = example.replace("/tmp/", f"{tmp_path}/")
    here = here.replace("http.server", f"http.server --bind 127.0.0.1 {programs.free_port()}")
    name, *words = shlex.split(here)
    for needed in {"tini", "flock", "node"} & {
        word.partition(" ")[0].removeprefix("--init=") for word in words
    }:
        programs.program(needed)
    grace = "6s" if code == "EW403" else "500ms"
    ready = ["--ready-timeout", "500ms"] if code == "EW505" else []
    command = [sys.executable, "-m", "endwell", name, "--quiet", "--json", "--grace", grace, *ready, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode in {0, 1}, done.stderr
    assert code in {one["rule"] for one in json.loads(done.stdout)["findings"]}, done.stdout
