"""A process had ended, and nobody collected it: a zombie.

## What happens

The process is over, but its number stays taken until its parent asks how it
ended. A few zombies do no harm. A container that makes one per request runs
out of process numbers, and then nothing can be started in it: no health check,
no `docker exec`.

## Why

A parent has to wait(2) for its children. When the parent has ended first, that
is PID 1's duty; most programs, when they are PID 1, do not know of children
that they did not start. Typical for Python, node and Java programs that run
git, ffmpeg or a browser.

## See it

    endwell probe -- python3 -c 'import os, time; os.fork() or os._exit(0); time.sleep(3)'

Guest: `makes-orphans`.

## Mend it

When PID 1 did not collect an orphan, put an init in front:

    ENTRYPOINT ["endwell-init", "--grace", "10s", "--"]
    CMD ["node", "server.js"]

When a parent did not collect its own child, call wait in it (in Python:
`process.wait()`).

## When it is fine

When there are few, and their number does not grow. A parent may just not have
come to it: a zombie counts when it was left for more than 1 second, or when at
least 10 of them were waiting for one parent at the stop, however short.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from endwell.machine.lives import EARLY
from endwell.model.finding import Finding, Severity
from endwell.model.process import Killer
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.process import Process
    from endwell.rules.case import Case

CODE = "EW403"
NAME = "zombies-left"
SUMMARY = "processes that had ended were never collected"

# Dead for less than this when the container ended: a parent may just not have come to it.
LONG = 1.0
# As many at the stop are no coincidence, however long it took.
MANY = 10


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding for those PID 1 did not collect, and one for those that another parent did not."""
    main = case.main
    if main is None or not case.stop.asked:
        return
    zombies = tuple(one for one in case.processes if _is_zombie(case, one))
    waiting = Counter(one.adopter for one in zombies if _waited(one))
    zombies = tuple(
        one for one in zombies if _age(case, one) > LONG or (_waited(one) and waiting[one.adopter] >= MANY)
    )
    for orphans in (True, False):
        found = tuple(one for one in zombies if (one.adopter == 1 != one.parent) == orphans)
        if not found:
            continue
        parent = label_of(case, found[0].adopter)
        longest = words.seconds(max(_age(case, one) for one in found))
        yield Finding(
            CODE,
            f"{words.labels(found)} had ended and {words.be(found)} never collected by {parent}, for up to "
            f"{longest}",
            f"put an init in front, which collects them: {words.entrypoint(case.stop.grace)}"
            if orphans
            else f"let {parent} wait for its children",
            words.pids(*found),
            Severity.WARNING,
        )


def _is_zombie(case: Case, process: Process) -> bool:
    if process.pid == 1 or process.died is None or process.reaped is not None or case.visitor(process):
        return False
    torn = process.end is not None and process.end.killer is Killer.NAMESPACE
    return not torn


def _waited(zombie: Process) -> bool:
    """Whether it was a zombie at the stop already."""
    return zombie.died is not None and zombie.died < EARLY


def _age(case: Case, zombie: Process) -> float:
    """For how long nobody had collected it when the container was over."""
    return 0.0 if zombie.died is None else case.over - zombie.died


def label_of(case: Case, pid: int) -> str:
    """Name the process that has a number; the last one if there were several."""
    return next((words.label(one) for one in reversed(case.processes) if one.pid == pid), f"process {pid}")
