"""The same listener under the real supervisord and under us: it is told the same."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.compat.conftest import missing

if TYPE_CHECKING:
    from collections.abc import Callable

REAL = Path("/usr/bin/supervisord")
RECORD = Path(__file__).parent / "guests" / "record.py"
SOURCES = Path(__file__).parents[3] / "src"
PATIENCE = 60.0
Event = tuple[dict[str, str], str]

pytestmark = pytest.mark.slow

BEGIN, END = "<!--XSUPERVISOR:BEGIN-->", "<!--XSUPERVISOR:END-->"
# The real one makes a log event of what it captures, too, which it does not promise.
TWICE = ("PROCESS_LOG_STDOUT", "processname:talks groupname:talks pid:N channel:stdout\nsaid")
# The real one stops this one last, and takes its time for it: it would lose the events before otherwise.
LAST = "aaa"
# What each program goes through, and what makes it do so.
PROGRAMS = {
    LAST: ("trap 'read -t 3 line <never; exit 0' TERM; read line <never", "startsecs=0\n"),
    "once": ("exit 0", "autorestart=false\nstartsecs=0\n"),
    "wrong": ("exit 3", "autorestart=false\nstartsecs=0\n"),
    "again": ("read line <again; exit 1", "autorestart=unexpected\nstartsecs=0\n"),
    # The real one sees a death so late that less would count as having lived.
    "fatal": ("exit 1", "startsecs=10\nstartretries=1\n"),
    "nowhere": ("", "startsecs=1\nstartretries=0\n"),
    "stays": ("exec cat never", "startsecs=0\n"),
    "deaf": ("trap '' TERM; echo deaf; read line <never", "startsecs=0\nstopwaitsecs=1\n"),
    "talks": (
        f"echo out; printf '{BEGIN}said{END}'; exec cat never",
        "startsecs=0\nstdout_events_enabled=true\nstdout_capture_maxbytes=1MB\n",
    ),
    "warns": ("echo café >&2; exec cat never", "startsecs=0\nstderr_events_enabled=true\n"),
    "raw": ("printf 'a\\377b'; exec cat never", "startsecs=0\nstdout_events_enabled=true\n"),
}


class Run:
    """A supervisor with a listener.

    Args:
        process: the supervisor.
        folder: where its files are.
        record: where the listener writes what it is told.
    """

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, record: int) -> None:
        self.process = process
        self.folder = folder
        self._record = record
        self._read = b""

    @property
    def events(self) -> list[Event]:
        """What the listener was told so far."""
        lines = self._read[: self._read.rfind(b"\n") + 1].splitlines()
        return [(told[0], told[1]) for told in map(json.loads, lines)]

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Read until something holds."""
        until = time.monotonic() + PATIENCE
        ended = os.pidfd_open(self.process.pid)
        try:
            while not happened():
                ready, _, _ = select.select([self._record, ended], [], [], until - time.monotonic())
                assert ready, f"it did not come: {self.events}"
                assert self._record in ready, f"it has ended: {self.events}"
                self._read += os.read(self._record, 65536)
        finally:
            os.close(ended)

    def end(self) -> None:
        """Tell it to end, and read the rest."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            os.set_blocking(self._record, False)
            with contextlib.suppress(BlockingIOError):
                self._read += os.read(self._record, 1 << 20)
            os.close(self._record)

    def serials(self, pool: str) -> list[tuple[int, int]]:
        """Return the numbers of the events that a pool was told of."""
        told = [headers for headers, _ in self.events if headers["pool"] == pool]
        return [(int(headers["serial"]), int(headers["poolserial"])) for headers in told]

    def of(self, name: str) -> list[tuple[str, str]]:
        """Return what it was told of a process, without the numbers that are different each time."""
        return [
            (headers["eventname"], re.sub(r"pid:[1-9]\d*", "pid:N", payload))
            for headers, payload in self.events
            if f"processname:{name} " in payload
        ]


def start(command: list[str], folder: Path, sections: str) -> Run:
    folder.mkdir()
    for name in ("never", "again", "record", "go"):
        os.mkfifo(folder / name)
    for name, (script, _) in PROGRAMS.items():
        (folder / f"{name}.sh").write_text(f"{script}\n")
    text = f"[supervisord]\nnodaemon=true\nidentifier=twin\nlogfile={folder}/log\npidfile={folder}/pid\n"
    text += f"childlogdir={folder}\n{sections}"
    conf = folder / "supervisord.conf"
    conf.write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)} if "endwell" in command else dict(os.environ)
    process = subprocess.Popen(
        [*command, "-c", str(conf)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=folder,
    )
    # For writing as well, so that there is no end of it before the listener has opened it.
    return Run(process, folder, os.open(folder / "record", os.O_RDWR | os.O_CLOEXEC))


def listener(name: str, folder: Path, options: str, words: str = "") -> str:
    """Write the section of a listener that writes to `record`."""
    command = f"{sys.executable} {RECORD} {folder}/record {words}"
    return f"[eventlistener:{name}]\ncommand={command}\n{options}"


def everything(folder: Path) -> str:
    text = listener("record", folder, "events=EVENT\nbuffer_size=1000\n")
    for name, (script, options) in PROGRAMS.items():
        line = f"bash {folder}/{name}.sh" if script else "/nowhere/at/all"
        text += f"[program:{name}]\ncommand={line}\ndirectory={folder}\n{options}"
    return text


def play(run: Run) -> None:
    """Go through everything, and end it."""
    try:
        run.wait_until(lambda: "PROCESS_STATE_FATAL" in names(run.of("fatal")))
        run.wait_until(lambda: len(run.of("talks")) >= 4)
        run.wait_until(lambda: len(run.of("warns")) >= 3 and len(run.of("raw")) >= 3)
        run.wait_until(lambda: names(run.of("again"))[-1:] == ["PROCESS_STATE_RUNNING"])
        (run.folder / "again").write_text("\n")
        run.wait_until(lambda: names(run.of("again")).count("PROCESS_STATE_RUNNING") == 2)
        run.wait_until(lambda: names(run.of("deaf"))[-1:] == ["PROCESS_STATE_RUNNING"])
    finally:
        run.end()


def names(told: list[tuple[str, str]]) -> list[str]:
    return [event for event, _ in told]


@pytest.fixture(scope="module")
def commands() -> dict[str, list[str]]:
    if not REAL.exists():
        missing("supervisord is not installed: `apt-get install supervisor`")
    ours = [sys.executable, "-m", "endwell", "up", "--grace", "30s", "--socket", "none"]
    return {"real": [str(REAL)], "ours": ours}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, commands: dict[str, list[str]]) -> tuple[Run, Run]:
    """Play everything under the real one and under us, at the same time."""
    top = tmp_path_factory.mktemp("events")
    started = [start(command, top / name, everything(top / name)) for name, command in commands.items()]
    for run in reversed(started):
        play(run)
    return started[0], started[1]


@pytest.mark.parametrize("name", PROGRAMS)
def test_of_each_process_it_is_told_the_same_in_the_same_order(runs: tuple[Run, Run], name: str) -> None:
    real, ours = (run.of(name) for run in runs)
    assert real
    if name == LAST:
        assert ours[: len(real)] == real
    else:
        # What a process says and what becomes of it are seen in two places: the one or the other comes first.
        for kind in (True, False):
            assert [one for one in ours if one[0].startswith("PROCESS_STATE") is kind] == [
                one for one in real if one[0].startswith("PROCESS_STATE") is kind and one != TWICE
            ]


def test_it_is_told_the_same_of_the_supervisor(runs: tuple[Run, Run]) -> None:
    def of_all(run: Run) -> list[tuple[str, str]]:
        return [
            (headers["eventname"], payload)
            for headers, payload in run.events
            if headers["eventname"].startswith(("SUPERVISOR_", "PROCESS_GROUP_"))
        ]

    real, ours = runs
    assert of_all(ours) == of_all(real)


def test_the_line_before_a_payload_is_the_same(runs: tuple[Run, Run]) -> None:
    for run in runs:
        for at, (headers, payload) in enumerate(run.events):
            assert list(headers) == ["ver", "server", "serial", "pool", "poolserial", "eventname", "len"]
            assert headers["ver"] == "3.0"
            assert headers["server"] == "twin"
            assert headers["pool"] == "record"
            assert headers["serial"] == headers["poolserial"] == str(at)
            assert int(headers["len"]) == len(payload)


def test_the_time_is_told_the_same(runs: tuple[Run, Run]) -> None:
    for run in runs:
        ticks = [payload for headers, payload in run.events if headers["eventname"] == "TICK_5"]
        assert all(re.fullmatch(r"when:\d+", one) for one in ticks)
        assert all(int(one.partition(":")[2]) % 5 == 0 for one in ticks)


def test_what_is_captured_is_not_logged(runs: tuple[Run, Run]) -> None:
    for run in runs:
        logs = "".join(path.read_text() for path in run.folder.glob("talks-stdout*"))
        assert logs.startswith("out\n")
        assert "said" not in logs


@pytest.mark.parametrize("name", ["real", "ours"])
def test_what_is_dropped_and_what_is_told_again(
    tmp_path: Path, commands: dict[str, list[str]], name: str
) -> None:
    folder = tmp_path / name
    events = "events=PROCESS_STATE_EXITED\nstartsecs=0\nbuffer_size="
    text = listener("all", folder, f"{events}100\n") + listener("few", folder, f"{events}2\n", "late")
    for number in range(6):
        text += f"[program:job{number}]\ncommand=true\nautorestart=false\nstartsecs=0\n"
    run = start(commands[name], folder, text)
    try:
        run.wait_until(lambda: len(run.serials("all")) == 6)
        (folder / "go").write_text("\n")
        run.wait_until(lambda: len(run.serials("few")) == 4)
    finally:
        run.end()
    # The real one tells other pools, too, of what one has rejected.
    told = run.serials("all")
    assert (told[:6] if name == "real" else told) == [(number, number) for number in range(6)]
    # The first that it is told it rejects twice, and so it has it three times.
    assert run.serials("few") == [(4, 4), (4, 4), (4, 4), (5, 5)]
