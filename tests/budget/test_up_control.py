"""What clients of `endwell up` cost when they ask for nothing: no wake-ups, and little memory."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.budget.test_rest import ASLEEP, kilobytes, state, switches
from tests.supervise.controlling import Controlled
from tests.supervise.upping import STOP, program

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_a_client_that_listens_wakes_nobody(tmp_path: Path) -> None:
    with Controlled(tmp_path, program("web", STOP)) as up:
        up.wait_for("up web")
        with up.talk() as listens, up.talk() as follows, up.talk() as idle:
            listens.send("events")
            listens.ask("version")
            number = follows.send("logs", follow=True)
            assert follows.read()["id"] == number
            idle.ask("version")
            while state(up.process.pid) != "S":  # it answers before it goes to sleep
                os.sched_yield()
            before = switches(up.process.pid)
            with subprocess.Popen(["sleep", ASLEEP]) as clock:
                assert clock.wait() == 0
            assert switches(up.process.pid) == before


@pytest.mark.slow
def test_memory_does_not_grow_with_what_was_asked(tmp_path: Path) -> None:
    text = "".join(f"[program:p{at}]\ncommand=sleep 1000\nstartsecs=0\n" for at in range(20))
    with Controlled(tmp_path, text + program("web", STOP)) as up:
        up.wait_for("up web")
        held = []
        for count in (200, 2000):
            for _ in range(count // 20):
                with up.talk() as talk:
                    watching = talk.send("events")
                    for _ in range(20):
                        assert len(talk.rows()) == 21
                    talk.ask("top")
                    assert watching
            held.append(kilobytes(up.process.pid)["Private_Dirty"])
    assert held[1] <= held[0] + 512
