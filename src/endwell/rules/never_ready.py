"""The container never became ready, and was stopped in the middle of its start.

## What happens

What was to be waited for (a port, a line of output, a file) did not come in
time. What the report says is how the start can be stopped, not the service.

## Why

The program is slower than the time given, or waits for something it does not
find here: a database, a variable, a file. Or what was asked for is not what it
says: it listens at another port, prints another line.

## See it

    endwell probe --ready tcp:1 -- sleep 1000

## Mend it

Read the output, and give it what it waits for: `--env`, `--network`. Or wait
for something else:

    endwell probe --ready log:started -- CMD

## When it is fine

When it is the start whose stop was to be probed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW505"
NAME = "never-ready"
SUMMARY = "the container never became ready"

# What the probe waits for when it is told nothing.
SETTLED = "listening or settled"
# What has run for longer was not started by the probe, which has not waited for as long.
LONGEST = 3600.0


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding when what was waited for did not come, and the container lived."""
    ready = case.timeline.ready
    if ready.what == "settled" or ready.at is not None or not case.stop.asked:
        return
    who = words.label(case.main) if case.main else "the container"
    yield Finding(
        CODE,
        f"{who} was never ready: {_missing(case)}",
        "read its output for what it waits for; or wait for something else with --ready",
        words.pids(case.main) if case.main else (),
    )


def _missing(case: Case) -> str:
    """What did not come, or of a command that it did not succeed, and in what time."""
    kind, _, command = case.timeline.ready.what.partition(":")
    waited = -case.main.born if case.main else 0.0
    within = f" within {words.seconds(waited)}" if 0 < waited < LONGEST else ""
    if case.timeline.ready.what == SETTLED:
        return f"it neither listened nor came to rest{within}"
    if kind == "exec" and command:
        return f"`{command}` did not succeed{within}"
    return f"{case.timeline.ready.what} did not come{within}"
