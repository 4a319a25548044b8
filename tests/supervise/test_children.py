"""endwell.supervise.children: who is left, and how seldom that has to be looked for."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.supervise.upping import SOURCES

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
children.look()
assert children.left(key)
assert looked(lambda: children.left_now(key)) == (True, 1)  # it may have ended meanwhile
children.kill(key)
os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
children.collect()
assert not children.left_now(key)
live("exit 0")
children.look()
assert looked(lambda: children.left_now(key)) == (False, 0)
for _ in range(5):
    live("exit 0")
    children.look()
assert len(children._groups) == 1, "the groups of those who are gone are forgotten"
print("well")
"""


def test_who_is_left() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIFE],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "well\n", done.stderr
