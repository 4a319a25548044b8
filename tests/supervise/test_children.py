"""endwell.supervise.children: who is left, and how seldom that has to be looked for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from endwell.supervise.account import Account
from tests.supervise.under_init import NAMESPACE, below, command
from tests.supervise.upping import SOURCES, STOP, Up, program

if TYPE_CHECKING:
    from pathlib import Path

# In a process of its own: whoever adopts orphans adopts those of other tests too.
LIFE = """
import os
from endwell.supervise import children as module
from endwell.supervise.children import Children
from endwell.system import tree
from endwell.system.program import Program

tree.adopt_orphans()
key = ("web", 0)
children = Children([key])
looks = []
children_of = tree.children_of
def counted(pid):
    if pid == os.getpid():
        looks.append(pid)
    return children_of(pid)
tree.children_of = counted

def live(script):
    program = Program(command=("/bin/sh", "-c", script), environment=dict(os.environ))
    child = children.start(program, key, lambda end: None, main=True)
    os.waitid(os.P_PID, child.process.pid, os.WEXITED | os.WNOWAIT)
    assert [one for one, _ in children.collect()] == [child]

def looked(call):
    before = len(looks)
    return call(), len(looks) - before

live("exit 0")
assert looked(lambda: children.left_now(key)) == (False, 1)  # nobody has looked since its end
assert looked(lambda: children.left_now(key)) == (False, 0)
live("setsid sleep 1000 & exit 0")
children.orphans.look()
assert children.orphans.left(key)
assert looked(lambda: children.left_now(key)) == (True, 1)  # it may have ended meanwhile
children.kill(key)
os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
children.collect()
assert not children.left_now(key)
live("exit 0")
children.orphans.look()
assert looked(lambda: children.left_now(key)) == (False, 0)
live("exit 0")
tree.children_of = None
try:
    children.orphans.look()
except TypeError:
    tree.children_of = counted
assert looked(lambda: children.left_now(key)) == (False, 1)  # one that has failed has shown nothing
for _ in range(5):
    live("exit 0")
    children.orphans.look()
assert len(children.orphans._groups) == 1, "the groups of those who are gone are forgotten"
print("well")
"""


# Fork and exit, each in a session of its own, and deaf: nobody is where he was seen.
BOMB = """
import os, resource, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
resource.setrlimit(resource.RLIMIT_NPROC, (400, 400))
for _ in range(LINEAGES):
    if os.fork() == 0:
        while True:
            os.setsid()
            try:
                if os.fork():
                    os._exit(0)
            except OSError:
                time.sleep(0.001)
print("up bomb", flush=True)
signal.pause()
"""

MANY = """
import os
from endwell.supervise.children import Children
from endwell.system import tree

for _ in range(300):
    if os.fork() == 0:
        os._exit(0)
for pid in tree.children_of(os.getpid()):
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
children = Children([("web", 0)])
children.collect()
assert children.more
assert 0 < len(tree.children_of(os.getpid())) < 300
while children.more:
    children.collect()
assert tree.children_of(os.getpid()) == []
print("well")
"""

STRUCK = """
import os, signal
from endwell.supervise.children import Children
from endwell.system import tree

# Each time we look, one of them has been quicker: the one we see has a child already.
killed, there = [], [1000]
def quicker(pid):
    there.append(there[-1] + 1)
    return list(there)
def never(*_):
    raise AssertionError("that takes too long")
tree.children_of = quicker
os.kill = lambda pid, number: killed.append((pid, number))
tree.standing = tree.below = tree.signal_all = os.pidfd_open = never
children = Children([])
told = children.kill_all()
assert 5 < len(killed) == len(set(killed)) < 50
assert {number for _, number in killed} == {signal.SIGKILL}
assert sorted(told) == sorted(pid for pid, _ in killed)
assert children.struck == len(killed)
print("well")
"""


@pytest.mark.parametrize("script", [LIFE, MANY, STRUCK], ids=["life", "many", "struck"])
def test_who_is_left(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "well\n", done.stderr


@pytest.mark.root
def test_who_forks_as_fast_as_he_can_is_gone_in_time(tmp_path: Path) -> None:
    (tmp_path / "bomb.py").write_text(BOMB.replace("LINEAGES", "50"))
    text = program("bomb", f"exec {sys.executable} -S bomb.py", "stopwaitsecs=1") + program("web", STOP)
    # Under the init it is not PID 1 itself; and whatever goes wrong ends with the namespace.
    with Up(tmp_path, text, "--grace", "20s", prefix=NAMESPACE, endwell=command()) as up:
        up.wait_for("up bomb", "up web")
        os.kill(below(up.process.pid), signal.SIGTERM)
        assert up.wait() == 124
        assert up.report["late"] == []
        assert up.service("web")["end"] == {"kind": "exit", "code": 0}
        assert up.service("bomb")["end"] == {"kind": "signal", "signal": "SIGKILL"}


def test_a_crowd_is_counted_and_not_listed() -> None:
    account = Account(10.0)
    account.begin("SIGTERM", [], 0.0)
    account.rest_killed = dict.fromkeys(range(50), "bomb")
    account.rest_more = 1000
    lines = list(account.lines([]))
    assert sum(line.startswith("process ") for line in lines) == 20
    assert "1030 other processes, which belonged to no service, had to be killed" in lines
    assert account.report([])["rest_more"] == 1000
    account.rest_told, account.rest_killed, account.rest_more = dict.fromkeys(range(21), "a"), {}, 0
    assert "1 other processes, which belonged to no service, were told SIGTERM and ended" in account.lines([])
