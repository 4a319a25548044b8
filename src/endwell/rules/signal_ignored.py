"""A process ignores the signal it is to end with.

## What happens

The signal arrives and does nothing. Whoever waits for the process waits until
the grace period is over; then the process is killed.

## Why

It said so: `signal(SIGTERM, SIG_IGN)`, `trap '' TERM` in a shell. Or it was
born so: that a signal is ignored is inherited through fork and exec, so one
`trap '' TERM` in an entrypoint script makes every program deaf that does not
install a handler of its own. A shell without job control also starts its
background commands (`&`) with SIGINT and SIGQUIT ignored: to pass on SIGINT to
them has no effect.

## See it

    endwell probe -- sh -c "trap '' TERM; exec sleep 1000"

Guests: `ignores-term`, `ignores-signals`.

## Mend it

Before and after, in a script:

    trap '' TERM
    exec app

    trap - TERM
    exec app

For a background command send SIGTERM, not SIGINT.

## When it is fine

When somebody else tells the process to end in its own way, and it does so in
time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding, Severity
from endwell.model.timeline import Fate
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW202"
NAME = "signal-ignored"
SUMMARY = "a process ignores the signal it is to end with"


def find(case: Case) -> Iterator[Finding]:
    """Yield a finding for PID 1 if it ignored the stop signal, and for others that did and were killed."""
    if not case.asked:
        return
    for process in case.processes:
        deaf = case.fate is Fate.IGNORED if process is case.main else case.stubborn(process)
        if not deaf or process.end is None or (process.pid != 1 and process.end.killer is None):
            continue
        ignored = next((one for one in case.requests(process) if one.fate is Fate.IGNORED), None)
        if ignored is None:
            continue
        end = (
            "was killed"
            if process.end.killer
            else words.ended(process.end, (process.died or 0.0) - ignored.at)
        )
        yield Finding(
            CODE,
            f"{words.label(process)} ignored {ignored.signal} and {end}",
            f"let it handle {ignored.signal}; if it never asked to ignore it, it has inherited that: look "
            f"for `trap '' {ignored.signal.name.removeprefix('SIG')}` in the script that starts it",
            words.pids(process),
            Severity.WARNING if process.pid != 1 and case.harmless(process) else Severity.ERROR,
        )
