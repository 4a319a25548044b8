"""What the tracefs observer has the kernel record, and what it is blind to."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from endwell.machine.story import PR_SET_CHILD_SUBREAPER

if TYPE_CHECKING:
    from collections.abc import Collection

READ = "syscalls/sys_exit_read"
_SUBREAPER = "syscalls/sys_enter_prctl"

# What to record, on what condition, and what cannot be seen without it ("": another event stands in).
EVENTS = (
    ("task/task_newtask", "", "who was forked"),
    ("sched/sched_process_exec", "", "what was executed"),
    ("sched/sched_process_exit", "", "who ended"),
    ("sched/sched_process_free", "", "who was collected by waitid"),
    ("signal/signal_generate", "", "which signals were sent"),
    ("signal/signal_deliver", "sig != 17 || code <= 0", "which signals were taken"),
    ("syscalls/sys_exit_clone", "ret > 0", "the numbers inside the container"),
    ("syscalls/sys_exit_clone3", "ret > 0", ""),
    ("syscalls/sys_exit_fork", "ret > 0", ""),
    ("syscalls/sys_exit_vfork", "ret > 0", ""),
    ("syscalls/sys_exit_wait4", "ret > 0", "who was collected by whom"),
    ("syscalls/sys_enter_waitid", "", "who was collected by waitid"),
    ("syscalls/sys_exit_waitid", "", "who was collected by waitid"),
    ("syscalls/sys_exit_rt_sigtimedwait", "ret > 0", "which signals were taken by sigwait"),
    ("syscalls/sys_enter_exit", "", "with which status a single thread ended"),
    ("syscalls/sys_enter_exit_group", "", "with which status a process ended"),
    ("syscalls/sys_enter_setns", "", "whether a command run inside from outside was over at once"),
    (_SUBREAPER, f"option == {PR_SET_CHILD_SUBREAPER}", "which subreaper takes orphans in"),
)
# A signalfd is read in pieces of one struct signalfd_siginfo. Only near the stop: servers read a lot.
SIGNALFD_READ = "ret == 128 || ret == 256 || ret == 384"

ATTACHED = "what was before it came, it has not seen: the container was running already"


def overlooked(number: int) -> list[str]:
    """Return that so many came from outside, and had gone before it was known where: at most a sentence."""
    commands, were = ("a command", "was") if number == 1 else (f"{number} commands", "were")
    late = f"that {were} over before it could look up in which container"
    sentence = f"it may have missed {commands} run inside from outside (docker exec), {late}"
    return [sentence] if number else []


def unread(number: int) -> list[str]:
    """Return that so many programs are known by their paths alone: at most a sentence."""
    if number == 1:
        return [
            "it could not read the command line of a program that was over at once: only its path is known"
        ]
    sentence = f"it could not read the command lines of {number} programs that were over at once: "
    return [sentence + "only their paths are known"] if number else []


def foreign(missing: int) -> list[str]:
    """Return what is not seen of programs of another word size; `missing` processes cannot be told apart."""
    forked = {0: "", 1: "; a process that one of them forked is left out"}
    said = forked.get(missing, f"; {missing} processes that they forked are left out")
    return [
        "it did not see what 32-bit programs call: with which status they ended, whom they collected" + said
    ]


def unrecorded(missing: Collection[str]) -> list[str]:
    """Return what cannot be seen on a kernel that lacks some events, a sentence each."""
    return [
        f"it cannot see {what}: this kernel does not record {event.partition('/')[2]}"
        for event, _, what in EVENTS
        if what and event in missing
    ]


def is_exhausted(error: BaseException | None) -> bool:
    """Whether it failed because no more files may be opened."""
    return isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}


def explain(error: OSError) -> str:
    """Return why tracing is not to be had, and what to do."""
    why = error.strerror or str(error)
    if error.errno in {errno.EPERM, errno.EACCES}:
        step = "run as root on the host (sudo), or take --observer seccomp"
    elif error.errno in {errno.ENODEV, errno.ENOSYS, errno.ENOENT}:
        step = "this kernel has no event tracing; take --observer seccomp"
    else:
        step = "see tracefs in the kernel's messages (dmesg), or take --observer seccomp"
    return f"cannot observe with tracefs: {error.filename or 'tracefs'}: {why}; {step}"
