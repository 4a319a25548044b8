"""A program is stopped by telling the shell that runs it, which dies alone.

## What happens

A supervisor, or a program of yours, starts another one with `sh -c` and later
stops it by signalling its child. The child is the shell. It dies at once, the
program behind it becomes an orphan that nobody has told, and is killed when
the container ends.

## Why

`command=sh -c "cd /app && ./server; true"` in supervisord.conf,
`subprocess.Popen("server | tee log", shell=True)` in Python, a script that
does not `exec`: in all of these the shell stays as the parent.

## See it

    endwell probe -- supervisord -n -c supervisord.conf

with a program whose command is `sh -c "sleep 1000; true"`.

## Mend it

    command=sh -c "cd /app && ./server"
    command=sh -c "cd /app && exec ./server"

or, better, without a shell:

    directory=/app
    command=./server

`stopasgroup=true` makes supervisord tell the shell and the program, but then
it only waits for the shell: the program may still be cut short.

## When it is fine

When the program may be killed at any moment.
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

CODE = "EW104"
NAME = "program-behind-shell"
SUMMARY = "a shell is told to stop instead of the program it runs, and dies of it alone"


def find(case: Case) -> Iterator[Finding]:
    """Yield a finding for every such shell that is not an init's own child."""
    main = case.main
    for shell, lost in dead_shells(case):
        parent = case.parent_of(shell)
        if parent is main and case.kind(main) is Kind.INIT:
            continue
        teller = f"{words.label(parent)} stopped" if parent else "somebody stopped"
        argv = words.typed(lost[-1].argv[-1], words.code(shell.argv[-1])) if lost[-1].argv else ()
        known = f"`{words.command(argv)}`" if argv and not words.is_title(argv) else words.name(lost[-1])
        yield Finding(
            CODE,
            f"{teller} the shell {words.label(shell)}, which died and did not pass the signal on to "
            f"{words.labels(lost)}",
            f"start {known} without a shell, or write `exec` in front of it",
            words.pids(shell, *lost),
        )


def dead_shells(case: Case) -> Iterator[tuple[Process, tuple[Process, ...]]]:
    """Yield every shell but PID 1 that a request ended at once, with those behind it that were never told."""
    if not case.asked:
        return
    for shell in case.processes:
        if shell.pid == 1 or not case.is_shell(shell):
            continue
        # By its death, too: an observer that looks a moment later finds the signal come too late.
        died_of = shell.end.signal if shell.end and shell.end.killer is None else None
        told = next(
            (one for one in case.requests(shell) if one.fate is Fate.DEFAULT or one.signal == died_of), None
        )
        if told is None:
            continue
        lost = tuple(one for one in case.unheard(case.behind(shell)) if one.alive(told.at))
        if lost:
            yield shell, lost
