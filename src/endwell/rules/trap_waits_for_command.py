"""A shell has a trap, but runs it only when its current command has ended.

## What happens

The signal reaches the shell, which remembers it and goes on waiting for the
command in the foreground. When that command is your program, it never ends by
itself: nobody has told it. After the grace period everything is killed and the
trap has not run. When the command is `sleep 30`, the stop takes up to 30
seconds.

## Why

POSIX: a trap is executed after the foreground command has completed. Only the
built-in `wait` is interrupted by a signal.

## See it

    endwell probe -- sh -c "trap 'echo bye; exit 0' TERM; sleep 1000; true"

Guest: `traps-in-foreground`.

## Mend it

Before:

    trap 'cleanup' TERM
    app

After, with the program in the background and the shell in `wait`:

    app & child=$!
    trap 'kill "$child"; wait "$child"; cleanup; exit 0' TERM
    wait "$child"

In a loop write `sleep 30 & wait $!` instead of `sleep 30`.

## When it is fine

When the command always ends soon: a finding about a delay is a warning. A trap
that did run, and took too long itself, is EW301.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding, Severity
from endwell.model.process import Killer
from endwell.model.timeline import Fate
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.process import Process
    from endwell.rules.case import Case

CODE = "EW302"
NAME = "trap-waits-for-command"
SUMMARY = "a shell's trap has to wait until the command in the foreground has ended"

LONG = 1.0


def find(case: Case) -> Iterator[Finding]:
    """Yield a finding for every shell that did nothing while one of its children went on, untold."""
    if not case.asked:
        return
    for shell in case.processes:
        if not case.is_shell(shell) or shell.died is None:
            continue
        told = next((one for one in case.requests(shell) if one.fate is Fate.HANDLER), None)
        if told is None:
            continue
        command = _awaited(case, shell, told.at)
        if command is None:
            continue
        stuck = shell.end is not None and shell.end.killer is not None and _outlived(command, shell)
        ended = command.died if command.died is not None else shell.died
        if not stuck and ended - told.at <= LONG:
            continue
        later = words.seconds(shell.died - told.at)
        what = (
            f"it had not when the shell was killed, {later} later"
            if stuck
            else f"that took {words.seconds(ended - told.at)}"
        )
        yield Finding(
            CODE,
            f"{words.label(shell)} caught {told.signal}, but could not act on it before its command "
            f"{words.label(command)} had ended: {what}",
            f"start it in the background and wait: `{_typed(shell, command)} & wait $!`, and let the trap "
            "tell it"
            if command.argv
            else "start the command in the background, and wait for it with `wait`",
            words.pids(shell, command, *case.unheard(case.behind(shell))),
            Severity.ERROR if stuck else Severity.WARNING,
        )


def _awaited(case: Case, shell: Process, at: float) -> Process | None:
    """The child that lived at an instant, untold, while the shell did nothing until that child's end."""
    for child in reversed(case.children_of(shell)):
        if not child.alive(at) or child.told:
            continue
        until = min(one for one in (child.died, shell.died, case.over) if one is not None)
        if until > at and not any(at <= deed < until for deed in case.deeds(shell)):
            return child
    return None


def _outlived(command: Process, shell: Process) -> bool:
    """Whether a shell was gone before the command it waited for, or both by the same kill, in any order."""
    if command.died is None or shell.died is None or command.died >= shell.died:
        return True
    return command.end is not None and command.end.killer is Killer.NAMESPACE


def _typed(shell: Process, command: Process) -> str:
    return words.command(words.typed(command.argv[-1], words.code(shell.argv[-1])))
