"""After the stop new connections were accepted, and then not answered.

## What happens

A client connects, that works, it sends its request, and the connection is
reset. Had the connection been refused, the client or the load balancer would
have tried another server, and nobody would have noticed.

## Why

The listening socket stays open while the server shuts down, but nobody takes
connections from it any more: they wait in the kernel's queue and are reset
when the process ends. gunicorn, hypercorn and uvicorn with several workers do
this for some tenths of a second. And a load balancer needs a moment to learn
that this server is going away: until then new requests keep coming.

## See it

    endwell probe --http http://127.0.0.1:8000/ -- gunicorn -b :8000 app:app

## Mend it

Let the load balancer learn of the stop first, and go on serving meanwhile:

    ENTRYPOINT ["endwell-init", "--grace", "30s", "--drain", "5s", "--"]

or in Kubernetes:

    lifecycle: {preStop: {sleep: {seconds: 5}}}

## When it is fine

When a proxy in front repeats what failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding
from endwell.model.traffic import Group
from endwell.rules import words
from endwell.rules.requests_lost import count_lost, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW409"
NAME = "connections-reset"
SUMMARY = "new connections after the stop were accepted and then not answered"


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding when new connections were lost instead of refused."""
    traffic = case.timeline.traffic
    if traffic is None or not case.stop.asked:
        return
    lost = count_lost(traffic, lambda one: one.group is Group.NEW)
    if lost:
        total = sum(one.group is Group.NEW for one in traffic.requests)
        verb = "was" if lost.total() == 1 else "were"
        yield Finding(
            CODE,
            f"{lost.total()} of {total} new connections to {traffic.target} {verb} accepted after the stop "
            f"and then lost: {said(lost)}",
            "go on serving until the load balancer knows: endwell-init --drain 5s in front, or a preStop "
            "sleep in Kubernetes",
            words.pids(case.main) if case.main else (),
        )
