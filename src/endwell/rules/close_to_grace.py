"""The stop works, but takes nearly the whole grace period.

## What happens

This time it went well. On a busier machine, with one more request or a larger
file, the grace period will be over first and everything will be killed.

## Why

More than 80 % of the grace period was used. Look at the timeline: who ends
last, and what does it wait for? A wait that always takes the same time is
often a timeout of the program's own.

## See it

    endwell probe --grace 10s -- sh -c 'trap "sleep 9; exit" TERM; sleep 1000 & wait'

## Mend it

Shorten what takes the time, or give the container more of it:

    docker run --stop-timeout 30
    stop_grace_period: 30s                  # compose
    terminationGracePeriodSeconds: 60       # Kubernetes

## When it is fine

When the time is a limit of the program that it never exceeds, and the rest is
enough for everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding, Severity
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW303"
NAME = "close-to-grace"
SUMMARY = "the stop works, but takes more than 80 % of the grace period"

SHARE = 0.8


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding when PID 1 left by itself, but late."""
    main, stop = case.main, case.stop
    if main is None or not case.left or stop.grace <= 0 or stop.took <= SHARE * stop.grace:
        return
    yield Finding(
        CODE,
        f"{words.label(main)} ended {words.seconds(stop.took)} after {stop.signal}: only "
        f"{words.seconds(max(0.0, stop.grace - stop.took))} of the grace period were left",
        "find out on the timeline who ends last, and shorten that; or raise the grace period",
        words.pids(main),
        Severity.WARNING,
    )
