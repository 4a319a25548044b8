"""Processes send each other the same signal without end.

## What happens

Within a tenth of a second the program gets its stop signal hundreds of times.
The shell that sends it gets it too, and dies of a stack overflow (SIGSEGV);
with PID 1 gone, everything is killed.

## Why

`trap 'kill 0' TERM`: 0 means "my whole process group", and the shell is part
of it. So its own trap starts again, which sends the signal again. The same
with `kill -- -$$` and `kill -TERM -1`.

## See it

    endwell probe -- sh -c "trap 'kill 0' TERM; sleep 1000 & wait"

## Mend it

Stop listening before you send:

    trap 'kill 0' TERM

    trap 'trap "" TERM; kill 0; wait' TERM

## When it is fine

Never.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from endwell.model.finding import Finding
from endwell.model.timeline import Origin
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW407"
NAME = "signal-storm"
SUMMARY = "processes send each other the same signal without end"

MANY = 20


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding when a process was sent one request more than 20 times from inside."""
    if not case.asked:
        return
    storms = {}
    for process in case.processes:
        counts = Counter(
            (one.signal, one.sender.pid)
            for one in case.requests(process)
            if one.sender.kind is Origin.PROCESS
        )
        if counts and (most := counts.most_common(1)[0])[1] > MANY:
            storms[process] = most
    if not storms:
        return
    (signal, sender), times = max(storms.values(), key=lambda one: one[1])
    source = next((words.label(one) for one in reversed(case.processes) if one.pid == sender), "somebody")
    affected = words.pids(*storms, *(one for one in case.processes if one.pid == sender))
    yield Finding(
        CODE,
        f"{source} sent {signal} again and again: {words.labels(storms)} got it up to {times} times",
        "in the trap stop listening before you send: "
        f"trap 'trap \"\" {signal.name.removeprefix('SIG')}; kill 0; wait' {signal.name.removeprefix('SIG')}",
        affected,
    )
