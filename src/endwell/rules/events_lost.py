"""Not everything was seen, so nothing can be said for certain.

## What happens

The observer lost events, or never saw PID 1. The verdict is `cannot tell`: a
process may have been told and nobody noticed, or the other way round. So
nothing is said about processes, only about requests.

## Why

More happened than could be written down: a fork bomb, a storm of signals, a
machine that was too busy to read.

## See it

    endwell probe -- CMD

The report's `observer` says how many events were lost.

## Mend it

Probe once more, on a machine with less to do; or with the other back end:

    endwell probe --observer seccomp -- CMD

## When it is fine

Never: probe again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW901"
NAME = "events-lost"
SUMMARY = "events were lost, so that the verdict is `cannot tell`"


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding when the witness lost events, or has not seen PID 1."""
    witness = case.timeline.witness
    if not witness.lost and case.main is not None:
        return
    what = f"{witness.lost} events were lost" if witness.lost else "nothing was seen of PID 1"
    yield Finding(
        CODE,
        f"{what} by the observer {witness.name}: who was told and how they ended cannot be said",
        "probe again, with less to do on the machine or with another --observer",
        severity=Severity.WARNING,
    )
