"""An init tells a shell to stop, and the shell dies without telling your program.

## What happens

The stop takes no time at all and the status is 143: it looks perfect. But only
the shell was told. It died of the signal, the init saw its only child end and
left, and with PID 1 gone the kernel killed your program in the middle of
whatever it did. None of its clean-up ran.

## Why

tini, dumb-init, catatonit and `docker run --init` pass signals on to the one
process that they started. When that is `sh -c "app; true"` or a script that
does not `exec`, the process is the shell. Under an init it is an ordinary
process, so now the signal ends it, where as PID 1 it would have been
discarded. The init did not repair the shell, it has hidden it. `tini -g` and
dumb-init tell the whole group, but do not wait for it.

## See it

    endwell probe --init='tini --' -- sh -c 'python3 -m http.server; true'

## Mend it

    ENTRYPOINT ["tini", "--"]
    CMD ["sh", "-c", "migrate; app"]

becomes

    ENTRYPOINT ["tini", "--"]
    CMD ["sh", "-c", "migrate; exec app"]

or let the init tell everybody, and wait for everybody:

    ENTRYPOINT ["endwell-init", "--grace", "10s", "--"]

## When it is fine

When what runs behind the shell may be killed at any moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding
from endwell.model.programs import Kind
from endwell.rules import words
from endwell.rules.program_behind_shell import dead_shells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.process import Process
    from endwell.rules.case import Case

CODE = "EW103"
NAME = "init-before-shell"
SUMMARY = "an init passes the stop signal on to a shell, which dies of it and tells nobody"


def find(case: Case) -> Iterator[Finding]:
    """Yield a finding for a shell that is the init's own child."""
    main = case.main
    if main is None or case.kind(main) is not Kind.INIT:
        return
    for shell, lost in dead_shells(case):
        if case.parent_of(shell) is not main:
            continue
        yield Finding(
            CODE,
            f"{words.label(main)} told the shell {words.label(shell)} only: it died of {case.stop.signal} "
            f"and did not pass it on to {words.labels(lost)}",
            f"{_mend(case, shell)} an init that tells everybody instead of {words.name(main)}: "
            f"{words.entrypoint(case.stop.grace)}",
            words.pids(shell, *lost),
        )


def _mend(case: Case, shell: Process) -> str:
    """Of several programs only one could take the place of the shell."""
    several = sum(one.alive(0.0) for one in case.children_of(shell)) > 1
    return "take" if several else "write `exec` in front of the shell's last command, or take"
