"""During the stop one process killed another one with SIGKILL.

## What happens

A supervisor, a server or an init did not wait any longer for one of its
children and killed it. The container may end in time, but that child did not
finish.

## Why

Whoever stops others gives each of them a limit: supervisord 10 s
(`stopwaitsecs`), su 2 s, honcho 5 s, pm2 1.6 s, gunicorn 30 s. A child that
was told and did not make it is a warning. One that was killed without having
been told is an error: it had no chance.

## See it

    endwell probe -- supervisord -n -c supervisord.conf

with a program that ignores SIGTERM and `stopwaitsecs=1`. Guest:
`stubborn-worker`.

## Mend it

Find out why the child takes so long; or give it more time, and the container
enough for all of them:

    stopwaitsecs=8

## When it is fine

When the one that is killed has nothing to lose, and the rest needs its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding, Severity
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.process import Process
    from endwell.rules.case import Case

CODE = "EW408"
NAME = "killed-inside"
SUMMARY = "during the stop one process killed another one"


def find(case: Case) -> Iterator[Finding]:
    """Yield a finding for every process that another one killed: an error if it had not been told."""
    if not case.asked:
        return
    for process in case.killed_inside:
        if case.dying(process):
            continue
        told = next((one for one in case.requests(process)), None)
        died = process.died if process.died is not None else case.over
        yield Finding(
            CODE,
            f"{words.label(process)} was killed by {_killer(case, process)}, "
            + (
                f"{words.seconds(died - told.at)} after it had been told to end"
                if process.told and told
                else "and had not been told to end before"
            ),
            "find out why it does not end sooner, or raise the limit of whoever kills it"
            if process.told
            else f"send it {case.stop.signal} first and give it time to end",
            words.pids(process),
            Severity.WARNING if process.told or case.harmless(process) else Severity.ERROR,
        )


def _killer(case: Case, process: Process) -> str:
    pid = process.end.pid if process.end else None
    return next((words.label(one) for one in reversed(case.processes) if one.pid == pid), "another process")
