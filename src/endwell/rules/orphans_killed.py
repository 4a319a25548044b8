"""A program in the background, unknown to PID 1, was killed without being told.

## What happens

A service that put itself into the background runs beside the main program.
Nobody knows of it: PID 1 does not tell it when the container stops, and nobody
sees it when it dies earlier.

## Why

Programs made for a whole machine daemonize: they fork, the first process ends,
and PID 1 becomes the parent of what goes on. `service nginx start`, nginx
without `daemon off;`, `redis-server --daemonize yes` and `nohup app &` in a
script that ends all do that. Then `tail -f /dev/null` or a log viewer keeps
the container open, and it is this one that hears of the stop.

## See it

    endwell probe -- sh -c 'nginx; exec tail -f /dev/null'

Guest: `daemonizes`.

## Mend it

    CMD service nginx start && tail -f /var/log/nginx/access.log
    CMD ["nginx", "-g", "daemon off;"]

For several services use one container each, or a supervisor that runs each of
them in the foreground (supervisord, s6). An init that stops the whole tree
tells orphans too:

    ENTRYPOINT ["endwell-init", "--grace", "10s", "--"]

## When it is fine

When the program in the background has nothing to lose: a `sleep` or `tail` is
only a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding, Severity
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW404"
NAME = "orphans-killed"
SUMMARY = "a program in the background, which nobody knew of, is killed without having been told"


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding for orphans with something to lose, and a warning for the others."""
    main = case.main
    if main is None or not case.asked:
        return
    orphans = tuple(one for one in case.never_told if case.orphaned(one) and not case.visitor(one))
    for severity in Severity:
        lost = tuple(one for one in orphans if case.harmless(one) == (severity is Severity.WARNING))
        if not lost:
            continue
        known = next((case.program(one) for one in lost if case.program(one)), None)
        step = (
            f"run {known.name} in the foreground ({known.foreground}) and let it be told"
            if known and known.foreground
            else f"run {_them(lost)} in the foreground, or put an init in front that tells everybody: "
            f"{words.entrypoint(case.stop.grace)}"
        )
        fate = f"{words.be(lost)} never told: {words.they(lost)} {words.be(lost)} killed"
        yield Finding(
            CODE,
            f"{words.labels(lost)} ran in the background, left by whoever had started {_them(lost)}, and "
            f"{fate} when {words.label(main)} ended",
            step,
            words.pids(*lost),
            severity,
        )


def _them(processes: tuple[object, ...]) -> str:
    return "it" if len(processes) == 1 else "them"
