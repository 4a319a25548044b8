"""The container had ended before anybody asked it to.

## What happens

There was nothing left to stop. How it would have ended cannot be said.

## Why

The program failed at its start; or it went into the background, and PID 1,
which had started it, left: with PID 1 gone the container is over, and the
kernel killed what was in the background. Or it is a task that was simply done.

## See it

    endwell probe -- sh -c 'echo no configuration; exit 1'

## Mend it

Read the last lines of the output. A program that goes into the background has
to be told to stay:

    CMD ["nginx"]
    CMD ["nginx", "-g", "daemon off;"]

A task that ends by itself can be stopped in the middle: `endwell probe --ready
log:started -- CMD`.

## When it is fine

When the task was to end, and its status is 0: then there is nothing to probe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding
from endwell.model.timeline import Printed
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW502"
NAME = "ended-before-stop"
SUMMARY = "the container ended before it was asked to"


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding when the container was over before the stop."""
    if case.stop.asked:
        return
    main = case.main
    end = main.end if main else None
    who = words.label(main) if main else "PID 1"
    status = case.stop.exit if case.stop.exit is not None else end.status if end else None
    when = "before it was ready" if case.timeline.ready.at is None else "before it was asked to stop"
    background = tuple(one for one in case.torn if not case.harmless(one))
    if end and end.killer:
        how = "was killed"
        step = "look for who killed it: the kernel does when memory is short (docker inspect: OOMKilled)"
    elif end and end.signal:
        how = f"died of {end.signal}"
        step = f"{_output(case)} why it crashed"
    elif background:
        how = f"ended with status {_number(status)}, while {words.labels(background)} went on behind it,"
        known = next((case.program(one) for one in background if case.program(one)), None)
        flag = f" ({known.foreground})" if known and known.foreground else ""
        step = f"run {words.name(background[0])} in the foreground{flag}"
    else:
        how = f"ended with status {_number(status)}"
        step = (
            "if it was a task that was done, there is nothing to stop; stop it earlier with --ready log:REGEX"
            if status == 0
            else f"{_output(case)} why it failed at its start"
        )
    yield Finding(CODE, f"{who} {how} {when}", step, words.pids(main) if main else ())


def _output(case: Case) -> str:
    """Where to look for the reason."""
    if any(isinstance(event, Printed) and event.text.strip() for event in case.timeline.events):
        return "read in the last lines of its output"
    return "it printed nothing: look into its log files, or let it say on standard error"


def _number(status: int | None) -> str:
    return "unknown" if status is None else str(status)
