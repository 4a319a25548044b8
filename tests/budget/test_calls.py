"""System calls, as strace sees them: signals are blocked before anything else, and there is no heap."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from endwell.records import dataclass
from tests.init.builds import shipped

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

HEAP = {"brk", "mmap", "mremap", "munmap", "madvise"}


@dataclass(frozen=True)
class Call:
    """One system call of the init: its name, and the whole line of the trace."""

    name: str
    text: str


def calls(directory: Path, name: str, command: str = "exit 0") -> list[Call]:
    """The system calls of an init by that name, from its first to its end, execve itself not among them."""
    program, log = directory / name, directory / "trace"
    program.symlink_to(shipped())
    tracer = ["strace", "-f", "-qq", "-e", "signal=none", "-o", str(log)]
    subprocess.run(
        [*tracer, str(program), "--", "/bin/sh", "-c", command], check=True, capture_output=True, timeout=60
    )
    lines = [line.split(maxsplit=1) for line in log.read_text().splitlines()]
    first = next(index for index, (_, text) in enumerate(lines) if text.startswith(f'execve("{program}"'))
    own = [text for process, text in lines[first + 1 :] if process == lines[first][0]]
    return [Call(text.partition("(")[0], text) for text in own if re.match(r"\w+\(", text)]


@pytest.fixture(params=["endwell-init", "tini", "dumb-init", "catatonit"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_signals_are_blocked_within_five_calls(tmp_path: Path, name: str) -> None:
    made = calls(tmp_path, name)
    blocking = [number for number, call in enumerate(made, 1) if call.name == "rt_sigprocmask"]
    assert blocking
    assert blocking[0] <= 5
    assert re.match(r"rt_sigprocmask\(SIG_(BLOCK|SETMASK), ~\[\], ", made[blocking[0] - 1].text), (
        f"a signal is left out, 32 to 34 perhaps: {made[blocking[0] - 1].text}"
    )


def test_no_heap(tmp_path: Path, name: str) -> None:
    made = calls(tmp_path, name, "true & wait; kill -WINCH $PPID; exit 0")
    assert [call.text for call in made if call.name in HEAP] == []
