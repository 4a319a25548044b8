"""How `endwell up` comes to run under endwell-init: as PID 1 it becomes the init, which runs it again.

A PID 1 written in Python would do all of its duties but one: when it is killed, or runs out of memory, the
kernel kills everybody else in that instant, and nobody was ever told. So the container's first process is the
static binary, whose few pages nothing kills, and the supervisor is its main process. `exec` keeps the number,
the terminal, standard input and everything else; the command line is repeated as it was.

Who signals whom: the engine signals the init, and the init the supervisor alone, with whatever signal came.
As long as the supervisor lives and its time is not over, the others hear of the stop from it only, a further
signal included (--after-main says so to the init). If it ends before them, what it had in hand is carried on
by `endwell.supervise.takeover`, and only then everybody who is left is told by the init.

    |  the supervisor's services            |  kill  |  its way out  |
    |  --main-timeout: after it the init tells all ...    |  kill  |  the init's way out  |
    0                                     9.2      9.45  9.475  9.5                   10 = grace

So the supervisor's grace is a little shorter than the container's: what it kills has to be its own doing,
with names, and what the init does is for the case that it cannot.
"""

from __future__ import annotations

import math
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from endwell.model.stopping import StopPlan
from endwell.system.held import hold, release

if TYPE_CHECKING:
    from endwell.model.project import Project
    from endwell.supervise.last_plan import LastPlan

VARIABLE = "ENDWELL_UNDER_INIT"  # its value is the init's grace in seconds
# In parts of the margin of the grace: what the supervisor goes without, and when it is gone.
_SHORTER = 0.6
_LEFT_BEFORE = 1.05
_SHELL = "/bin/sh"
_KILLED = 128  # as a shell says it of who was ended by a signal


class Place(NamedTuple):
    """Where a supervisor runs.

    Args:
        grace: of the init above it, in seconds; infinite without one.
        last_plan: what it leaves if it is killed; None: nobody would read it.
    """

    grace: float = math.inf
    last_plan: LastPlan | None = None

    @property
    def kept_back(self) -> float:
        """Return the seconds of the container's grace that are the init's."""
        return 0.0 if math.isinf(self.grace) else _SHORTER * StopPlan(grace=self.grace).margin

    def shorten(self, grace: float) -> float:
        """Return the supervisor's own grace, of a project that has this one."""
        return min(grace, self.grace - self.kept_back)

    def shortened(self, project: Project) -> Project:
        """Return the project with the supervisor's own grace, and what it goes without."""
        grace = self.shorten(project.grace)
        return project if grace == project.grace else _with(project, grace)


def _with(project: Project, grace: float) -> Project:
    from endwell.records import replace  # noqa: PLC0415  not without an init

    return replace(project, grace=grace, kept_back=project.grace - grace)


def is_wanted(wish: bool | None) -> bool:  # noqa: FBT001  an option has three values
    """Return whether we are to become the init.

    Args:
        wish: what the command line says; None: nothing, then PID 1 is.
    """
    if VARIABLE in os.environ:
        return False
    return os.getpid() == 1 if wish is None else wish


def become_init(grace: float, program: str) -> None:
    """Become endwell-init, which runs this very command line; return only if that cannot be.

    Args:
        grace: the container's, in seconds; infinite for none.
        program: who says so, if it cannot be.
    """
    from endwell.cli.init import find_binary  # noqa: PLC0415  once in the life of a container

    binary = find_binary()
    if binary is None or not sys.executable:
        without = (
            "should the supervisor be killed, its services are not told: install endwell again, with pip"
        )
        print(f"{program}: warning: cannot find endwell-init; {without}", file=sys.stderr)
        return
    words = [str(binary), *_times(grace), "--stop-signal", "QUIT", *_heir(program)]
    os.environ[VARIABLE] = repr(grace)
    sys.stderr.flush()
    if came := release():
        sys.exit(_KILLED + came)  # nothing was started, so there is nobody to be told
    try:
        os.execv(binary, [*words, "--", sys.executable, *sys.orig_argv[1:]])  # noqa: S606  no shell is what we want
    except OSError as error:
        hold()
        del os.environ[VARIABLE]
        print(
            f"{program}: warning: cannot execute {binary}: {error.strerror}; going on without",
            file=sys.stderr,
        )


def place(report: str) -> Place:
    """Return where we run; what the init has said to us is for nobody else.

    Args:
        report: where the account of the stop is to be written; empty for nowhere.
    """
    value = os.environ.pop(VARIABLE, "")
    if not value:
        return Place()
    from endwell.supervise.last_plan import DESCRIPTOR, LastPlan, is_ours  # noqa: PLC0415  not without an init

    with suppress(ValueError):
        return Place(float(value), LastPlan(DESCRIPTOR, report) if is_ours(DESCRIPTOR) else None)
    return Place()


def _times(grace: float) -> tuple[str, ...]:
    if math.isinf(grace):
        return ("--grace", "none")
    margin = StopPlan(grace=grace).margin
    if not margin:
        return ("--grace", _duration(grace))
    return "--grace", _duration(grace), "--main-timeout", _duration(grace - _LEFT_BEFORE * margin)


def _heir(program: str) -> tuple[str, ...]:
    """Return the words about who goes on when the supervisor is killed; the memory for its plan is made."""
    import shlex  # noqa: PLC0415  once in the life of a container
    from pathlib import Path  # noqa: PLC0415  likewise

    from endwell.supervise import last_plan  # noqa: PLC0415  likewise

    if not os.access(_SHELL, os.X_OK):
        return ()  # all are told at once then
    why_not = f"descriptor {last_plan.DESCRIPTOR} is in use" if _is_open(last_plan.DESCRIPTOR) else ""
    memory = -1
    try:
        memory = -1 if why_not else last_plan.make()
    except OSError as error:
        why_not = str(error.strerror)
    if why_not:
        without = "should the supervisor be killed, its services are told all at once"
        print(f"{program}: warning: cannot keep a plan, {why_not}: {without}", file=sys.stderr)
        return ()
    if memory == last_plan.DESCRIPTOR:
        os.set_inheritable(memory, True)  # noqa: FBT003  the standard library's
    else:
        os.dup2(memory, last_plan.DESCRIPTOR, inheritable=True)
    packages = str(Path(__file__).resolve().parents[2])
    # Without `site` it begins in half the time, and nothing of what it needs is installed there.
    code = (
        f"import sys; sys.path.insert(0, {packages!r}); from endwell.supervise.takeover import main;"
        " sys.exit(main())"
    )
    return "--after-main", f"exec {shlex.join([sys.executable, '-I', '-S', '-c', code])}"


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1e9)}ns"
