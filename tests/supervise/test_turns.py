"""A thousand services may want something at once: done bit by bit, with a turn for others in between."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.supervise.upping import Up

if TYPE_CHECKING:
    from pathlib import Path

# One thing in each turn of the loop: whatever can come in between does.
PATIENT = (
    "import sys, endwell.supervise.agenda as agenda; agenda.SLICE = 1e-9;"
    " from endwell.__main__ import main; sys.exit(main())"
)
ENDWELL = (sys.executable, "-c", PATIENT)
MANY = 40


def services(*options: str, number: int = MANY, command: str = "sleep 1000") -> str:
    lines = [f"command={command}", "startsecs=0", "process_name=web-%(process_num)s", f"numprocs={number}"]
    return "\n".join(["[program:web]", *lines, *options]) + "\n"


def running(up: Up) -> int:
    return sum("is running" in line for line in up.err)


def test_start_and_stop_of_many(tmp_path: Path) -> None:
    with Up(tmp_path, services(), endwell=ENDWELL) as up:
        up.wait_until(lambda: running(up) == MANY)
        assert up.stop() == 0
        rows = up.report["services"]
    assert len(rows) == MANY
    assert {(row["end"]["kind"], row["end"]["signal"]) for row in rows} == {("signal", "SIGTERM")}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_many_are_still_to_be_started(tmp_path: Path, number: int) -> None:
    with Up(tmp_path, services(), endwell=ENDWELL) as up:
        up.wait_until(lambda: running(up) > 0)
        assert up.stop(number) == 0
        # Who was not started any more was not there to be told.
        assert all(row["end"]["signal"] == "SIGTERM" for row in up.report["services"])
        assert up.report["late"] == []


def test_a_stop_of_many_that_end_again_and_again(tmp_path: Path) -> None:
    text = services("autorestart=true", command="false")
    with Up(tmp_path, text, endwell=ENDWELL) as up:
        up.wait_until(lambda: running(up) > 2 * MANY)
        up.stop()
        assert up.report["late"] == []
        assert "over after" in up.err[-1]
