"""A process was killed together with PID 1 and had never been told to end.

## What happens

The process ran until the last instant as if nothing were going on. Then it was
gone, with whatever it was doing: no handler ran, no buffer was flushed, no
lock was released.

## Why

The stop signal goes to PID 1 alone. Whoever is PID 1 has to pass it on; if it
leaves without having done so, or is killed, the kernel kills all the others
with SIGKILL, which nobody can handle. When PID 1 has an own finding (EW1xx,
EW2xx), that is the cause and this is the consequence.

## See it

    endwell probe -- sh -c 'trap "exit 0" TERM; python3 -m http.server & wait'

Guests: `leaves-its-worker`, `worker-in-own-session`.

## Mend it

Let PID 1 tell its children and wait for them. In a script:

    trap 'kill "$child"; wait "$child"' TERM

For everything, whoever started it:

    ENTRYPOINT ["endwell-init", "--grace", "10s", "--"]

## When it is fine

When the process has nothing to lose. Of `sleep`, `tail`, `cat` and `tee` this
is known: for them, and for what `docker exec` or a health check has started,
the finding is a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding, Severity
from endwell.model.programs import Kind
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW402"
NAME = "never-told"
SUMMARY = "a process is killed together with PID 1 without having been told to end"


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding for those with something to lose, and a warning for the others."""
    main = case.main
    if main is None or not case.asked:
        return
    end = "was killed" if main.end and main.end.killer else "left"
    when = f"killed when {words.label(main)} {end}"
    entrypoint = words.entrypoint(case.stop.grace)
    init = f"put an init in front that tells everybody: {entrypoint}"
    if case.kind(main) is Kind.INIT:
        init = f"instead of {words.name(main)} take an init that tells everybody: {entrypoint}"
    untold = tuple(one for one in case.never_told if not case.orphaned(one))
    visitors = tuple(one for one in untold if case.visitor(one))
    own = tuple(one for one in untold if not case.visitor(one))
    for severity in Severity:
        lost = tuple(one for one in own if case.harmless(one) == (severity is Severity.WARNING))
        if not lost:
            continue
        message = (
            f"{words.labels(lost)} {words.be(lost)} never told: {words.they(lost)} {words.be(lost)} {when}"
        )
        if severity is Severity.ERROR:
            shell = case.is_shell(main)
            whom = words.name(lost[0]) if len(lost) == 1 else "each of them"
            step = f"tell {whom} and wait: {words.trap(len(lost))}; or {init}"
            yield Finding(CODE, message, step if shell else init, words.pids(*lost), severity)
        else:
            nothing = "nothing is lost if it may be killed at any moment; if not, tell it from PID 1 and wait"
            yield Finding(CODE, message, nothing, words.pids(*lost), severity)
    if visitors:
        yield Finding(
            CODE,
            f"{words.labels(visitors)}, started from outside, {words.be(visitors)} never told: "
            f"{words.they(visitors)} {words.be(visitors)} {when}",
            "end what `docker exec` has started before the stop; a health check loses nothing",
            words.pids(*visitors),
            Severity.WARNING,
        )
