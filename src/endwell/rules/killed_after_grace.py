"""The stop signal was handled, but the grace period was over before the end came.

## What happens

The engine waits for the grace period and then kills everything. What was still
being written, uploaded or answered is lost; the status is 137.

## Why

The end takes longer than the grace period: 10 seconds for `docker stop`, 30 in
Kubernetes, and a preStop hook is part of them. Often a limit inside is longer
than the one outside: gunicorn waits 30 s for its workers, sidekiq 25 s, squid
30 s, and supervisord stops one group after another, each with 10 s of its own.
Or the program waits for one of its processes, or for a client, that does not
end at all. Of a shell whose trap has run, the finding says with which command
it was still busy.

## See it

    endwell probe --grace 2s -- CMD

The timeline shows who still lived at the end.

## Mend it

Give the program a limit that is shorter than the grace period:

    CMD ["gunicorn", "--graceful-timeout", "8", "app:app"]

or the container more time:

    docker run --stop-timeout 40
    stop_grace_period: 40s                  # compose
    terminationGracePeriodSeconds: 40       # Kubernetes

## When it is fine

When the work may be cut at any point, and waiting costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding
from endwell.model.process import Killer
from endwell.model.timeline import Fate
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.process import Process
    from endwell.rules.case import Case

CODE = "EW301"
NAME = "killed-after-grace"
SUMMARY = "the stop signal was handled, but the end took longer than the grace period"


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding when the engine had to kill PID 1."""
    main = case.main
    if main is None or not case.asked or not case.killed:
        return
    grace = case.stop.grace
    if grace <= 0:
        yield Finding(
            CODE,
            f"the grace period is 0 s: {words.label(main)} was killed as soon as it had been asked to stop",
            "give it time to end: stop it with a grace period, such as `docker stop --time 10`",
            words.pids(main),
        )
        return
    slow = tuple(one for one in case.torn if one.told and not case.harmless(one))
    waiting = f"; {words.labels(slow)} {words.be(slow)} still ending" if slow else ""
    busy = _busy_with(case, main)
    if busy is not None:
        waiting += f"; {_how_busy(case, main, busy)}"
    limits = [
        f"{known.name}: {setting}, by default {default}"
        for known in dict.fromkeys(case.program(one) for one in (main, *slow))
        if known
        for setting, default in known.settings
    ]
    yield Finding(
        CODE,
        f"{words.label(main)} was sent {case.stop.signal}, but had not ended when the grace period of "
        f"{words.seconds(grace)} was over: the engine killed it{waiting}",
        (
            "shorten what the trap does and let it end with `exit`"
            if busy
            else "let it give up what it waits for before the grace period is over"
        )
        + (f" ({limits[0]})" if limits else "")
        + ", or raise the grace period (docker run --stop-timeout, terminationGracePeriodSeconds)",
        words.pids(main, *slow, *filter(None, [busy])),
    )


def _busy_with(case: Case, main: Process) -> Process | None:
    """What a shell that has caught the signal started after it, and was still running at the end."""
    if not case.is_shell(main) or case.fate is not Fate.HANDLER:
        return None
    late = (
        one for one in reversed(case.children_of(main)) if _started_after_stop(case, one) and not one.told
    )
    return next((one for one in late if one.end and one.end.killer is Killer.NAMESPACE), None)


def _how_busy(case: Case, main: Process, busy: Process) -> str:
    """A command that ran before the stop too is that of a loop which the trap has not ended."""
    before = any(
        one.argv[-1:] == busy.argv[-1:] and not _started_after_stop(case, one)
        for one in case.children_of(main)
    )
    if before:
        return f"it had caught the signal, but went on as before, with {words.label(busy)}"
    return f"its trap was still busy with {words.label(busy)}"


def _started_after_stop(case: Case, process: Process) -> bool:
    return case.request is not None and process.born >= case.request.at
