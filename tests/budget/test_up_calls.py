"""`endwell up` and the kernel: what one service takes, from its start to its end, whatever else there is."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.supervise.upping import Up

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

FEW, MANY = 20, 60
# Calls of the supervisor itself for a service with two log files, from before its start until after its end.
# A few more than it takes today: whoever adds one for each service should know it.
MOST = 75


def calls(directory: Path, number: int) -> int:
    """Count the calls of a supervisor's whole life with so many services."""
    directory.mkdir()
    trace = directory / "trace"
    section = "command=sleep 1000\nstartsecs=0\nprocess_name=web-%(process_num)s\n"
    logs = "\n".join(
        f"{stream}_logfile={directory}/%(process_num)s.{stream}" for stream in ("stdout", "stderr")
    )
    tracer = ("strace", "-qq", "-e", "signal=none", "-o", str(trace), sys.executable, "-m", "endwell")
    with Up(directory, f"[program:web]\n{section}numprocs={number}\n{logs}\n", endwell=tracer) as up:
        up.wait_until(lambda: sum("is running" in line for line in up.err) == number)
        tracing = up.process.pid
        os.kill(int(Path(f"/proc/{tracing}/task/{tracing}/children").read_text()), signal.SIGTERM)
        assert up.wait() == 0
    return len(re.findall(r"^\w+\(", trace.read_text(), re.MULTILINE))


def test_calls_for_one_service(tmp_path: Path) -> None:
    few, many = calls(tmp_path / "few", FEW), calls(tmp_path / "many", MANY)
    assert (many - few) / (MANY - FEW) <= MOST
