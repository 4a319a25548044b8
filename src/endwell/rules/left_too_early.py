r"""PID 1 left while others were ending as they had been told; they were killed.

## What happens

The container stops fast and looks healthy. But a process that was in the
middle of its clean-up was killed in the instant in which PID 1 ended: the last
write, the last request, the goodbye to the cluster did not happen.

## Why

When PID 1 ends, the kernel kills every process that is left. Whoever is PID 1
has to wait for all the others. tini and dumb-init wait for their direct child
only. A shell ends when its script ends, and `wait` returns as soon as a
trapped signal comes: `trap 'kill $child' TERM; app & wait` tells the program
and leaves at once.

## See it

    endwell probe -- sh -c 'trap "kill \$!" TERM; python3 slow-to-end.py & wait'

Guests: `quits-before-its-worker`, `leaves-its-worker`.

## Mend it

In a script wait once more, in the trap:

    trap 'kill "$child"; wait "$child"' TERM

In a program of yours, wait for your children before you leave. Or put an init
in front that waits for everybody within the grace period:

    ENTRYPOINT ["endwell-init", "--grace", "10s", "--"]

## When it is fine

When the process that was cut short had nothing to lose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding, Severity
from endwell.model.programs import Kind
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW401"
NAME = "left-too-early"
SUMMARY = "PID 1 left while others were still ending as they had been told"


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding for those with something to lose, and a warning for the others."""
    main = case.main
    if main is None or not case.left:
        return
    for severity in Severity:
        cut = tuple(
            one
            for one in case.cut_short
            if case.harmless(one) == (severity is Severity.WARNING) and not case.visitor(one)
        )
        if not cut:
            continue
        told = case.heard(cut[0]) or next(iter(case.requests(cut[0])), None)
        time = max(0.0, case.over - told.at) if told else 0.0
        later = f"{words.seconds(time)} later" if time else "at once"
        yield Finding(
            CODE,
            f"{words.labels(cut)} {words.be(cut)} told to end and cut short {later}: "
            f"{words.label(main)} left without waiting",
            _mend(case),
            words.pids(*cut),
            severity,
        )


def _mend(case: Case) -> str:
    if case.is_shell(case.main):
        return f"wait in the trap until the program has ended: {words.trap(1)}"
    entrypoint = words.entrypoint(case.stop.grace)
    if case.main and case.kind(case.main) is Kind.INIT:
        return f"instead of {words.name(case.main)} take an init that waits for everybody: {entrypoint}"
    return f"put an init in front that waits for everybody: {entrypoint}"
