"""Requests that had been sent were not answered because of the stop.

## What happens

A client had sent its request, or was reading the answer, or used a connection
it had kept open, and the server went away: connection reset, an empty answer,
half an answer, a status of 500, or silence. The client cannot know whether the
request was carried out.

## Why

The server ended without finishing what it had begun. Either it was never told
(EW101, EW402), or was killed (EW201, EW301), or it was sent a signal that
means "at once" (EW205), or it does not drain: aiohttp and node do that only
when the program asks for it.

## See it

    endwell probe --http http://127.0.0.1:8080/ -- nginx -g "daemon off;"

## Mend it

Finish first, then leave. For nginx:

    STOPSIGNAL SIGQUIT

in node:

    process.on("SIGTERM", () => server.close(() => process.exit(0)));

and give it the time: the grace period has to be longer than the slowest
request.

## When it is fine

When every client repeats what failed, and every request may be carried out
twice. A request of which only a part had been sent at the stop is a warning:
no server can know whether the rest will come. So is one that was sent within 10
ms of the stop: whether the server had it before is chance.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from endwell.model.finding import Finding, Severity
from endwell.model.traffic import Group, Outcome
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from endwell.model.traffic import Request, Traffic
    from endwell.rules.case import Case

CODE = "EW405"
NAME = "requests-lost"
SUMMARY = "requests in flight were cut, reset or never answered"

# Sent this many seconds before the stop, or earlier: then it was in flight, whatever chance does.
SURE = 0.01
FINISH = (
    "let the server finish what it has begun before it ends, and give it a grace period that is longer than "
    "its slowest request"
)
READ = (
    "let it read a request to its end that it has begun to read; where clients may send it again there is "
    "nothing to do"
)
SAID = {
    Outcome.RESET: "reset",
    Outcome.DROPPED: "dropped without an answer",
    Outcome.CUT: "cut in the middle of the answer",
    Outcome.ERROR: "answered with an error",
    Outcome.HUNG: "never answered",
}


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding for requests in flight and kept connections, and a warning for half-sent requests."""
    traffic = case.timeline.traffic
    if traffic is None or not case.stop.asked:
        return
    for wanted, kind, step, severity in (
        (_is_serious, "requests in flight or on a kept connection to", FINISH, Severity.ERROR),
        (_is_doubtful, "requests sent in the moment of the stop to", FINISH, Severity.WARNING),
        (_is_half_sent, "half-sent requests to", READ, Severity.WARNING),
    ):
        lost = count_lost(traffic, wanted)
        if not lost:
            continue
        total = sum(map(wanted, traffic.requests))
        verb = "was" if lost.total() == 1 else "were"
        yield Finding(
            CODE,
            f"{lost.total()} of {total} {kind} {traffic.target} {verb} lost: {said(lost)}",
            step,
            words.pids(case.main) if case.main else (),
            severity,
        )


def in_flight(request: Request) -> bool:
    """Whether it certainly was in flight at the stop."""
    return request.group in {Group.IN_FLIGHT, Group.SLOW} and request.sent <= -SURE


def _is_serious(request: Request) -> bool:
    return request.group is Group.IDLE or in_flight(request)


def _is_doubtful(request: Request) -> bool:
    return request.group in {Group.IN_FLIGHT, Group.SLOW} and not in_flight(request)


def _is_half_sent(request: Request) -> bool:
    return request.group is Group.HALF_SENT


def count_lost(traffic: Traffic, wanted: Callable[[Request], bool]) -> Counter[Outcome]:
    """Return how many of some requests were lost, and how; errors only if there were none before."""
    before = traffic.count(Group.BEFORE)
    lost = Counter(one.outcome for one in traffic.lost if wanted(one))
    if before[Outcome.ERROR]:
        del lost[Outcome.ERROR]
    return lost


def said(lost: Counter[Outcome]) -> str:
    """`3 reset, 1 never answered`."""
    return ", ".join(f"{lost[outcome]} {text}" for outcome, text in SAID.items() if lost[outcome])
