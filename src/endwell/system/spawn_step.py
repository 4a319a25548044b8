"""The step between us and a program that has to do something for itself before it begins.

Only root may set limits for a process of another user, and in a container not even root, which has no
CAP_SYS_RESOURCE there. So the process has to do it for itself while it is still ours, in a small interpreter
which sets the limits, changes the user and then becomes the program. Likewise only a session's leader can
take a terminal for it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from endwell.records import replace
from endwell.system.program import LIMITS, search

if TYPE_CHECKING:
    from endwell.system.program import Program


def needs_step(program: Program) -> bool:
    """Whether a program has limits, and a user that is not ours; or a terminal."""
    becomes = program.user is not None and program.user[0] != os.getuid()
    return program.terminal or (becomes and bool(program.limits))


def by_step(program: Program, writing: int) -> Program:
    """Return what becomes the program after it has set its own limits, and then changed the user.

    It writes to `writing` what has gone wrong, as `fork_exec` does.
    """
    limits = [(LIMITS[name], both) for name, both in program.limits.items()]
    paths = search(program.command[0], program.environment)
    plan = repr((writing, program.terminal, limits, program.nice, program.user, paths))
    command = (sys.executable, "-I", "-S", "-c", _STEP, plan, *program.command)
    return replace(program, command=command, user=None, limits={}, nice=0)


_STEP = """
import os, resource, signal, sys
writing, terminal, limits, nice, identity, paths = eval(sys.argv[1])
os.set_inheritable(writing, False)
try:
    if terminal:
        import fcntl, termios
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.nice(nice)
    for number, both in limits:
        resource.setrlimit(number, both)
    if identity:
        user, group, groups = identity
        os.setgroups(groups)
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    trouble, step = 2, ""
    for path in paths:
        try:
            os.execve(path, sys.argv[2:], os.environb)
        except OSError as error:
            # As execvp: go on, and tell of what was there but could not be executed.
            trouble = error.errno if trouble in (2, 20) else trouble
except (OSError, ValueError) as error:
    trouble, step = getattr(error, "errno", 22), "noexec"
os.write(writing, b"OSError:%x:%s" % (trouble, step.encode()))
os._exit(1)
"""
