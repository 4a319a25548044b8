"""A process has blocked the signal it is to end with, and never takes it.

## What happens

The signal waits at the process, which does not look. At the end of the grace
period it is killed.

## Why

A blocked signal stays pending until it is unblocked, or read with sigwait(3)
or signalfd(2). Programs block signals to read them in one thread: if that
thread hangs or has ended, nobody reads. The set of blocked signals is
inherited through fork and exec, so a program may have got it from whoever
started it.

## See it

    endwell probe -- python3 -c 'import signal; signal.pthread_sigmask(0, [15]); signal.pause()'

Guest: `blocks-signals`.

## Mend it

Unblock the signals before starting another program. In Python, before and
after:

    subprocess.Popen(["app"])

    subprocess.Popen(["app"], preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, []))

## When it is fine

When the signal is blocked for a short time only, and taken afterwards: then
there is no finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding
from endwell.model.timeline import Fate
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW203"
NAME = "signal-blocked"
SUMMARY = "a process has blocked the signal it is to end with, and never takes it"


def find(case: Case) -> Iterator[Finding]:
    """Yield a finding for PID 1 if the stop signal stayed pending, and for others that were killed so."""
    if not case.asked:
        return
    for process in case.processes:
        deaf = case.fate is Fate.PENDING if process is case.main else case.stubborn(process)
        if not deaf or process.end is None or (process.pid != 1 and process.end.killer is None):
            continue
        blocked = next((one for one in case.requests(process) if one.fate is Fate.PENDING), None)
        ignored = any(one.fate is Fate.IGNORED for one in case.requests(process))
        if blocked is None or ignored:
            continue
        yield Finding(
            CODE,
            f"{words.label(process)} had blocked {blocked.signal} and never took it",
            "unblock it (sigprocmask), or read it with sigwait or signalfd in a thread that lives; if the "
            "program never blocked it, whoever started it did",
            words.pids(process),
        )
