"""`endwell probe` as a user runs it: each way to start, to stop and to look, and what is printed of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests import zoo
from tests.support.program_image import program_image
from tests.support.session import docker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.engine.docker import DockerEngine

__all__ = ["docker"]

PROBE = (sys.executable, "-m", "endwell", "probe")
SCHEMA = json.loads((Path(__file__).parents[2] / "docs/reference/report.schema.json").read_text())
# A shell that says so when it is told, and goes when it is told twice, or stays.
TELLS = 'trap "echo told" TERM; echo ready; while :; do sleep 1000 & wait; done'
LEAVES = 'trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 1000 & wait; done'
AT_SECOND = (
    r'n=0; trap "n=\$((n+1)); [ \$n = 2 ] && exit 0" TERM; echo ready; while :; do sleep 1000 & wait; done'
)


def probe(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROBE, *words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )


@pytest.fixture(params=["tracefs", "seccomp"])
def observer(request: pytest.FixtureRequest) -> str:
    if request.param == "tracefs" and os.geteuid():
        pytest.skip("tracefs needs root")
    return str(request.param)


def test_it_ends_well(observer: str) -> None:
    done = probe("--observer", observer, "--", *zoo.command("handles-term"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("ends well")
    assert done.stderr == ""


def test_it_ends_badly(observer: str) -> None:
    done = probe("--observer", observer, "--grace", "200ms", "--json", "--", *zoo.command("no-handler"))
    assert done.returncode == 1, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["schema"] == "endwell.report/1"
    assert (report["verdict"], report["ending"]) == ("ends badly", "killed")
    assert report["observer"]["name"] == observer
    assert {finding["rule"] for finding in report["findings"]} == {"EW201"}
    assert report["stop"]["exit"] == 137
    assert [(one["signal"], one["fate"]) for one in report["processes"][0]["signals"]] == [
        ("SIGTERM", "discarded"),
        ("SIGKILL", "default"),
    ]
    assert report["series"] == {
        "runs": [{"verdict": "ends badly", "findings": ["EW201"]}],
        "control": None,
    }


def test_repeated_it_says_the_same(observer: str) -> None:
    done = probe(
        *("--observer", observer, "--repeat", "3", "--control", "--grace", "200ms"),
        *("--", *zoo.command("ignores-term")),
    )
    assert done.returncode == 1
    assert "all 3 runs agree" in done.stdout
    assert "the unobserved run ended alike: exit 137" in done.stdout


def test_what_was_finished_is_shown_when_the_next_run_cannot_be(tmp_path: Path) -> None:
    program = tmp_path / "once"
    program.write_text('#!/bin/sh\nrm "$0"\ntrap "exit 0" TERM\necho ready\nsleep 60 &\nwait\n')
    program.chmod(0o755)
    done = probe("--repeat", "3", "--ready", "log:ready", "--json", "--", str(program))
    assert done.returncode == 2
    assert "cannot" in done.stderr
    report = json.loads(done.stdout)
    assert len(report["series"]["runs"]) == 1
    text = probe("--repeat", "2", "--", str(program))
    assert (text.returncode, text.stdout) == (2, "")


def test_every_shape_at_once(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("html", "junit", "sarif", "trace")}
    words = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    done = probe(*words, "--json", "--", *zoo.command("handles-term"))
    assert done.returncode == 0, done.stderr
    assert "<svg" in files["html"].read_text()
    assert "<testsuite" in files["junit"].read_text()
    assert json.loads(files["sarif"].read_text())["version"] == "2.1.0"
    assert json.loads(files["trace"].read_text())["traceEvents"]


def report_of(*words: str, status: int | None = None, **environment: str) -> dict[str, Any]:
    """Run it with --json and return the report, which is as its schema says."""
    done = probe("--json", "--ready", "log:ready", *words, **environment)
    assert done.stderr == ""
    if status is not None:
        assert done.returncode == status, done.stdout
    report: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(report, SCHEMA)
    return report


def signals(report: dict[str, Any], pid: int = 1) -> list[tuple[str, str, str]]:
    """Return what a process was sent from the stop on: signal, from whom, fate."""
    found = next(one for one in report["processes"] if one["pid"] == pid)
    return [
        (one["signal"], one["from"]["kind"], one["fate"]) for one in found["signals"] if one["at"] >= -0.001
    ]


def lines(report: dict[str, Any]) -> list[str]:
    return [one["text"] for one in report["output"]]


def test_a_signal_of_ones_own(observer: str) -> None:
    guest = ("/bin/sh", "-c", LEAVES.replace("TERM", "USR1"))
    report = report_of("--observer", observer, "--signal", "usr1", "--", *guest)
    assert report["stop"]["signal"] == "SIGUSR1"
    assert ("SIGUSR1", "outside", "handler") in signals(report)
    assert "bye" in lines(report)


def test_twice(observer: str) -> None:
    report = report_of("--observer", observer, "--twice", "--", "/bin/sh", "-c", AT_SECOND)
    assert signals(report) == [("SIGTERM", "outside", "handler")] * 2
    assert report["stop"]["took"] > 0.4
    assert report["stop"]["killed"] is False


def test_kill(observer: str) -> None:
    report = report_of("--observer", observer, "--kill", "--", "/bin/sh", "-c", LEAVES)
    assert (report["stop"]["signal"], report["stop"]["exit"]) == ("SIGKILL", 137)
    assert [signal for signal, _, _ in signals(report)] == ["SIGKILL"]
    assert "bye" not in lines(report)


def test_to_stop_with_kill_is_to_kill(observer: str) -> None:
    report = report_of("--observer", observer, "--signal", "KILL", "--", "/bin/sh", "-c", LEAVES)
    killed = report_of("--observer", observer, "--kill", "--", "/bin/sh", "-c", LEAVES)
    assert report["stop"]["way"] == killed["stop"]["way"] == "kill"
    assert (report["verdict"], report["findings"]) == (killed["verdict"], killed["findings"])


def test_a_second_signal_that_came_too_late_is_said() -> None:
    report = report_of("--twice", "--", "/bin/sh", "-c", LEAVES)
    assert "SIGTERM was not sent a second time: the container had ended before" in report["notes"]
    report = report_of("--twice", "--", "/bin/sh", "-c", AT_SECOND)
    assert not [note for note in report["notes"] if "second time" in note]


def test_after(observer: str) -> None:
    report = report_of("--observer", observer, "--after", "300ms", "--", "/bin/sh", "-c", LEAVES)
    assert report["ready"]["at"] < -0.3


def test_a_command_inside_before_the_stop(observer: str, tmp_path: Path) -> None:
    report = report_of(
        *("--observer", observer, "--exec", f"echo key >{tmp_path}/key", "--", "/bin/sh", "-c", LEAVES)
    )
    assert (tmp_path / "key").read_text() == "key\n"
    if observer == "seccomp":
        # What is over so soon tracefs may not find in /proc any more.
        started = next(one for one in report["processes"] if f"key >{tmp_path}" in one["argv"][-1][-1])
        assert started["born"] < 0
        assert started["parent"] == 0
    assert report["notes"] == []


def test_commands_at_their_times(observer: str) -> None:
    report = report_of(
        *("--observer", observer, "--exec=-400ms:sleep 99; : early", "--exec", "200ms:sleep 99; : late"),
        *("--exec", "60s:exit 0 # never", "--grace", "1500ms", "--", "/bin/sh", "-c", TELLS),
    )
    born = {one["argv"][-1][-1][-5:]: one["born"] for one in report["processes"] if one["argv"]}
    assert born["early"] < 0
    # Asked for from the moment at which the stop is; the kernel has its signal a little later.
    assert born[" late"] > 0.1
    assert [one for one in report["notes"] if "not run" in one] == [
        "not run, because the container had ended: exit 0 # never"
    ]


def test_what_commands_inside_print_is_in_the_report() -> None:
    report = report_of(
        *("--exec", "echo one; echo two >&2", "--exec", "100ms:echo late", "--grace", "1s"),
        *("--", "/bin/sh", "-c", TELLS),
    )
    printed = [(one["by"], one["stream"], one["text"]) for one in report["output"]]
    assert {one for one in printed if one[0]} == {
        ("echo one; echo two >&2", "stdout", "one"),
        ("echo one; echo two >&2", "stderr", "two"),
        ("echo late", "stdout", "late"),
    }
    assert printed[0] == (None, "stdout", "ready")
    late = next(one for one in report["output"] if one["text"] == "late")
    assert 0.05 < late["at"] <= 1


def test_a_command_that_fails_is_said() -> None:
    report = report_of("--exec", "echo no such key >&2; exit 3", "--", "/bin/sh", "-c", LEAVES)
    assert report["notes"] == ["the command inside `echo no such key >&2; exit 3` ended with 3: no such key"]


def test_a_command_after_one_that_has_ended_it_is_said() -> None:
    words = ("--exec", "kill -TERM 1; sleep 1000", "--exec", "true", "--", "/bin/sh", "-c", LEAVES)
    report = report_of(*words, status=1)
    assert report["stop"]["asked"] is False
    assert any("does not run" in note for note in report["notes"])


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="tracefs needs root")
def test_a_command_that_kills_stands_on_the_timeline() -> None:
    # A worker can be killed from inside, PID 1 cannot.
    guest = 'trap "exit 0" TERM; sleep 1000 & echo $! >&2; echo ready; while :; do wait; sleep 1000 & done'
    words = ("--observer", "tracefs", "--exec", "kill -9 2; kill -9 1", "--", "/bin/sh", "-c", guest)
    report = report_of(*words)
    worker = next(one for one in report["processes"] if one["pid"] == 2)
    assert worker["end"]["kind"] == "killed"
    assert worker["end"]["by"] == "process"
    first = next(one for one in report["processes"] if one["pid"] == 1)
    assert ("SIGKILL", "discarded") in [(one["signal"], one["fate"]) for one in first["signals"]] or (
        ("SIGKILL", "ignored") in [(one["signal"], one["fate"]) for one in first["signals"]]
    )
    assert report["stop"]["killed"] is False


@pytest.mark.parametrize("init", [["--init"], ["--init=tini -g --"], ["--init=/usr/bin/env"]])
def test_an_init_in_front(init: list[str]) -> None:
    report = report_of(*init, "--", "/bin/sh", "-c", LEAVES)
    argv = report["processes"][0]["argv"][0]
    wanted = {"--init": "endwell-init", "--init=tini -g --": "tini"}.get(init[0], "env")
    assert Path(argv[0]).name == wanted
    assert "bye" in lines(report)


def test_what_it_finds(tmp_path: Path) -> None:
    report = report_of(
        *("--env", "GREETING=hello there", "--env", "PASSED", "--env", "ABSENT", "--workdir", str(tmp_path)),
        *("--", "/bin/sh", "-c", 'echo "$GREETING $PASSED ${ABSENT-unset} $PWD"; ' + LEAVES),
        PASSED="on",
        NOT_PASSED="no",
    )
    assert lines(report)[0] == f"hello there on unset {tmp_path}"


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_another_user() -> None:
    report = report_of("--user", "nobody", "--", "/bin/sh", "-c", "id -u; " + LEAVES)
    assert lines(report)[0] == "65534"


def test_a_terminal_and_an_input() -> None:
    report = report_of("--tty", "--", "/bin/sh", "-c", "tty; " + LEAVES)
    assert lines(report)[0].startswith("/dev/")
    # Its input stays open: it would end at once otherwise.
    report = report_of(
        "--interactive", "--", "/bin/sh", "-c", "trap 'exit 0' TERM; echo ready; read line; exit 5"
    )
    assert report["stop"]["exit"] == 0


def test_what_is_open_at_the_kill(observer: str, tmp_path: Path) -> None:
    path = tmp_path / "half"
    guest = (
        "import signal, sys\nsignal.signal(15, signal.SIG_IGN)\n"
        f"file = open({str(path)!r}, 'w', buffering=1)\n"
        "file.write('whole\\nhalf'); file.flush()\nprint('ready', flush=True)\nwhile True: signal.pause()"
    )
    report = report_of(
        "--observer", observer, "--grace", "200ms", "--", sys.executable, "-c", guest, status=1
    )
    held = report["processes"][0]["holding"]
    assert held["files"] == [{"path": str(path), "size": 10, "whole": False}]


@pytest.fixture
def image(docker: DockerEngine) -> Iterator[str]:
    with program_image(docker, "endwell-probed", ["/bin/sh", "-c", LEAVES]) as name:
        yield name


@pytest.mark.docker
@pytest.mark.root
def test_an_image(docker: DockerEngine, image: str) -> None:
    report = report_of(
        *("--image", image, "--network", "none", "--exec", "echo inside >/tmp/x; cat /tmp/x"),
        DOCKER_HOST=docker.endpoint.url,
    )
    assert (report["engine"], report["stop"]["exit"]) == ("docker", 0)
    assert signals(report) == [("SIGTERM", "outside", "handler")]
    assert "bye" in lines(report)
    assert report["notes"] == []


@pytest.mark.docker
@pytest.mark.root
def test_an_init_lent_to_an_image(docker: DockerEngine, image: str) -> None:
    words = ("--image", image, "--network", "none", "--init", "--entrypoint", "/bin/sh -c", "--", LEAVES)
    report = report_of(*words, DOCKER_HOST=docker.endpoint.url)
    assert Path(report["processes"][0]["argv"][-1][0]).name == "endwell-init"
    assert "bye" in lines(report)


@pytest.mark.docker
@pytest.mark.root
def test_a_container_that_runs_already(docker: DockerEngine, image: str) -> None:
    body = {"Image": image, "HostConfig": {"NetworkMode": "none"}}
    docker.client.ask("POST", "/containers/create", {"name": "endwell-web"}, body)
    try:
        docker.client.ask("POST", "/containers/endwell-web/start")
        done = probe("--json", "--container", "endwell-web", DOCKER_HOST=docker.endpoint.url)
        assert done.returncode in {0, 1}, done.stderr
        report = json.loads(done.stdout)
        jsonschema.validate(report, SCHEMA)
        assert report["stop"]["exit"] == 0
        state = docker.inspect("endwell-web")["State"]
        assert (state["Status"], state["ExitCode"]) == ("exited", 0)
    finally:
        docker.discard("endwell-web")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors_do_not_change_the_status(closed: str) -> None:
    text = f'exec "$@" {closed}'
    command = ["/bin/sh", "-c", text, "sh", *PROBE, "--grace", "100ms", "--", *zoo.command("no-handler")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_nobody_reads_the_report() -> None:
    command = [*PROBE, "--", *zoo.command("handles-term")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        assert started.stderr.read() == b""
        assert started.wait() == 0
