"""PID 1 has no handler for the stop signal, so the kernel throws the signal away.

## What happens

Nothing, until the grace period is over. Then everything is killed: 10 seconds
lost on every stop, status 137, and no clean-up.

## Why

An ordinary process without a handler dies of SIGTERM. PID 1 does not: the
kernel discards every signal for which PID 1 has not installed a handler
(pid_namespaces(7)). Python, node, PHP's built-in server, `cron -f`, `sleep`,
`tail -f` and most programs in C install none. Go programs and the JVM do.

## See it

    endwell probe -- python3 -m http.server

Guest: `no-handler`.

## Mend it

Handle the signal. In Python:

    import signal, sys
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

in node:

    process.on("SIGTERM", () => server.close(() => process.exit(0)));

If the program has nothing to clean up, an init in front is enough: then it is
not PID 1 any more, and the signal ends it.

    CMD ["python", "app.py"]

becomes

    ENTRYPOINT ["endwell-init", "--grace", "10s", "--"]
    CMD ["python", "app.py"]

A program that knows another signal can be sent that one: `STOPSIGNAL SIGINT`
raises KeyboardInterrupt in Python.

## When it is fine

Never: even what has nothing to lose makes every stop take the whole grace
period.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding
from endwell.model.programs import Kind
from endwell.model.signals import TERM
from endwell.model.timeline import Fate
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.process import Process
    from endwell.rules.case import Case

CODE = "EW201"
NAME = "no-handler"
SUMMARY = "PID 1 has no handler for the stop signal: the kernel discards it"

HANDLERS = {
    "python": "install a handler with signal.signal(signal.SIGTERM, ...), or write STOPSIGNAL SIGINT, which "
    "Python turns into KeyboardInterrupt",
    "node": 'install a handler with process.on("SIGTERM", ...)',
    "java": "start java without -Xrs: that turns its own handlers off",
}


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding when the kernel discarded the stop signal."""
    main = case.main
    if main is None or case.fate is not Fate.DISCARDED:
        return
    yield Finding(
        CODE,
        f"{words.label(main)} has no handler for {case.stop.signal}, so the kernel discarded it: "
        f"{_end(case, main)}",
        _mend(case, main),
        words.pids(main),
    )


def _end(case: Case, main: Process) -> str:
    """How it ended although it had not heard of the stop."""
    if case.killed:
        return "it was killed when the grace period was over"
    if main.died is None or main.end is None:
        return "it went on"
    if main.end.killer:
        return f"it was killed {words.seconds(max(0.0, main.died))} later, and not by the engine"
    return f"it {words.ended(main.end, main.died)}"


def _mend(case: Case, main: Process) -> str:
    known = case.program(main)
    init = f"put an init in front: {words.entrypoint(case.stop.grace)}"
    if known and known.kind is Kind.HELPER:
        hidden = [one for one in case.never_told if not case.harmless(one)]
        who = f": {words.label(hidden[0])} has to be told, not {words.name(main)}" if hidden else ""
        return f"{init}, or make the service itself the main command{who}"
    if known and known.name in HANDLERS and case.stop.signal == TERM:
        return f"{HANDLERS[known.name]}; or {init}"
    return f"install a handler for {case.stop.signal}, or {init}"
