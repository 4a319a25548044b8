"""The container was asked to stop, did so in time, and reported a failure.

## What happens

`docker ps -a` shows a status that is neither 0 nor 128 and the number of the
signal. Under a restart policy, or in a Kubernetes Job, an ordinary stop counts
as a failure; alerts go off at every deployment.

## Why

Many programs have no status of their own for "I was asked to". npm ends with
1, lighttpd with 1 on SIGTERM, a Go program without a handler with 2. Or the
clean-up failed: then the status is true, and the output says why.

## See it

    endwell probe -- sh -c 'trap "exit 3" TERM; sleep 1000 & wait'

## Mend it

In a handler exit with 0. Where that is not possible, translate:

    ENTRYPOINT ["endwell-init", "--grace", "10s", "--exit-map", "1=0", "--"]

## When it is fine

When the status is true: the clean-up has failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.lives import REQUESTS
from endwell.model.finding import Finding, Severity
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW504"
NAME = "non-zero-exit"
SUMMARY = "a stop that was asked for and went in time ends with a status of failure"

BY_SIGNAL = 128


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding when PID 1 left by itself, with a status that no request explains."""
    main = case.main
    if main is None or not case.left or main.end is None or not main.end.code:
        return
    code = main.end.code
    passed_on = {one.end.status for one in case.processes if one is not main and one.end and one.end.signal}
    if code in {BY_SIGNAL + one.number for one in REQUESTS | {case.stop.signal}} | passed_on:
        return
    yield Finding(
        CODE,
        f"{words.label(main)} ended with status {code} although it had been asked to stop",
        f"end with 0 after a stop; or translate it: endwell-init --exit-map {code}=0 in front",
        words.pids(main),
        Severity.WARNING,
    )
