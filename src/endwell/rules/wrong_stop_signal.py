"""A program was stopped with a signal on which it does not finish its work.

## What happens

The program does what its manual says, only not what you want: nginx ends at
once and cuts the requests in flight, PostgreSQL waits for its last client for
ever, uWSGI reloads, php-fpm drops its requests.

## Why

SIGTERM is only a convention. Programs older than containers gave it the
meaning "fast", and use another signal for "finish first":

| program | finishes its work on |
|---|---|
| nginx, unicorn, php-fpm (with `process_control_timeout`) | SIGQUIT |
| Apache httpd | SIGWINCH |
| haproxy | SIGUSR1 |
| PostgreSQL, pgbouncer, lighttpd, waitress | SIGINT |
| systemd | SIGRTMIN+3 |

The official images set STOPSIGNAL accordingly. An image built from one of them
inherits that signal, also when its main program is another one that does not
know it.

## See it

    endwell probe --http http://127.0.0.1:8080/ -- nginx -g "daemon off;"

## Mend it

    CMD ["nginx", "-g", "daemon off;"]

becomes

    STOPSIGNAL SIGQUIT
    CMD ["nginx", "-g", "daemon off;"]

and in supervisord.conf `stopsignal=QUIT`. An init can translate: `endwell-init
--rewrite TERM:QUIT`.

## When it is fine

When nobody waits for an answer: the finding is a warning then, and an error
only when something was lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding, Severity
from endwell.model.programs import Kind
from endwell.model.timeline import Fate, Origin
from endwell.rules import words
from endwell.rules.requests_lost import count_lost, in_flight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.process import Process
    from endwell.model.programs import Program
    from endwell.model.timeline import Signalled
    from endwell.rules.case import Case

CODE = "EW205"
NAME = "wrong-stop-signal"
SUMMARY = "a well-known program is stopped with a signal on which it does not finish its work"

LOST = {Fate.DISCARDED, Fate.IGNORED}


def find(case: Case) -> Iterator[Finding]:
    """Yield a finding for every known program that was sent none of the signals it finishes its work on."""
    if not case.asked:
        return
    for process in case.processes:
        known = case.program(process)
        if known is None or not known.graceful or not process.alive(0.0) or _is_worker(case, process, known):
            continue
        told = [one for one in case.requests(process) if one.fate is not Fate.TOO_LATE]
        if not told or any(one.signal in known.graceful for one in told):
            continue
        first = told[0]
        does = known.says(first.signal)
        killed = process is case.main and case.killed
        workers = tuple(one for one in case.never_told if _is_worker(case, one, known)) if killed else ()
        better = known.graceful[0]
        yield Finding(
            CODE,
            f"{words.label(process)} was sent {first.signal}, but finishes its work on {better}"
            + (f" ({first.signal}: {does})" if does else "")
            + (": it was killed when the grace period was over" if killed else ""),
            _mend(case, process, first),
            words.pids(process, *workers),
            Severity.ERROR if _harm(case, process, first) else Severity.WARNING,
        )


def _is_worker(case: Case, process: Process, known: Program) -> bool:
    parent = case.parent_of(process)
    return parent is not None and case.program(parent) is known


def _harm(case: Case, process: Process, told: Signalled) -> bool:
    killed = process.end is not None and process.end.killer is not None and not case.dying(process)
    traffic = case.timeline.traffic
    cut = traffic is not None and bool(count_lost(traffic, in_flight))
    return killed or told.fate in LOST or cut


def _mend(case: Case, process: Process, told: Signalled) -> str:
    known = case.program(process)
    better = known.graceful[0] if known else told.signal
    short = better.name.removeprefix("SIG")
    from_old = told.signal.name.removeprefix("SIG")
    if told.sender.kind is not Origin.PROCESS:
        return f"write STOPSIGNAL {better} in the Dockerfile (compose: stop_signal: {better})"
    if case.kind(case.parent_of(process)) is Kind.SUPERVISOR:
        return f"let the supervisor send {better}; in supervisord.conf: stopsignal={short}"
    return (
        f"let {better} be what it is sent: STOPSIGNAL {better} in the Dockerfile, or endwell-init --rewrite "
        f"{from_old}:{short} in front"
    )
