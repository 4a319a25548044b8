"""Whatever a probe is given to stop: one clear line and status 2, or a report that says what happened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

import pytest

from endwell.model.finding import Verdict
from endwell.model.spec import ContainerSpec
from endwell.probe import tracefs
from endwell.probe.observer import ObserverError
from endwell.probe.plan import Plan
from endwell.probe.run import probe
from endwell.render.reading import load
from endwell.system import seccomp as seccomp_system, tracefs as tracefs_system
from tests import zoo
from tests.probe.servers import Server
from tests.probe.traces import NAME, Traces
from tests.support.distant_engine import distant_engine
from tests.support.program_image import program_image
from tests.support.session import docker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from endwell.engine.docker import DockerEngine
    from endwell.model.report import Report
    from endwell.probe.progress import Progress

__all__ = ["docker"]

PROBE = (sys.executable, "-m", "endwell", "probe")
# The interpreter that runs the tests may be in a home directory.
PROBE_OF_ALL = ("/usr/bin/python3", "-m", "endwell", "probe")
SOURCES = str(Path(__file__).parents[2] / "src")
NOBODY = 65534
# A gigabyte of output, and more than is ever kept of it.
FLOOD = 1_000_000_000
# Of memory, in bytes: Python itself takes 40 MB.
PEAK = 150_000_000
WAITS = 'trap "exit 0" TERM; echo ready; while :; do sleep 1000 & wait; done'
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make this")
everybody = pytest.mark.skipif(
    not Path(PROBE_OF_ALL[0]).exists() or not Path(SOURCES).stat().st_mode & 0o005,
    reason="others cannot read us",
)


@pytest.fixture(params=["tracefs", "seccomp"])
def observer(request: pytest.FixtureRequest) -> str:
    if request.param == "tracefs" and os.geteuid():
        pytest.skip("tracefs needs root")
    return str(request.param)


@pytest.fixture
def traces(tmp_path: Path) -> Traces:
    directory = tmp_path / "temporary"
    directory.mkdir(mode=0o777)
    directory.chmod(0o777)
    return Traces(directory)


def run(
    traces: Traces, *words: str | bytes, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command; whatever comes out of it, nothing is left."""
    command = [*PROBE, *traces.options, *words]
    return _finished(traces, subprocess.Popen(command, **_piped(traces, environment)))


def run_as_nobody(traces: Traces, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command without any rights, with a Python that everybody may run."""
    command = [*PROBE_OF_ALL, *traces.options, *words]
    options = _piped(traces, {"PYTHONPATH": SOURCES})
    started = subprocess.Popen(command, **options, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")
    return _finished(traces, started)


class _Piped(TypedDict):
    stdin: int
    stdout: int
    stderr: int
    text: Literal[True]
    env: dict[str, str]


def _piped(traces: Traces, environment: Mapping[str, str] | None) -> _Piped:
    return {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "env": {**traces.environment, **(environment or {})},
    }


def _finished(traces: Traces, started: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    with started:
        out, err = started.communicate()
    assert traces.left(started.pid) == []
    assert "Traceback" not in err
    return subprocess.CompletedProcess(started.args, started.returncode, out, err)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that says what cannot be done."""
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("endwell probe: ")
    return done.stderr.removeprefix("endwell probe: ").rstrip("\n")


def found(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings}


def stopped(
    observer: str,
    *command: str,
    user: str | None = None,
    grace: float = 0.3,
    ready: str = "log:ready",
    most: int = 50_000,
    crowd: int = 4_000,
    progress: Progress | None = None,
) -> Report:
    """Probe in this process."""
    spec = ContainerSpec(command=command, environment={"PATH": os.environ["PATH"]}, user=user)
    return probe(
        Plan(spec=spec, observer=observer, ready=ready, grace=grace, most=most, crowd=crowd), progress
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-program"], "cannot start no-such-program: No such file"),
        (["/etc/passwd"], "cannot start /etc/passwd: it is not executable: chmod +x /etc/passwd"),
        (["--", "no\nsuch\x1b[31m"], r"cannot start no\nsuch\x1b[31m: No such file"),
        (["--workdir", "/no/such", "true"], "cannot change to /no/such: no such directory; "),
        (["--user", "no-such-user", "true"], "no-such-user"),
        (["--init=no-such-init", "true"], "cannot start no-such-init"),
        (["--init='", "true"], '--init "\'": no closing quotation'),
        (["--entrypoint", '"', "true"], "no closing quotation"),
        (["--signal", "NOPE", "true"], "'NOPE' is not a signal"),
        (["--signal", "65", "true"], "'65' is not a signal"),
        (["--grace", "-1", "true"], "it is negative"),
        (["--grace", "soon", "true"], "'soon' is not a length of time"),
        (["--after", "1y", "true"], "'1y' is not a length of time"),
        (["--exec", "1s:", "true"], "names no command"),
        (["--ready", "soon", "true"], "'soon' is nothing to wait for"),
        (["--ready", "log:(", "true"], "not a regular expression"),
        (["--http", "ftp://x", "true"], "it is not an http or https URL"),
        (["--http", "http://a/", "--tcp", "a:1", "true"], "exclude each other"),
        (["--rate", "nan", "--tcp", "a:1", "true"], "--rate nan"),
        (["--rate", "inf", "--tcp", "a:1", "true"], "--rate inf"),
        (["--env", "=x", "true"], "names no variable"),
        (["--repeat", "0", "true"], "at least once"),
        (["--twice", "--kill", "true"], "exclude each other"),
        (["--html", "/no/such/page", "true"], "cannot write --html /no/such/page: No such file"),
        (["--junit", "/", "true"], "cannot write --junit /: Is a directory"),
        (["--image", "a", "--container", "b"], "exclude each other"),
        (["--engine", "docker", "true"], "needs --image or --container"),
        (["--engine", "local", "--image", "a"], "neither images nor containers"),
        (["--container", "web", "--repeat", "2"], "once only"),
        (["--image", "a", "--grace", "1500ms"], "takes whole seconds"),
        ([], "nothing to stop"),
    ],
)
def test_what_cannot_be_done_is_one_line(words: list[str], said: str, traces: Traces) -> None:
    assert said in refusal(run(traces, *words))


@pytest.mark.parametrize("option", ["--http", "--ready"])
def test_a_server_outside_of_the_container(option: str, traces: Traces) -> None:
    with Server("http1") as server:
        url = f"http://127.0.0.1:{server.port}/"
        # It listens nowhere, and would end well.
        script = "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"
        said = refusal(run(traces, option, url, "--", "/bin/sh", "-c", script))
    assert f"{url}: {server.port} is served by a process outside of the container; " in said


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_no_engine(engine: str, traces: Traces, tmp_path: Path) -> None:
    gone = {"DOCKER_HOST": f"unix://{tmp_path}/none", "CONTAINER_HOST": f"unix://{tmp_path}/none"}
    said = refusal(run(traces, "--engine", engine, "--image", "app", environment=gone))
    assert f"{tmp_path}/none" in said


def test_the_directory_is_gone(traces: Traces, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = [
        "/bin/sh",
        "-c",
        f'cd "{gone}" && rmdir "{gone}" && exec "$@"',
        "sh",
        *PROBE,
        "--",
        "/bin/true",
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**traces.environment, "PYTHONSAFEPATH": "1"},
    )
    assert "the current directory has been removed" in refusal(done)


def test_a_failed_probe_makes_no_file(traces: Traces, tmp_path: Path) -> None:
    refusal(run(traces, "--html", str(tmp_path / "page"), "no-such-program"))
    assert not (tmp_path / "page").exists()


def test_no_room_for_the_report(traces: Traces) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROBE, "--", *zoo.command("handles-term")],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=traces.environment,
        )
    assert done.returncode == 2
    assert done.stderr == (
        "endwell probe: cannot write the report: No space left on device; free space, or write elsewhere\n"
    )
    assert "cannot write --html /dev/full" in refusal(
        run(traces, "--html", "/dev/full", "--", *zoo.command("handles-term"))
    )


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_words_that_are_no_text(traces: Traces, words: list[str]) -> None:
    guest = zoo.command("handles-term")
    done = run(
        traces, *words, "--", *guest, b"\xff\xfe", "\x1b[31m", environment={"PYTHONIOENCODING": "ascii"}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout


def test_too_few_descriptors(traces: Traces) -> None:
    command = ["/bin/sh", "-c", 'ulimit -n 12; exec "$@"', "sh", *PROBE, "--", "/bin/true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=traces.environment)
    assert "Too many open files" in refusal(done)


@pytest.mark.parametrize("status", [0, 7])
def test_it_dies_at_once(observer: str, status: int, traces: Traces) -> None:
    done = run(traces, "--observer", observer, "--json", "--", "/bin/sh", "-c", f"exit {status}")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert {one["rule"] for one in report["findings"]} == {"EW502"}
    assert (report["stop"]["exit"], report["stop"]["asked"]) == (status, False)


def test_it_is_never_ready(observer: str, traces: Traces) -> None:
    words = ("--observer", observer, "--json", "--ready", "log:never", "--ready-timeout", "300ms")
    done = run(traces, *words, "--", *zoo.command("handles-term"))
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert "EW505" in {one["rule"] for one in report["findings"]}


def reported(traces: Traces, observer: str, *command: str, grace: str = "300ms") -> Report:
    """Return what the command says in JSON, whatever its verdict."""
    words = ("--observer", observer, "--json", "--ready", "log:ready", "--grace", grace, "--", *command)
    done = run(traces, *words)
    assert done.returncode in {0, 1}, done
    assert done.stderr == ""
    return load(json.loads(done.stdout))


def test_it_becomes_a_daemon(observer: str, traces: Traces) -> None:
    report = reported(traces, observer, *zoo.command("daemonizes"))
    assert "EW502" in found(report)
    assert report.timeline.stop.asked is False
    assert any("never told" in one.message or "behind it" in one.message for one in report.findings)


@pytest.mark.parametrize(
    ("text", "most", "crowd"),
    [
        ("while :; do (:); done", 300, 4000),
        ("while :; do sleep 1000 & done", 50_000, 100),
    ],
)
def test_it_forks_without_end(
    observer: str, text: str, most: int, crowd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whether there are many on this machine decides only when it is worth counting.
    monkeypatch.setattr("endwell.probe.run._running", lambda: 1 << 20)
    report = stopped(
        observer, "/bin/sh", "-c", f'trap "" TERM; {text}', ready="log:never", most=most, crowd=crowd
    )
    assert report.timeline.stop.asked is False
    assert report.timeline.stop.exit == 137
    assert any(note.startswith("killed by endwell: it had") for note in report.timeline.notes)
    assert report.verdict is not Verdict.WELL


def test_it_writes_without_end(observer: str, traces: Traces) -> None:
    text = f"yes 'a line of its output' | head -c {FLOOD}; {WAITS}"
    patience = ("--ready-timeout", "10m", "--grace", "10m")
    words = ("--observer", observer, "--json", "--ready", "log:ready", *patience, "--", "/bin/sh", "-c", text)
    # Its own peak is asked for by a process in front, which has no other child.
    asks = (
        "import json, resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True, check=False)\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "print(json.dumps([done.returncode, done.stdout.decode(), done.stderr.decode(), peak]))"
    )
    command = [sys.executable, "-c", asks, *PROBE, *traces.options, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=traces.environment)
    status, out, err, peak = json.loads(done.stdout)
    assert (status in {0, 1}, err) == (True, "")
    report = load(json.loads(out))
    assert report.timeline.stop.exit == 0
    assert "it printed too much to keep: 1.0 GB left out" in report.timeline.notes
    assert peak << 10 < PEAK
    assert traces.processes() == set()


def test_it_ignores_everything(observer: str, traces: Traces) -> None:
    report = reported(traces, observer, *zoo.command("ignores-term"))
    assert found(report) == {"EW202"}
    assert report.timeline.stop.killed


@pytest.mark.parametrize("guest", ["changes-its-name", "hides-from-tracers", "has-set-uid"])
def test_it_hides(observer: str, guest: str, traces: Traces) -> None:
    if zoo.missing(guest):
        pytest.skip(f"needs {zoo.missing(guest)}")
    report = reported(traces, observer, *zoo.command(guest))
    assert report.timeline.stop.exit == 0
    assert report.verdict is Verdict.WELL, report


@root
@pytest.mark.root
@pytest.mark.parametrize("guest", ["changes-its-name", "hides-from-tracers", "has-set-uid"])
@everybody
def test_it_hides_from_one_without_rights(guest: str, traces: Traces) -> None:
    # The last word is the guest itself, without what makes it nobody's.
    words = ("--ready", "log:ready", "--json", "--grace", "1s", "--", zoo.command(guest)[-1])
    done = run_as_nobody(traces, *words)
    assert done.returncode == 0, done
    assert json.loads(done.stdout)["observer"]["name"] == "seccomp"


def test_it_is_traced(observer: str, traces: Traces) -> None:
    report = reported(traces, observer, "strace", "-f", "-o", "/dev/null", "/bin/sh", "-c", WAITS)
    assert "EW102" in found(report)
    assert report.timeline.stop.killed


def test_we_are_traced(observer: str, traces: Traces) -> None:
    tracer = ("strace", "-f", "-o", "/dev/null")
    words = ("--observer", observer, "--ready", "log:ready", "--json", "--", *zoo.command("handles-term"))
    done = subprocess.run(
        [*tracer, *PROBE, *words], capture_output=True, text=True, check=False, env=traces.environment
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_no_grace_at_all(observer: str, traces: Traces) -> None:
    report = reported(traces, observer, *zoo.command("ignores-term"), grace="0")
    assert report.timeline.stop.killed
    assert report.timeline.stop.exit == 137


class Gate:
    """Opens when the stop signal is about to be sent."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def phase(self, what: str, limit: float | None = None) -> None:
        del limit
        if what.startswith(("SIG", "reading")):
            self.open.set()


@root
@pytest.mark.root
def test_a_full_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, read = Gate(), tracefs_system.Tracing.read

    def stopped_reader(tracing: tracefs_system.Tracing, most: int) -> bytes:
        gate.open.wait()
        return read(tracing, most)

    monkeypatch.setattr(tracefs_system.Tracing, "read", stopped_reader)
    monkeypatch.setattr(tracefs, "TracefsObserver", partial(tracefs.TracefsObserver, kilobytes=8))
    text = "i=0; while [ $i -lt 1500 ]; do (:); i=$((i+1)); done; " + WAITS
    report = stopped("tracefs", "/bin/sh", "-c", text, progress=gate)
    assert report.timeline.witness.lost
    assert report.verdict is Verdict.UNKNOWN


@root
@everybody
@pytest.mark.root
def test_no_tracing_for_others(traces: Traces) -> None:
    said = refusal(run_as_nobody(traces, "--observer", "tracefs", "--", "/bin/true"))
    assert said == (
        "cannot observe with tracefs: tracefs: Operation not permitted; run as root on the host (sudo), "
        "or take --observer seccomp"
    )
    said = refusal(run_as_nobody(traces, "--image", "app"))
    assert said == (
        "cannot observe a container of docker with tracefs: tracefs: Operation not permitted; run as root on "
        "the host (sudo)"
    )
    said = refusal(run_as_nobody(traces, "--image", "app", "--observer", "seccomp"))
    assert said.endswith("run as root (sudo), for tracefs")


def no_tracing() -> int:
    raise OSError(19, os.strerror(19), "tracefs")


@root
@pytest.mark.root
def test_a_kernel_without_tracing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracefs_system, "_mount", no_tracing)
    with pytest.raises(ObserverError, match=r"tracefs: No such device; .*take --observer seccomp$"):
        stopped("tracefs", "/bin/true")
    assert stopped("auto", *zoo.command("handles-term")).timeline.witness.name == "seccomp"


def unknown_machine(_name: str) -> bytes:
    raise seccomp_system.UnknownMachineError("vax")


@root
@pytest.mark.root
def test_no_observer_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracefs_system, "_mount", no_tracing)
    monkeypatch.setattr(seccomp_system, "program", unknown_machine)
    with pytest.raises(
        ObserverError, match=r"^cannot observe with tracefs: .*; and cannot observe with seccomp: "
    ):
        stopped("auto", "/bin/true")


# As user nobody in a user namespace in which no further ones may be made.
EXHAUSTED = """\
import os, sys
from endwell.system import libc
told, tell = os.pipe()
go, let = os.pipe()
child = os.fork()
if not child:
    libc.unshare(libc.CLONE_NEWUSER)
    os.write(tell, b"x")
    os.read(go, 1)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    open("/proc/sys/user/max_user_namespaces", "w").write("0")
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    os.execv(sys.argv[1], sys.argv[1:])
os.read(told, 1)
for name in ("uid_map", "gid_map"):
    open(f"/proc/{child}/{name}", "w").write("0 0 65536")
os.write(let, b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@root
@everybody
@pytest.mark.root
def test_no_user_namespaces(traces: Traces) -> None:
    words = ("--json", "--ready", "log:ready", "--", zoo.command("hides-from-tracers")[-1])
    done = subprocess.run(
        [sys.executable, "-c", EXHAUSTED, *PROBE_OF_ALL, *traces.options, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**traces.environment, "PYTHONPATH": SOURCES},
        cwd="/",
    )
    assert (done.returncode, done.stderr) == (0, "")
    report = load(json.loads(done.stdout))
    assert report.timeline.witness.name == "approximation"
    assert any("no PID namespace could be made here" in note for note in report.timeline.notes)
    assert traces.processes() == set()


@root
@pytest.mark.root
def test_an_engine_that_is_elsewhere(tmp_path: Path, traces: Traces) -> None:
    with distant_engine(os.getpid(), tmp_path / "socket") as distant:
        words = ("--container", "web")
        said = refusal(run(traces, *words, environment={"DOCKER_HOST": distant.url}))
        assert not any(request.endswith(("/stop", "/kill")) for request in distant.asked)
    assert said == (
        "cannot observe web: its processes are on another machine than we; run endwell where docker runs its "
        "containers"
    )


@pytest.fixture
def image(docker: DockerEngine) -> Iterator[str]:
    with program_image(docker, "endwell-bad", ["/bin/no-handler"]) as name:
        yield name


@pytest.mark.docker
@pytest.mark.root
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--container", "no-such"], "Docker has no container no-such"),
        (["--image", "no-such"], "Docker has no image no-such"),
        (["--image", "endwell-bad", "no-such-program"], "cannot start no-such-program"),
        (["--image", "endwell-bad", "--network", "no-such"], "network no-such not found"),
    ],
)
@pytest.mark.usefixtures("image")
def test_what_docker_cannot_do_is_one_line(
    docker: DockerEngine, words: list[str], said: str, traces: Traces
) -> None:
    assert said in refusal(run(traces, *words, environment={"DOCKER_HOST": docker.endpoint.url}))


@pytest.mark.docker
@pytest.mark.root
def test_in_docker_it_dies_at_once(docker: DockerEngine, image: str, traces: Traces) -> None:
    words = ("--json", "--image", image, "--network", "none", "--entrypoint", "/bin/sh -c", "exit 7")
    done = run(traces, *words, environment={"DOCKER_HOST": docker.endpoint.url})
    report = json.loads(done.stdout)
    assert "EW502" in {one["rule"] for one in report["findings"]}
    assert report["stop"]["exit"] == 7
    assert done.returncode != 0


def test_the_mark_is_in_the_container(traces: Traces) -> None:
    text = f'echo "${NAME}"; ' + WAITS
    done = run(traces, "--json", "--ready", "log:ready", "--", "/bin/sh", "-c", text)
    assert json.loads(done.stdout)["output"][0]["text"] == traces.mark
