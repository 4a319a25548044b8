"""The exit status of the container does not say what happened.

## What happens

Status 0 or 143, and yet a process was killed in the middle of its work:
whoever looks at the status believes that all is well. Or a program failed at
the stop and PID 1 ended with 0. Or PID 1 chose 137 itself, and the one who
reads that looks for a kill that never was.

## Why

The status of the container is that of PID 1, which knows only about the child
it waits for, if about anybody. tini reports 143 when its shell died of
SIGTERM, although the program behind the shell was killed. `trap 'exit 0' TERM`
says 0 whatever happened.

## See it

    endwell probe -- sh -c 'trap "exit 0" TERM; python3 app.py & wait'

## Mend it

In a script pass on the status of the program:

    trap 'kill "$child"; wait "$child"; exit $?' TERM

An init in front that waits for all: `endwell-init --report FILE` also says who
had to be killed.

## When it is fine

When nobody reads the status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.lives import EARLY
from endwell.model.finding import Finding, Severity
from endwell.model.process import Killer
from endwell.model.programs import Kind
from endwell.model.signals import KILL
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.process import Process
    from endwell.rules.case import Case

CODE = "EW501"
NAME = "exit-status-misleads"
SUMMARY = "the exit status hides a failure, or fakes one"

STANDS_FOR_ANOTHER = {Kind.INIT, Kind.SHELL, Kind.WRAPPER, Kind.RUNNER}
BY_SIGNAL = 128


def find(case: Case) -> Iterator[Finding]:
    """Yield at most one finding: a hidden loss, a hidden failure, or a kill that never was."""
    main = case.main
    if main is None or not case.left or main.end is None:
        return
    status = case.stop.exit if case.stop.exit is not None else main.end.status
    losers = (*case.lost, *(one for one in case.unheard(case.killed_inside) if not case.harmless(one)))
    failed = _failed(case, main)
    if status in {0, BY_SIGNAL + case.stop.signal.number} and losers:
        yield Finding(
            CODE,
            f"the exit status {status} looks like an ordinary stop, although {words.labels(losers)} "
            f"{words.be(losers)} killed",
            "end with the status of the program that does the work, after it has ended",
            words.pids(main, *losers),
            Severity.WARNING,
        )
    elif status == 0 and failed is not None:
        yield Finding(
            CODE,
            f"the exit status 0 hides that {words.label(failed)} failed ({_how(failed)})",
            'pass the program\'s status on: in a script `wait "$child"; exit $?`',
            words.pids(main, failed),
        )
    elif main.end.code == BY_SIGNAL + KILL.number and not any(
        one.end and one.end.signal == KILL for one in case.processes if not case.visitor(one)
    ):
        yield Finding(
            CODE,
            f"{words.label(main)} chose the exit status 137 itself: it looks as if it had been killed",
            f"end with 0, or with {BY_SIGNAL + case.stop.signal.number} as ended by {case.stop.signal}",
            words.pids(main),
            Severity.WARNING,
        )


def _failed(case: Case, main: Process) -> Process | None:
    """The one program that PID 1 stands for, if it failed by itself during the stop."""
    if case.kind(main) not in STANDS_FOR_ANOTHER:
        return None
    children = [one for one in case.children_of(main) if one.alive(0.0) and not case.harmless(one)]
    if len(children) != 1 or children[0].died is None or children[0].died < EARLY:
        return None
    end = children[0].end
    if end is None or end.killer is Killer.NAMESPACE or case.dying(children[0]):
        return None
    asked = {BY_SIGNAL + one.signal.number for one in case.requests(children[0])}
    return None if end.status in {None, 0, *asked} else children[0]


def _how(process: Process) -> str:
    end = process.end
    return f"ended by {end.signal}" if end and end.signal else f"status {end.code}" if end else "unknown"
