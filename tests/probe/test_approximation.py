"""Where no PID namespace can be made: inside a plain container, as root and as a user."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import endwell
from endwell.engine import approximation
from endwell.engine.launch_errors import explain
from endwell.engine.protocol import EngineError
from endwell.records import dataclass
from endwell.system import descent
from endwell.system.launch import Launch, LaunchError
from tests.probe.watched import PYTHON, SHELL
from tests.support.docker import IMAGE
from tests.support.session import docker

if TYPE_CHECKING:
    from endwell.engine.docker import DockerEngine
    from endwell.system.namespace import Namespace

__all__ = ["docker"]

SOURCES = Path(endwell.__file__).parents[1]
# kill($bystander, 9) of two other ABIs; a machine that has none of them tells nothing here.
OTHERWISE = """
import ctypes, mmap, os
pid = int(os.environ["bystander"])
if os.uname().machine == "x86_64":
    before, after = bytes.fromhex("53 b825000000 bb"), bytes.fromhex("b909000000 cd80 5b c3")
    code = before + pid.to_bytes(4, "little") + after
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    ctypes.CDLL(None).syscall(0x40000000 | 62, pid, 9)
"""
READY = "print('ready', flush=True)\n"
KUBERNETES = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only")
PLACES = {
    "root": (),
    "user": ("--user", "65534:65534"),
    "Kubernetes restricted, root": KUBERNETES,
    "Kubernetes restricted, user": (*KUBERNETES, "--user", "65534:65534"),
    "masked proc": ("--security-opt", "seccomp=unconfined", "--user", "65534:65534"),
}
PROBE = ("-m", "endwell", "probe", "--quiet", "--json", "--grace", "300ms", "--ready", "log:^ready$")


@dataclass(frozen=True, slots=True)
class Told:
    """What a probe inside a container has printed."""

    report: dict[str, Any]

    def of(self, number: int) -> dict[str, Any]:
        """The process that was born as the first, second..."""
        found: dict[str, Any] = self.report["processes"][number - 1]
        return found

    def fates(self, number: int) -> list[tuple[str, str, str]]:
        """The signals it was sent: name, from whom, what became of it."""
        return [(one["signal"], one["from"]["kind"], one["fate"]) for one in self.of(number)["signals"]]


def run(docker: DockerEngine, options: tuple[str, ...], *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a plain container of the host's files."""
    roots = [
        f"/{name}" for name in ("bin", "sbin", "lib", "lib64", "usr") if not Path("/", name).is_symlink()
    ]
    places = [*((root, root) for root in roots if Path(root).is_dir()), (str(SOURCES), "/endwell")]
    mounts = [
        word
        for source, place in places
        for word in ("--mount", f"type=bind,src={source},dst={place},readonly")
    ]
    variables = ("--env", "PYTHONPATH=/endwell", "--env", "PYTHONDONTWRITEBYTECODE=1")
    return subprocess.run(
        [
            *("docker", "--host", docker.endpoint.url, "run", "--rm", "--network", "none"),
            *(*mounts, *variables, *options, IMAGE, *command),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def probe(docker: DockerEngine, place: str, *words: str) -> Told:
    """Probe inside a container; it is an approximation that lost nothing."""
    done = run(docker, PLACES[place], "/usr/bin/python3", *PROBE, *words)
    assert done.returncode in {0, 1}, done.stderr
    report = json.loads(done.stdout)
    assert (report["observer"]["name"], report["observer"]["lost"]) == ("approximation", 0)
    assert any("called PID 1" in sentence for sentence in report["observer"]["blind"])
    assert [note for note in report["notes"] if "no PID namespace could be made" in note]
    return Told(report)


@pytest.mark.docker
@pytest.mark.parametrize("place", PLACES)
def test_a_trap_that_forwards(docker: DockerEngine, place: str) -> None:
    # The child says that it is ready: until its exec a child of dash has its parent's handler.
    child = shlex.join([*PYTHON, f"import signal; {READY}signal.pause()"])
    text = f"trap 'kill $p; wait $p; exit 7' TERM; {child} & p=$!; wait"
    told = probe(docker, place, "--grace", "10s", "--", *SHELL, text)
    assert told.report["stop"]["exit"] == 7
    assert told.fates(1) == [("SIGTERM", "outside", "handler")]
    assert told.fates(2) == [("SIGTERM", "process", "default")]
    assert told.of(1)["pid"] == 1


@pytest.mark.docker
@pytest.mark.parametrize("place", PLACES)
def test_who_is_left_is_killed(docker: DockerEngine, place: str) -> None:
    text = "trap 'exit 0' TERM; sleep 100 & (setsid sleep 101 & true); sleep 0; echo ready; wait; wait"
    told = probe(docker, place, "--grace", "10s", "--", *SHELL, text)
    hundred, other = (
        next(one for one in told.report["processes"] if ["sleep", seconds] in one["argv"])
        for seconds in ("100", "101")
    )
    assert other["adopted"]
    for one in (hundred, other):
        assert [(sent["signal"], sent["from"]["kind"]) for sent in one["signals"]] == [
            ("SIGKILL", "namespace")
        ]


@pytest.mark.docker
def test_what_pid_1_has_no_handler_for_is_withheld(docker: DockerEngine) -> None:
    told = probe(docker, "user", "--", *SHELL, "echo ready; sleep 100; true")
    assert told.fates(1) == [("SIGTERM", "outside", "discarded"), ("SIGKILL", "outside", "default")]
    assert told.report["stop"]["exit"] == 137


@pytest.mark.docker
def test_a_signal_that_is_raised_again_is_withheld_too(docker: DockerEngine) -> None:
    text = (
        "import os,signal\ndef again(*_):\n  signal.signal(15, signal.SIG_DFL); os.kill(os.getpid(), 15)\n"
        f"  os._exit(4)\nsignal.signal(15, again)\n{READY}while True: signal.sigtimedwait([], 0.01)"
    )
    told = probe(docker, "root", "--grace", "10s", "--", *PYTHON, text)
    assert told.fates(1) == [("SIGTERM", "outside", "handler"), ("SIGTERM", "process", "discarded")]
    assert told.report["stop"]["exit"] == 4


@pytest.mark.docker
def test_sigwait(docker: DockerEngine) -> None:
    text = f"import signal\nsignal.pthread_sigmask(0, {{15}})\n{READY}signal.sigwait({{15}})"
    assert probe(docker, "user", "--", *PYTHON, text).fates(1) == [("SIGTERM", "outside", "sigwait")]


@pytest.mark.docker
def test_what_it_runs_inside_is_seen_and_ends_with_it(docker: DockerEngine) -> None:
    told = probe(
        docker,
        "root",
        "--exec",
        "sleep 100 & kill -USR1 1",
        "--",
        *SHELL,
        "trap 'exit 0' TERM; echo ready; read x </dev/zero & wait; wait",
    )
    assert ("SIGUSR1", "process", "discarded") in told.fates(1)
    left = [one for one in told.report["processes"] if ["sleep", "100"] in one["argv"]]
    assert [(sent["signal"], sent["from"]["kind"]) for one in left for sent in one["signals"]] == [
        ("SIGKILL", "namespace")
    ]


@pytest.mark.docker
@pytest.mark.parametrize(
    "kill",
    [
        *("kill -9 1", "kill -9 -1", "kill -9 $bystander", "kill -9 -$bystander"),
        shlex.join(["/usr/bin/python3", "-c", OTHERWISE]),
    ],
    ids=["1", "all", "one", "group", "by other ABIs"],
)
def test_it_cannot_reach_others(docker: DockerEngine, kill: str) -> None:
    guest = f"sleep 100 & sleep 0; {kill}; trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    words = [*PROBE, "--env", "bystander=$!", "--", *SHELL]
    script = (
        f'setsid sleep 1000 & python3 {" ".join(words)} "$0" >/tmp/report; kill -0 $! && echo alive; '
        "cat /tmp/report"
    )
    done = run(docker, (), "/bin/sh", "-c", script.replace("bystander=$!", '"bystander=$!"'), guest)
    alive, _, report = done.stdout.partition("\n")
    assert alive == "alive", done.stdout + done.stderr
    assert json.loads(report)["stop"]["exit"] == 3
    others = Told(json.loads(report)).fates(2)
    assert [one[:2] for one in others] == [
        ("SIGKILL", "process" if "-9 -1" in kill else "namespace"),
    ]


@pytest.mark.docker
def test_a_server_whose_workers_are_somebody_else(docker: DockerEngine) -> None:
    text = (
        "import os,signal\np = os.fork()\nif not p:\n  os.setgid(65534); os.setuid(65534)\n"
        "  os.execv('/bin/sleep', ['sleep', '100'])\n"
        "def told(*_):\n  os.kill(p, 15); os.waitpid(p, 0); os._exit(0)\nsignal.signal(15, told)\n"
        "while b'sleep' not in open(f'/proc/{p}/cmdline', 'rb').read(): pass\n"
        f"{READY}while True: signal.sigtimedwait([], 0.01)"
    )
    told = probe(docker, "root", "--", *PYTHON, text)
    assert told.report["verdict"] == "ends well"
    assert told.of(2)["argv"][-1] == ["sleep", "100"]
    assert told.fates(2) == [("SIGTERM", "process", "default")]


@pytest.mark.docker
def test_nothing_unobserved_is_run(docker: DockerEngine) -> None:
    done = run(
        docker,
        (),
        "/usr/bin/python3",
        *PROBE,
        "--control",
        "--",
        *SHELL,
        "trap 'exit 0' TERM; echo ready; wait",
    )
    assert done.returncode == 2
    assert "leave out --control" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# It has what refuses it `unshare` and `seccomp`, as a container without the right to any does.
NOTHING_ALLOWED = """
import ctypes, os, struct, sys
unshare, seccomp = (272, 317) if os.uname().machine == "x86_64" else (97, 277)
line = lambda code, yes, value: struct.pack("HBBI", code, yes, 0, value)
program = line(0x20, 0, 0) + line(0x15, 2, unshare) + line(0x15, 1, seccomp)
program += line(6, 0, 0x7FFF0000) + line(6, 0, 0x00050001)
code = ctypes.create_string_buffer(program)
filter = ctypes.create_string_buffer(struct.pack("HP", len(program) // 8, ctypes.addressof(code)))
if not os.geteuid():
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
libc = ctypes.CDLL(None)
assert not libc.prctl(38, 1, 0, 0, 0)
assert not libc.syscall(seccomp, 1, 0, filter)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_where_nothing_keeps_its_signals_in_nothing_is_run() -> None:
    # Should it be run after all: it signals nobody.
    guest = [*PROBE, "--observer", "seccomp", "--", *SHELL, "echo ready; sleep 100"]
    done = subprocess.run(
        ["/usr/bin/python3", "-c", NOTHING_ALLOWED, "/usr/bin/python3", *guest],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(SOURCES), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]},
        cwd="/",
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "neither a PID namespace nor a seccomp filter is allowed here" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("step", ["fork", "clone3", "prepare", "confine"])
@pytest.mark.parametrize(("number", "advice"), [(errno.EAGAIN, "ulimit -u"), (errno.EMFILE, "ulimit -n")])
def test_a_limit_is_called_one_whatever_the_step(step: str, number: int, advice: str) -> None:
    said = str(explain(LaunchError(step, number), ["app"], "/"))
    assert said.startswith("cannot start app: ")
    assert advice in said
    assert "Linux 5.3" not in said


def test_without_lists_of_children_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Launch) -> Namespace:
        raise LaunchError("unshare", errno.EPERM)

    monkeypatch.setattr(approximation, "hold", refuse)
    monkeypatch.setattr(approximation, "namespace_of", lambda _: (0, 0))
    monkeypatch.setattr(descent, "_OURS", tmp_path / "children")
    launch = Launch(command=["true"], environment={}, stdin=0, stdout=1, stderr=2, listener=0)
    with pytest.raises(
        EngineError, match=r"^cannot run true: .*no /proc/PID/task/TID/children .*--privileged$"
    ):
        approximation.make(launch)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="it is about root")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv")
def test_root_on_the_host_is_refused() -> None:
    done = subprocess.run(
        [
            "setpriv",
            "--bounding-set=-sys_admin",
            "--inh-caps=-sys_admin",
            sys.executable,
            *PROBE,
            "--",
            "true",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "as root on the host" in done.stderr
    assert len(done.stderr.splitlines()) == 1
