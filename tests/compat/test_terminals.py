"""What ours does differently at a terminal: Ctrl-Z works; a job in the background does not take it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.compat.case import LISTEN, LOOK, Case, Place
from tests.compat.conversation import state_of, until
from tests.compat.talks import END, talk

if TYPE_CHECKING:
    from tests.compat.conftest import Both
    from tests.compat.conversation import Conversation

CTRL_C, CTRL_Z = b"\x03", b"\x1a"
PROMPT = "what now?"


@talk
def stop_a_job(conversation: Conversation) -> None:
    """In a shell that the init runs: a job in the foreground, Ctrl-Z, and the shell again."""
    conversation.hear("what now")
    terminal = conversation.streams["stdout"]
    shell = os.tcgetpgrp(terminal)
    conversation.type(b"sleep 60\n")
    until(lambda: os.tcgetpgrp(terminal) != shell)
    job = os.tcgetpgrp(terminal)
    until(lambda: Path(f"/proc/{job}/comm").read_text() == "sleep\n" and state_of(job) == "S")
    conversation.type(CTRL_Z)
    until(lambda: state_of(job) == "T" or is_deaf(job))
    conversation.notes["the job stopped"] = not is_deaf(job)
    conversation.type(b"" if conversation.notes["the job stopped"] else CTRL_C)
    conversation.hear("what now")
    # The first exit may be refused, as long as the shell has not heard of the end of its job.
    conversation.type(b"kill -9 %1; exit 5\nexit 5\n")


def is_deaf(pid: int) -> bool:
    """Whether SIGTSTP waits at a process that has blocked it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    masks = [int(line.split()[1], 16) for line in lines if line.startswith(("ShdPnd", "SigBlk"))]
    return all(mask >> 19 & 1 for mask in masks)


@pytest.mark.parametrize("name", ["tini", "dumb-init", "catatonit"])
def test_ctrl_z_in_a_shell_under_the_init(both: Both, name: str) -> None:
    shell = ("bash", "--norc", "--noprofile", "--noediting", "-i")
    case = Case(
        name="shell",
        options=("--",),
        command=shell,
        environment={"PS1": f"{PROMPT}\n"},
        place=Place.LEADER,
        talk=stop_a_job(),
    )
    real, ours = both(name, case)
    assert real["the job stopped"] == (name != "catatonit")
    assert ours["the job stopped"]
    assert real["status"] == ours["status"] == 5


@talk
def stop_the_init(conversation: Conversation) -> None:
    """In the foreground of a shell with job control: Ctrl-Z, after which the shell should go on, and fg."""
    (command,) = conversation.ready()
    conversation.type(CTRL_Z)
    said = conversation.hear("No child to reap|the shell goes on")[0]
    conversation.notes["the shell goes on"] = said == "the shell goes on"
    if conversation.notes["the shell goes on"]:
        conversation.heard(18)
    else:
        conversation.notes["the command stopped"] = state_of(command) == "T"
        os.kill(command, 18)
    os.kill(command, END)


def test_ctrl_z_in_a_shell_above_tini(both: Both) -> None:
    case = Case(
        name="job",
        script='set -m; "$0" "$@"; echo the shell goes on; fg; exit $?',
        options=("-vvv", "--"),
        command=(*LISTEN, "--stoppable", "--status", "5"),
        place=Place.JOB,
        talk=stop_the_init(),
    )
    real, ours = both("tini", case)
    assert real["the command stopped"]
    assert not real["the shell goes on"]
    assert ours["the shell goes on"]
    assert ours["status"] == 5


@pytest.mark.parametrize("name", ["tini", "catatonit"])
def test_a_job_in_the_background_leaves_the_terminal_alone(both: Both, name: str) -> None:
    case = Case(
        name="background",
        script='set -m; "$0" "$@" & wait $!',
        options=("--",),
        command=LOOK,
        place=Place.JOB,
    )
    real, ours = both(name, case)
    assert "controlling terminal: in front True" in str(real)
    assert "controlling terminal: in front False" in str(ours)
