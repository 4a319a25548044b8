"""A process crashed during the stop, or was killed by somebody outside.

## What happens

Instead of ending, the process died: of SIGSEGV, SIGABRT or the like. Whatever
it had still to do was not done.

## Why

The end is the part of a program that is run least: memory is freed twice, a
thread uses what another one has torn down, an assertion fails. A shell dies of
SIGSEGV when its trap signals itself (EW407). A SIGKILL that neither the engine
nor anybody inside has sent is often the kernel's, which was short of memory.

## See it

    endwell probe -- python3 -c 'from signal import *; import os; signal(15, lambda *_: os.abort()); pause()'

## Mend it

Look at the core dump, or run the stop under a debugger or a sanitizer. Python
prints where it was:

    CMD ["python", "-X", "faulthandler", "app.py"]

## When it is fine

Never; but the cause may be in a library that only fails at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.lives import EARLY
from endwell.model.finding import Finding
from endwell.model.process import Killer
from endwell.model.signals import Signal
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW503"
NAME = "crashed-at-stop"
SUMMARY = "a process crashed during the stop"

CRASHES = frozenset(Signal.parse(name) for name in ("SEGV", "ABRT", "BUS", "FPE", "ILL", "SYS", "TRAP"))


def find(case: Case) -> Iterator[Finding]:
    """Yield a finding for every process that crashed, and for PID 1 if it was killed from elsewhere."""
    if not case.stop.asked:
        return
    for process in case.processes:
        end = process.end
        if end is None or process.died is None or process.died < EARLY:
            continue
        if end.signal in CRASHES:
            yield Finding(
                CODE,
                f"{words.label(process)} crashed during the stop: it died of {end.signal}",
                "find out why it crashes: read its last output, or look at the core dump",
                words.pids(process),
            )
        elif (
            case.asked
            and process is case.main
            and end.killer in {Killer.OUTSIDE, Killer.PROCESS, Killer.NAMESPACE}
        ):
            yield Finding(
                CODE,
                f"{words.label(process)} was killed during the stop, and not by the engine",
                "look for who did: the kernel does when memory is short (docker inspect: OOMKilled)",
                words.pids(process),
            )
