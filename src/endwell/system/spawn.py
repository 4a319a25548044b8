"""Starting a program: quickly, and so that it finds nothing of ours but what it was given.

The way is the interpreter's own `fork_exec`, which is behind `subprocess`: a vfork that prepares the child in
C. The child shares our memory until its exec and we wait for that, so it costs the same however big we are,
and when the call returns the program runs or the reason why not can be read. (Another user needs a real fork:
changing it in a child that shares memory is not safe.) `subprocess` itself does too much for hundreds of
programs, and cannot do what follows.

What C code in the child has no words for is arranged around the call, in a process with one thread:

* Descriptors at given numbers are put there in us, inheritable, and ours are put back afterwards. Nothing
  else is inherited: Python opens everything close-on-exec, and `seal` does that to what we were started with.
* Resource limits. A soft limit is set for ourselves and set back, so that the program has it from its first
  instruction. Some would hit us, or the fork, and a hard limit could not be raised again: those are set from
  outside as soon as there is a process, and so is its priority. `prlimit` needs no privilege over a child of
  the same user; as another user's, it needs CAP_SYS_RESOURCE.
  The rare program that has limits and another user is started by way of a second, small interpreter, which
  sets them before it changes the user, some 10 ms later.
* Signals. `scour` unblocks them all in us, once, and gives those that were ignored their default action.
  Handlers do not survive an exec, so the program starts with a clean sheet.

That the program runs is known by the end of a pipe, which the kernel closes in the child among all that we
hold, in the order of numbers. A supervisor holds some for each service, and to wait until a thousand are
closed takes longer than all the rest, so two low numbers are kept for that pipe.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import resource
import select
import signal
import stat
import sys
from _posixsubprocess import fork_exec
from typing import TYPE_CHECKING, Any

from endwell.records import replace
from endwell.system import libc, tree
from endwell.system.child_process import Process
from endwell.system.held import held
from endwell.system.program import LIMITS, Program, search
from endwell.system.spawn_error import NOT_EXECUTABLE, SpawnError, hint, why_not
from endwell.system.spawn_step import by_step, needs_step

if TYPE_CHECKING:
    from collections.abc import Iterable

# What os.fsencode uses; it asks again for every text.
_ENCODING = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
_LAST_SIGNAL = 64
# Python ignores these two for itself; fork_exec gives them back.
_PYTHONS = frozenset({signal.SIGPIPE, signal.SIGXFSZ})
_UNSETTABLE = frozenset({signal.SIGKILL, signal.SIGSTOP})

_STEP = 20  # milliseconds
_MOST_STOPS = 25  # after which it is given up: somebody does it on purpose

# These count against whoever has them: our own CPU time, memory and processes would be over them.
_FROM_OUTSIDE = frozenset({"cpu", "data", "as", "nproc", "rttime"})


def scour() -> None:
    """Let no signal be blocked or ignored in us, and so in none that we start; call before any handler.

    Only what is held back stays blocked until `Loop.handle`, which comes before the first program.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, held())
    for number in range(1, _LAST_SIGNAL + 1):
        if number in _PYTHONS or number in _UNSETTABLE:
            continue
        try:
            ignored = signal.getsignal(number) is signal.SIG_IGN
        except ValueError:
            ignored = True  # 32 and 33 belong to the C library, which cannot say
        if ignored:
            libc.reset_disposition(number)
            with contextlib.suppress(ValueError, OSError):
                signal.signal(number, signal.SIG_DFL)


def seal() -> None:
    """Hand on to programs none of the descriptors that we were started with, but 0, 1 and 2."""
    for entry in os.listdir("/proc/self/fd"):  # noqa: PTH208  names are all we want
        with contextlib.suppress(OSError):  # the directory's own is closed by now
            if int(entry) > 2:  # noqa: PLR2004  0, 1, 2
                os.set_inheritable(int(entry), False)  # noqa: FBT003  the standard library's
    if not _low:
        _low.extend(os.pipe2(os.O_CLOEXEC))


def spawn(program: Program) -> Process:
    """Start a program in a process group of its own.

    Raises:
        SpawnError: it cannot be, with the reason and what a shell would exit with.
    """
    try:
        pid, trouble = _start(program)
        pidfd = -1 if trouble else _open(pid)
    except OSError as error:
        reason = f"cannot start {program.command[0]}: {error.strerror}{hint(error.errno)}"
        raise SpawnError(reason, 1) from error
    if trouble:
        os.waitpid(pid, 0)
        user = None if program.user is None else program.user[0]
        path = program.environment.get("PATH", os.defpath)
        raise why_not(trouble, program.command[0], directory=program.directory, path=path, user=user)
    process = Process(pid, pidfd)
    if not needs_step(program):
        _adjust(program, process)
    return process


# --------------------------------------------------------------------------------------------------- the call


# The numbers that are kept for the pipe; none in a process that has not called `seal`.
_low: list[int] = []


def _start(program: Program) -> tuple[int, bytes]:
    """Start it, and return its number and why that has failed; empty if it has not."""
    kept = bool(_low)
    while _low:
        os.close(_low.pop())
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        try:
            pid = _begin(program, reading, writing)
        finally:
            os.close(writing)
        _go_on(reading, pid)
        return pid, os.read(reading, 512)
    finally:
        if kept:
            # The numbers are taken until the next time.
            _low.extend((reading, os.dup2(reading, writing, inheritable=False)))
        else:
            os.close(reading)


def _go_on(reading: int, pid: int) -> None:
    """Wait until a program runs, or cannot; whoever stops it on the way is not to stop us with it.

    From the moment that it has its user until it is the program, all other processes of that user may.
    """
    waiting = select.poll()
    waiting.register(reading, select.POLLIN)
    stopped = 0
    while not waiting.poll(_STEP):
        found = tree.standing(pid)
        if found is not None and found.state == "T":
            stopped += 1
            os.kill(pid, signal.SIGCONT if stopped < _MOST_STOPS else signal.SIGKILL)


def _begin(program: Program, reading: int, writing: int) -> int:
    """Call for it with everything in its place."""
    # Above the numbers that the program wants to have for something else.
    floor = max(program.descriptors, default=2) + 1
    with contextlib.ExitStack() as ours:
        if program.descriptors:
            writing, reading = _above(writing, floor, ours), _above(reading, floor, ours)
            stdin, stdout, stderr = (
                _above(one, floor, ours) for one in (program.stdin, program.stdout, program.stderr)
            )
            program = replace(program, stdin=stdin, stdout=stdout, stderr=stderr)
        if needs_step(program):
            os.set_inheritable(writing, True)  # noqa: FBT003  the standard library's
            program = by_step(program, writing)
        _arrange(program, floor, ours)
        return _fork_exec(program, reading, writing)


def _fork_exec(program: Program, closing: int, writing: int) -> int:
    """Call `fork_exec`; the child closes `closing`, under whatever number."""
    environment = [f"{name}={value}".encode(*_ENCODING) for name, value in program.environment.items()]
    user, group, groups = program.user or (None, None, None)
    arguments: tuple[Any, ...] = (
        list(program.command),
        search(program.command[0], program.environment),
        False,  # close_fds: nothing is inheritable
        (),
        program.directory,
        environment,
        program.stdin,
        -1,
        -1,
        program.stdout,
        -1,
        program.stderr,
        closing,
        writing,
        True,  # restore_signals
        program.terminal,  # call_setsid
        -1 if program.terminal else 0,  # pgid_to_set: its own, which comes with a session
        group,
        None if groups is None else list(groups),
        user,
        -1 if program.umask is None else program.umask,
        None,
    )
    # The last argument, whether vfork may be used, is gone since 3.14.
    more = () if sys.version_info >= (3, 14) else (True,)
    return fork_exec(*arguments, *more)


def _arrange(program: Program, floor: int, ours: contextlib.ExitStack) -> None:
    """Have in ourselves what the program is to inherit, until `ours` is closed."""
    sources = {number: _above(source, floor, ours) for number, source in program.descriptors.items()}
    for number, source in sources.items():
        ours.callback(_put_back, number, _save(number, floor))
        os.dup2(source, number, inheritable=True)
    # Last, so that what is above needs no room below a lowered limit.
    own_limits = {name: soft for name, (soft, _) in program.limits.items() if name not in _FROM_OUTSIDE}
    for name, soft in {**program.soft, **own_limits}.items():
        number = LIMITS[name]
        own = resource.getrlimit(number)
        if soft != own[0] and not _exceeds(soft, own[1]):
            resource.setrlimit(number, (soft, own[1]))
            ours.callback(resource.setrlimit, number, own)


def _above(descriptor: int, floor: int, ours: contextlib.ExitStack) -> int:
    """Duplicate a descriptor to where nothing is in the way."""
    copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, floor)
    ours.callback(os.close, copy)
    return copy


def _save(number: int, floor: int) -> int:
    try:
        return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, floor)
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
        return -1


def _put_back(number: int, saved: int) -> None:
    if saved < 0:
        os.close(number)
        return
    os.dup2(saved, number, inheritable=False)
    os.close(saved)


def _open(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError:
        _undo(pid)
        raise


def _adjust(program: Program, process: Process) -> None:
    """Set from outside what could not be set before."""
    try:
        for name, limits in program.limits.items():
            resource.prlimit(process.pid, LIMITS[name], limits)
        if program.nice:
            os.setpriority(os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, 0) + program.nice)
    except ProcessLookupError:
        pass  # it has ended already; we have not collected it, so that the number is still its own
    except (OSError, ValueError) as error:
        _undo(process.pid)
        process.close()
        raise SpawnError(
            f"cannot set the limits or the priority of {program.command[0]}: {error}; ask for less, or give"
            " the container CAP_SYS_RESOURCE and CAP_SYS_NICE",
            NOT_EXECUTABLE,
        ) from error


def _undo(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _exceeds(soft: int, hard: int) -> bool:
    if hard == resource.RLIM_INFINITY:
        return False
    return soft == resource.RLIM_INFINITY or soft > hard


def own_pipes(descriptors: Iterable[int], user: int) -> None:
    """Give a user the pipes among these: without it `echo >/dev/stderr` is refused to him."""
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                os.fchown(descriptor, user, -1)
