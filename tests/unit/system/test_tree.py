"""Who came from whom, with real processes: marks, parents, and signals to those who belong together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from endwell.system import tree
from endwell.system.program import Program
from endwell.system.spawn import spawn

if TYPE_CHECKING:
    from endwell.system.child_process import Process


def start(script: str, mark: int = 0) -> tuple[Process, int]:
    """Start a shell script, and return it and the end of a pipe that everybody below it holds."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    soft = {"locks": mark} if mark else {}
    environment = {"PATH": os.environ["PATH"]}
    process = spawn(Program(command=("sh", "-c", script), environment=environment, stdout=writing, soft=soft))
    os.close(writing)
    return process, reading


def line(descriptor: int) -> str:
    text = b""
    while not text.endswith(b"\n"):
        part = os.read(descriptor, 1)
        assert part, "it has ended"
        text += part
    return text.decode().strip()


def collect(process: Process, reading: int) -> None:
    os.waitid(os.P_PIDFD, process.pidfd, os.WEXITED)
    process.close()
    assert os.read(reading, 1) == b"", "somebody below it is left"
    os.close(reading)


def test_a_mark_survives_setsid_double_forks_execs_and_a_clean_environment() -> None:
    mark = tree.first_mark()
    forked = 'sh -c "echo \\$\\$; exec sleep 1000"'
    deep = f"(setsid env -i PATH=$PATH sh -c '({forked} &)' &); exec sleep 1000"
    process, reading = start(deep, mark)
    orphan = int(line(reading))
    assert tree.mark_of(orphan) == mark
    assert tree.mark_of(process.pid) == mark
    assert tree.mark_of(os.getpid()) != mark
    os.kill(orphan, signal.SIGKILL)
    process.send(signal.SIGKILL)
    collect(process, reading)


def test_everybody_below_is_found_parents_first_and_told() -> None:
    mark = tree.first_mark()
    process, reading = start("sh -c 'sleep 1000 & echo $!; wait' & echo $!; wait", mark)
    numbers = {int(line(reading)), int(line(reading))}
    found = tree.below([process.pid])
    assert found[0] == process.pid
    assert set(found[1:]) == numbers
    assert set(tree.children_of(os.getpid())) >= {process.pid}
    # Whose parent has just been killed may be somebody else's child by now: the mark says that it belongs.
    assert tree.signal_all(found, [signal.SIGKILL], mark) == found
    collect(process, reading)


def test_who_has_ended_or_is_a_stranger_is_not_told() -> None:
    process, reading = start("exit 0")
    os.waitid(os.P_PIDFD, process.pidfd, os.WEXITED | os.WNOWAIT)
    standing = tree.standing(process.pid)
    assert standing is not None
    assert (standing.state, standing.parent) == ("Z", os.getpid())
    assert tree.signal_all([process.pid], [signal.SIGKILL], None) == []
    assert tree.signal_all([os.getppid()], [signal.SIGCONT], None) == []
    collect(process, reading)
    assert tree.standing(process.pid) is None
    assert tree.mark_of(process.pid) is None
    assert tree.children_of(process.pid) == []


def test_only_pid_1_tells_everybody() -> None:
    with pytest.raises(RuntimeError):
        tree.signal_everybody(0)  # of which nobody would die


def test_a_name_that_looks_like_more_is_read_as_one(tmp_path: os.PathLike[str]) -> None:
    odd = os.path.join(tmp_path, "a) Z 1 (b")  # noqa: PTH118  a text is wanted
    os.symlink("/bin/sleep", odd)  # noqa: PTH211  likewise
    process = spawn(Program(command=(odd, "1000"), environment={}))
    standing = tree.standing(process.pid)
    assert standing is not None
    assert standing.parent == os.getpid()
    assert standing.state != "Z"
    assert tree.name_of(process.pid) == f"{odd} 1000"
    process.send(signal.SIGKILL)
    os.waitid(os.P_PIDFD, process.pidfd, os.WEXITED)
    process.close()


def test_without_lists_of_children_parents_are_asked() -> None:
    process, reading = start("exec sleep 1000")
    tree._known = False
    try:
        assert process.pid in tree.children_of(os.getpid())
    finally:
        tree._known = None
        process.send(signal.SIGKILL)
    collect(process, reading)


FULL = """
import os, resource, signal, subprocess
from endwell.system import tree

tree.adopt_orphans()
child = subprocess.Popen(["sleep", "infinity"])
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass
mark = tree.mark_of(child.pid)
for number in (signal.SIGCONT, signal.SIGTERM):
    print(tree.below([os.getpid()]) == [os.getpid(), child.pid], child.pid in tree.everybody())
    print(tree.signal_all([child.pid], [number], mark) == [child.pid])
try:
    taken.append(os.dup(0))
except OSError:
    print("as full as before")
for one in taken:
    os.close(one)
child.kill()
child.wait()
"""


def test_without_a_descriptor_left_all_are_found_and_told() -> None:
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["True True", "True"] * 2 + ["as full as before"]
