"""A wrapper in front of your program does not pass the stop signal on.

## What happens

PID 1 is a program that starts another one: `su`, `npm`, `flock`, `xargs`,
`time`, `strace`, `mysqld_safe`. It gets the stop signal. Yours, which does the
work, gets nothing, or a shell between the two gets it and dies. The container
may stop quickly and look healthy: your program was killed all the same.

## Why

Not every wrapper replaces itself by what it starts. `env`, `nice`, `gosu`,
`setpriv` and `su-exec` do; `su -c`, `flock`, `xargs` and `time` stay as the
parent and have nothing to do with signals. `npm start` passes the signal on,
but to the shell in which it runs the script of package.json, and that is where
it ends.

## See it

    endwell probe -- flock /tmp/lock python3 -m http.server

## Mend it

    CMD su app -c "python app.py"
    CMD ["setpriv", "--reuid=app", "--regid=app", "--init-groups", "python", "app.py"]

    CMD ["npm", "start"]
    CMD ["node", "server.js"]

If npm has to stay, write `exec` in front of the command in package.json:
`"start": "exec node server.js"`.

## When it is fine

When the program behind the wrapper may be killed at any moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding
from endwell.model.programs import Kind
from endwell.model.timeline import Fate
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.process import Process
    from endwell.rules.case import Case

CODE = "EW102"
NAME = "wrapper-at-pid1"
SUMMARY = "a wrapper at PID 1 (su, npm, flock ...) does not pass the stop signal on"

WRAPPERS = {Kind.WRAPPER, Kind.RUNNER}
INSTEAD = {
    "su": "use `setpriv` or `gosu` instead of su: they become the program",
    "runuser": "use `setpriv` or `gosu` instead of runuser: they become the program",
    "sudo": "use `setpriv` or `gosu` instead of sudo: they become the program",
    "mysqld_safe": "run mysqld (or mariadbd) itself: the engine restarts the container where that is wanted",
}


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding when PID 1 is a wrapper and something behind it was not told."""
    main = case.main
    if not case.asked or main is None or case.kind(main) not in WRAPPERS:
        return
    behind = case.waiting_behind(main)
    lost = behind if case.fate is Fate.DISCARDED else case.unheard(behind)
    if not lost:
        return
    links = [one for one in case.children_of(main) if one.told]
    passed = f"passed it on to {words.labels(links)} only" if links else "did not pass it on"
    heard = "discarded" if case.fate is Fate.DISCARDED else "got"
    yield Finding(
        CODE,
        f"PID 1 is the wrapper `{words.command(main.argv[-1])}`: it {heard} {case.stop.signal} and {passed}; "
        f"{words.labels(lost)} never heard of the stop",
        _mend(case, main, lost[-1]),
        words.pids(main, *lost),
    )


def _mend(case: Case, main: Process, program: Process) -> str:
    known = case.program(main)
    if known and known.name in INSTEAD:
        return INSTEAD[known.name]
    argv = program.argv[-1] if program.argv and not words.is_title(program.argv[-1]) else ()
    direct = f"start the program itself: CMD {words.exec_form(argv)}" if argv else "start the program itself"
    if known and known.kind is Kind.RUNNER:
        return f"{direct}, or write `exec` in front of the command that {known.name} runs"
    return direct
