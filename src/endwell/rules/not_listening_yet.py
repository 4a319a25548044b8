"""The stop signal came before the program was listening, and was lost.

## What happens

The container is stopped while it starts. PID 1 has no handler yet, the kernel
discards the signal, the program starts as if nothing had happened, and is
killed when the grace period is over.

## Why

Between its exec and the moment when it installs its handlers a program is
deaf: a millisecond for most, 10 to 160 for Python servers, and as long as it
takes for a script that first waits for a database or runs migrations. To PID 1
a signal that comes in this window does not come again: the kernel discards it.

## See it

    endwell probe --ready sleep:0s -- uvicorn app:app

## Mend it

Put an init in front. It listens within a millisecond, and what it starts is
not PID 1, so the signal ends it even before it listens:

    ENTRYPOINT ["endwell-init", "--grace", "10s", "--"]

In a script that prepares for long, end on the signal until the program takes
over:

    trap 'exit 143' TERM
    until nc -z db 5432; do sleep 1 & wait $!; done
    trap - TERM
    exec app

## When it is fine

When the preparations may be killed at any moment and the stop may take the
whole grace period.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding
from endwell.model.timeline import Fate, Origin
from endwell.rules import words
from endwell.rules.case import TAKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.process import Process
    from endwell.rules.case import Case

CODE = "EW204"
NAME = "not-listening-yet"
SUMMARY = "the stop signal came before the program was listening, and was lost"

# The slowest program measured needs 0.16 s from its exec until it listens; machines differ.
YOUNG = 0.5


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding when PID 1 discarded the signal and would have taken it a little later."""
    main = case.main
    if main is None or case.fate is not Fate.DISCARDED:
        return
    why = _why(case, main)
    if why:
        yield Finding(
            CODE,
            f"{words.label(main)} lost {case.stop.signal}: {why}",
            f"put an init in front, which listens at once: {words.entrypoint(case.stop.grace)}",
            words.pids(main),
        )


def _why(case: Case, main: Process) -> str:
    """Say how it is known that the program listens later; empty when it is not."""
    request = case.request
    again = [one for one in main.signals if request and one.at > request.at and one.signal == request.signal]
    if taken := next((o for o in again if o.fate in TAKEN and o.sender.kind is Origin.OUTSIDE), None):
        return f"it had no handler yet, and took the same signal {words.seconds(taken.at)} after the stop"
    execs = case.executed(main)
    if execs and execs[-1] > 0:
        return f"it was still starting, and became {words.name(main)} only {words.seconds(execs[-1])} later"
    known = case.program(main)
    if known and case.stop.signal in known.graceful and execs and execs[-1] > -YOUNG:
        return f"it had been started only {words.seconds(-execs[-1])} before and had no handler yet"
    return ""
