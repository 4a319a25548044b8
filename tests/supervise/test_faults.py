"""The kernel refuses what is asked of `system/`, and services are kept and ended all the same."""

from __future__ import annotations

import os
import random
import sys
from typing import TYPE_CHECKING

import pytest

from tests.supervise.upping import DEAF, STOP, WAIT, Up, end_of, held_until_the_end, program

if TYPE_CHECKING:
    from pathlib import Path

# What goes before the command: `once` makes a function fail the first time that it is called.
FRAME = """
import errno, os, signal, sys, time
from endwell.cli.main import main
from endwell.supervise import children
from endwell.system import spawn

def once(place, name, number, *, when=lambda *words: True):
    real, failed = getattr(place, name), []
    def call(*words, **more):
        if not failed and when(*words):
            failed.append(1)
            raise OSError(number, os.strerror(number))
        return real(*words, **more)
    setattr(place, name, call)

def for_spawn(*_):
    return sys._getframe(2).f_code.co_name == "_start"

def is_one(words, *more):
    return any("echo one" in word for word in words)

{fault}
sys.exit(main(sys.argv[1:]))
"""
ONE = "trap 'echo bye; exit 0' TERM; exec 8<>never; echo one $$; read line <&8"


def under(directory: Path, fault: str, text: str) -> Up:
    """Start it with a fault."""
    (directory / "faulty.py").write_text(FRAME.format(fault=fault))
    return Up(directory, text, endwell=(sys.executable, str(directory / "faulty.py")))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("once(spawn, 'fork_exec', errno.EAGAIN, when=is_one)", "Resource temporarily unavailable"),
        ("once(spawn, 'fork_exec', errno.ENOMEM, when=is_one)", "Cannot allocate memory"),
        ("once(os, 'pidfd_open', errno.EMFILE)", "Too many open files"),
        ("once(os, 'pipe2', errno.ENFILE, when=for_spawn)", "Too many open files in system"),
    ],
    ids=["no more processes", "no memory", "no descriptor for it", "no pipe"],
)
def test_what_cannot_be_started_now_is_tried_again_and_others_go_on(
    tmp_path: Path, fault: str, said: str
) -> None:
    text = program("one", ONE) + program("two", STOP)
    with under(tmp_path, fault, text) as up:
        up.wait_for("one could not be started", "one is running", "up two")
        number = next(line for line in up.err if "one is running" in line).split()[-1]
        up.wait_for(f"one {number}")  # and not one that was killed because there was no descriptor for it
        assert up.stop() == 0
        assert up.out.count("bye") == 2
        assert [line for line in up.err if "could not be started" in line and said in line]


def test_with_too_few_open_files_nothing_is_started(tmp_path: Path) -> None:
    few = ("sh", "-c", 'ulimit -n 10; exec "$@"', "sh")
    with Up(tmp_path, program("one", ONE), prefix=few) as up:
        assert up.wait() == 2
        assert up.err == ["endwell: cannot do with 10 open files; raise nofile (ulimit -n) to 20 at least"]


def test_a_process_for_which_there_is_no_descriptor_is_not_left_behind(tmp_path: Path) -> None:
    held = held_until_the_end(tmp_path / "held")
    script = f"exec 7>held; echo one >&7; {STOP}"
    with under(tmp_path, "once(os, 'pidfd_open', errno.EMFILE)", program("one", script)) as up:
        up.wait_for("one is running", "up one")
        assert up.stop() == 0
    assert set(end_of(held).split()) == {b"one"}


def test_who_cannot_be_told_is_killed_at_his_time(tmp_path: Path) -> None:
    fault = """
real = signal.pidfd_send_signal
def send(pidfd, number, *more):
    if number == signal.SIGTERM:
        raise PermissionError(errno.EPERM, "not yours")
    return real(pidfd, number, *more)
signal.pidfd_send_signal = send
"""
    with under(tmp_path, fault, program("one", STOP, "stopwaitsecs=1")) as up:
        up.wait_for("up one")
        assert up.stop() == 124
        assert up.service("one")["killed"] >= 1.0
        assert "bye" not in up.out


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_clock_that_is_set_changes_no_deadline(tmp_path: Path, seconds: int) -> None:
    fault = f"""
real = time.time
at = real()
time.time = lambda: real() + ({seconds} if real() > at + 0.5 else 0)
"""
    with under(tmp_path, fault, program("one", DEAF, "stopwaitsecs=1") + program("two", STOP)) as up:
        up.wait_for("up one", "up two")
        assert up.stop() == 124
        assert 1.0 <= up.service("one")["killed"] < 5.0
        assert up.service("two")["killed"] is None


def test_the_look_at_who_is_left_fails(tmp_path: Path) -> None:
    """A mistake where orphans are looked for costs nobody the news of who has ended meanwhile."""
    fault = """
from endwell.system import tree
once(tree, "children_of", errno.EIO, when=lambda *_: True)
"""
    with under(tmp_path, fault, program("one", STOP) + program("two", WAIT)) as up:
        up.wait_for("up one", "up two")
        assert up.stop() == 0
        assert up.out.count("bye") == 1


# What the kernel may refuse, and with which errors; where a call is made often, up to which one it is tried.
REFUSALS = (
    ("os", "open", ("EMFILE", "ENOMEM"), 22),
    ("os", "read", ("EIO",), 60),
    ("os", "write", ("ENOSPC", "EIO"), 16),
    ("os", "pipe2", ("EMFILE", "ENFILE"), 18),
    ("os", "pidfd_open", ("EMFILE", "ENOMEM"), 9),
    ("os", "listdir", ("EMFILE", "ENOMEM"), 14),
    ("os", "set_blocking", ("EIO",), 8),
    ("os", "eventfd", ("EMFILE",), 2),
    ("signal", "pidfd_send_signal", ("EPERM", "ESRCH"), 4),
    ("spawn", "fork_exec", ("EAGAIN", "ENOMEM"), 8),
)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_refused_nobody_is_left_behind(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  no secret
    module, name, errors, most = chance.choice(REFUSALS)
    error, nth = chance.choice(errors), chance.randint(1, most)
    fault = f"""
from endwell.supervise import session
real, run, calls = {module}.{name}, session.run, []
def call(*words, **more):
    calls.append(1)
    if len(calls) == {nth}:
        raise OSError(errno.{error}, os.strerror(errno.{error}))
    return real(*words, **more)
def begin(*words):
    {module}.{name} = call
    return run(*words)
session.run = begin
"""
    held = held_until_the_end(tmp_path / "held")
    os.close(os.open(tmp_path / "held", os.O_WRONLY))  # it ends, even if nobody comes to open it
    parent = "exec 7>held; (exec setsid sleep 1000) & exec sleep 1000"
    text = program("one", f"exec 7>held; {STOP}", "stopwaitsecs=2", "endwell_after_stop=true")
    text += program("two", parent, "stopwaitsecs=2", "endwell_after=one")
    with under(tmp_path, fault, text) as up:
        # Of what was to be written, only the line that was refused is lost.
        up.wait_until(
            lambda: (
                any("two is " in line or "cannot " in line for line in up.err)
                or (name == "write" and "up one" in up.out)
            )
        )
        assert up.stop() in {0, 2, 124}
        assert not any("Traceback" in line for line in up.err)
    end_of(held)
