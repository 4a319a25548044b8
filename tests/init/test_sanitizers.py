"""The init under the sanitizers and under valgrind: no word of theirs in any life, whatever its arguments."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from endwell.records import dataclass
from tests.init import command_lines
from tests.init.builds import Variant, build, has_sanitizers, shipped
from tests.init.lives import COMMAND, Life

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAMES: Final = (
    *("endwell-init", "tini", "tini-static", "docker-init", "dumb-init", "catatonit", "podman-init"),
)
PATIENCE: Final = 30.0
"""Seconds until a run counts as a hang; the tools make the init many times slower."""
RUNS: Final = 300
"""Random command lines for each dialect."""


class Watch:
    """Runs the init under one of the tools and knows whether the tool has found something."""

    def __init__(self, directory: Path, tool: str) -> None:
        self.directory = directory
        self.log = directory / "found"
        if tool == "sanitizers":
            options = f"log_path={self.log}:exitcode=99:detect_leaks=0"
            self.before: list[str] = []
            self.program = build(Variant.SANITIZED)
            self.environment = {"ASAN_OPTIONS": options, "UBSAN_OPTIONS": f"{options}:print_stacktrace=1"}
        else:
            valgrind = shutil.which("valgrind")
            assert valgrind is not None
            quiet = (
                "-q",
                "--error-exitcode=99",
                "--child-silent-after-fork=yes",
                f"--log-file={self.log}.%p",
            )
            self.before = [valgrind, *quiet]
            self.program = shipped()
            self.environment = {}

    def named(self, name: str) -> Path:
        """A link to the program, so that it is called by that name under valgrind too."""
        link = self.directory / name
        if not link.exists():
            link.symlink_to(self.program)
        return link

    def words(self, name: str, *arguments: str) -> list[str | Path]:
        """The argument list that runs the init by that name under the tool."""
        return [*self.before, self.named(name), *arguments]

    def found(self) -> str:
        """What the tool has found so far, or nothing.

        valgrind's own troubles (`--pid--`, such as a system call newer than it) are not ours.
        """
        lines = [
            line
            for file in self.directory.glob("found.*")
            for line in file.read_text(errors="replace").splitlines()
            if not line.startswith("--")
        ]
        return "\n".join(lines)

    def run(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> int:
        """The exit status of a run that ends by itself; TERM ends one that does not."""
        with subprocess.Popen(
            self.words(name, *arguments),
            cwd=self.directory,
            env={"PATH": os.defpath, **self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                status = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert self.found() == ""
        return status


@pytest.fixture(params=["sanitizers", "valgrind"])
def watch(request: pytest.FixtureRequest, tmp_path: Path) -> Watch:
    tool = str(request.param)
    if tool == "sanitizers" and not has_sanitizers():
        pytest.skip("the compiler brings no sanitizers")
    if tool == "valgrind" and not shutil.which("valgrind"):
        pytest.skip("needs valgrind")
    return Watch(tmp_path, tool)


@dataclass(frozen=True)
class Story:
    """One life: its options and command, the signals that are sent one by one, and the exit status."""

    name: str
    options: tuple[str, ...]
    command: tuple[str, ...]
    status: int
    signals: tuple[int, ...] = ()
    argv0: str = "endwell-init"
    pid_1: bool = True


def shell(script: str) -> tuple[str, ...]:
    """A command that is a shell script."""
    return ("/bin/sh", "-c", script)


MAIN: Final = "echo ready; read word"
WORKER: Final = "exec 3<&0; setsid cat <&3 >/dev/null 2>&1 &"
# Is ready when whoever has started it was collected: until then TERM would end that one.
SURVIVOR: Final = """exec 3<&0
setsid sh -c 'while kill -0 $0 2>/dev/null; do :; done; echo ready; exec cat <&3' $$ &"""
DEAF: Final = """exec 3<&0; setsid sh -c 'trap "" TERM; exec cat' <&3 >/dev/null &"""
ORPHANS: Final = "n=0; while [ $n -lt 1000 ]; do n=$((n+1)); ( (exit 1) & ); done"
HOOKS: Final = ("--before-stop", "true", "--after-exit", "exit 5", "--report", "report.json")
GRACE: Final = ("--grace", "20s")
HUP, INT, USR1, TERM = signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGTERM
WITH_WORKER: Final = shell(f"{WORKER} {MAIN}")
HEARS_BOTH: Final = shell(f"trap 'exit 7' TERM INT; {MAIN}")
ALL_DEAF: Final = shell(f"trap '' TERM; {DEAF} {MAIN}")
REAL_TIME: Final = tuple(range(34, 64))
"""Without 64, which valgrind keeps for itself."""
DEAF_TO_THEM: Final = shell(f"trap '' {' '.join(map(str, REAL_TIME))}; {MAIN}")

STORIES: Final = (
    Story("main says its end", (), COMMAND, 7, (TERM,)),
    Story("main dies of the signal", (), shell(MAIN), 143, (TERM,)),
    Story("worker in its own session", (*GRACE, "-v"), WITH_WORKER, 143, (TERM,)),
    Story("nobody hears", ("--grace", "1s", "--report", "-"), ALL_DEAF, 137, (TERM,)),
    Story("hooks and a report", (*GRACE, *HOOKS), WITH_WORKER, 143, (TERM,)),
    Story("hooks and an heir", (*GRACE, *HOOKS, "--after-main", "exit 3", "-v"), WITH_WORKER, 143, (TERM,)),
    Story(
        "heirs that linger",
        (*GRACE, "--main-timeout", "3s", "--after-main", "sleep 1000"),
        WITH_WORKER,
        143,
        (TERM, TERM, TERM),  # of two that are pending the main process would get the lower number first
    ),
    Story(
        "heirs that are interrupted",
        (*GRACE, "--main-timeout", "3s", "--after-main", "sleep 1000"),
        WITH_WORKER,
        130,
        (INT, INT, INT),
    ),
    Story("hook that is not there", ("--before-stop", "/no/such", "-v"), COMMAND, 7, (TERM,)),
    Story("rewritten", ("--rewrite", "USR1:TERM", "--rewrite", "HUP:0"), COMMAND, 7, (HUP, USR1)),
    Story("hurried", ("--drain", "1h", "--grace", "2h"), HEARS_BOTH, 7, (TERM, INT)),
    Story("to the tree", ("--to", "tree", *GRACE), WITH_WORKER, 143, (TERM,), pid_1=False),
    Story("to the group", ("--to", "group"), WITH_WORKER, 143, (TERM,)),
    Story("mapped", ("--exit-map", "143=0"), shell(MAIN), 0, (TERM,)),
    Story("main in the background", ("--wait", "tree"), shell(SURVIVOR), 0, (TERM,)),
    Story("a thousand orphans", (), shell(f"{ORPHANS}; echo ready"), 0),
    Story("real-time signals", (), DEAF_TO_THEM, 143, (*REAL_TIME, TERM)),
    Story("tini's group", ("-s", "-g", "-vvv"), COMMAND, 7, (TERM,), "tini"),
    Story("dumb-init's session", ("-v", "-r", "1:15"), COMMAND, 7, (HUP,), "dumb-init"),
    Story("catatonit's pause", ("-P",), (), 0, (TERM,), "catatonit"),
    Story("catatonit's group", ("-g",), COMMAND, 7, (TERM,), "catatonit"),
)


@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
def test_a_life(story: Story, watch: Watch) -> None:
    options = [
        option.replace("report.json", str(watch.directory / "report.json")) for option in story.options
    ]
    command = ("--", *story.command) if story.command else ()
    words = watch.words(story.argv0, *options, *command)
    with Life(words, watch.environment, pid_1=story.pid_1) as life:
        if story.command:
            assert life.hears(b"ready\n", PATIENCE), life.errors()
        for number in story.signals:
            life.send(number)
        while not story.command and not life.ends(0.1):
            life.send(TERM)  # no word says from when on it hears, and what comes before is lost on a PID 1
        assert life.ends(PATIENCE), life.errors()
        assert watch.found() == ""
        assert life.status == story.status, life.errors()


@pytest.mark.parametrize("name", NAMES)
def test_words_and_errors(name: str, watch: Watch) -> None:
    for arguments in (
        ("-h",),
        ("--help",),
        ("--version",),
        ("-V",),
        (),
        ("--",),
        ("--no-such-option",),
        ("-Z",),
        ("--", ""),
        ("--", "/no/such/command"),
        ("--", "/etc/passwd"),
        ("--", "/"),
        ("--", "no-such-command"),
        ("--", "x" * 5000),
        ("--", "true"),
        ("true", *("word",) * 5000),
    ):
        assert watch.run(name, *arguments) in {0, 1, 2, 125, 126, 127}, arguments


@pytest.mark.slow
@pytest.mark.skipif(not has_sanitizers(), reason="the compiler brings no sanitizers")
@pytest.mark.parametrize("name", command_lines.OPTIONS)
def test_random_command_lines(name: str, tmp_path: Path) -> None:
    watch = Watch(tmp_path, "sanitizers")
    pick = random.Random(f"command lines of {name}")  # noqa: S311 - the same ones in every run
    for _ in range(RUNS):
        words = command_lines.words(pick, name)
        environment = command_lines.environment(pick)
        said = (words, environment)
        assert watch.run(name, *words, environment=environment) in {0, 1, 2, 3, 125, 126, 127}, said
