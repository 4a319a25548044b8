"""At rest: PID 1 with a sleeping child holds next to no memory and is never woken."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.init.builds import shipped, write_out
from tests.init.lives import COMMAND, Life

if TYPE_CHECKING:
    from collections.abc import Iterator

ASLEEP = "5"
"""Seconds of idleness, as `sleep` takes them: long enough for every poll of a second or so."""


@contextlib.contextmanager
def resting(*options: str, pid_1: bool = True, argv0: str | None = None) -> Iterator[int]:
    """An init that waits, its child asleep; gives its pid."""
    with Life([shipped(), *options, "--", *COMMAND], pid_1=pid_1, argv0=argv0) as life:
        assert life.hears(b"ready\n"), life.errors()
        while state(life.pid) != "S":
            os.sched_yield()
        yield life.pid


def state(process: int) -> str:
    """The letter of the process's state: proc_pid_stat(5)."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def switches(process: int) -> int:
    """How often the process was switched off so far, by itself or by the scheduler: proc_pid_status(5)."""
    status = Path(f"/proc/{process}/status").read_text()
    return sum(int(count) for count in re.findall(r"voluntary_ctxt_switches:\s+(\d+)", status))


def kilobytes(process: int) -> dict[str, int]:
    """The process's memory by kind: /proc/PID/smaps_rollup."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    return {key: int(value.split()[0]) for key, _, value in (line.partition(":") for line in lines)}


HOOKS = ("--before-stop", "true", "--after-exit", "true")
DIALECTS = pytest.mark.parametrize("argv0", [None, "tini", "dumb-init", "catatonit"])


@pytest.fixture(scope="module", autouse=True)
def _on_disk() -> None:
    write_out(shipped())


@DIALECTS
@pytest.mark.parametrize("pid_1", [True, False], ids=["PID 1", "subreaper"])
def test_memory_with_a_sleeping_child(argv0: str | None, *, pid_1: bool) -> None:
    with resting(pid_1=pid_1, argv0=argv0) as process:
        memory = kilobytes(process)
    assert memory["Rss"] <= 64
    assert memory["Private_Dirty"] <= 16
    assert memory["Swap"] == 0


@pytest.mark.slow
def test_never_woken_while_idle() -> None:
    options = {
        "plain": (),
        "everything": (
            "--grace",
            "10s",
            "--wait",
            "tree",
            "--before-stop",
            "true",
            "--report",
            "/dev/null",
            "-v",
        ),
    }
    with contextlib.ExitStack() as stack:
        processes = {name: stack.enter_context(resting(*words)) for name, words in options.items()}
        for argv0 in ("tini", "dumb-init", "catatonit"):
            processes[argv0] = stack.enter_context(resting(argv0=argv0))
        processes["subreaper"] = stack.enter_context(resting(pid_1=False))
        before = {name: switches(process) for name, process in processes.items()}
        with subprocess.Popen(["sleep", ASLEEP]) as clock:
            assert clock.wait() == 0
        assert {name: switches(process) for name, process in processes.items()} == before


@pytest.mark.parametrize(
    ("reach", "pid_1"),
    [("main", True), ("tree", True), ("tree", False)],
    ids=["main", "tree", "tree of a subreaper"],
)
def test_memory_is_the_same_after_a_thousand_signals(reach: str, *, pid_1: bool) -> None:
    with resting("--to", reach, pid_1=pid_1) as process:
        memory = []
        for count in (1, 1000):
            seen = switches(process)
            for _ in range(count):
                os.kill(process, signal.SIGWINCH)  # which a shell ignores
            while switches(process) == seen or state(process) != "S":
                os.sched_yield()
            memory.append(kilobytes(process))
    # To go through the tree takes a few pages, once: buffers for /proc, and a bit for each process found.
    first, last = memory
    assert last["Private_Dirty"] <= first["Private_Dirty"] + 4
    assert last["Private_Dirty"] <= 40
    assert last["Rss"] <= 80
