"""A shell stands between the engine and your program, and keeps the stop signal.

## What happens

The container is stopped, PID 1 gets the stop signal, and PID 1 is a shell.
The shell does nothing, your program is its child and hears nothing, and after
the grace period both are killed. (A shell that does end, without telling its
program, is EW402; one with a trap that does not run is EW302.)

## Why

Docker and Kubernetes signal PID 1 and nobody else. A shell does not pass
signals on to the command it waits for, and as PID 1 it does not even die of
them: the kernel discards a signal for which PID 1 has no handler. `CMD python
app.py` (the shell form) means `sh -c "python app.py"`; dash, the `sh` of
Debian, then always stays as the parent. So does every shell that runs a script
whose last line is not `exec`, and every `sh -c` with a pipe, with a second
command after yours, or with `&`.

## See it

    endwell probe -- sh -c 'python3 -m http.server; true'

## Mend it

In a Dockerfile, before and after:

    CMD python app.py
    CMD ["python", "app.py"]

In an entrypoint script, before and after:

    python app.py
    exec python app.py

When the shell has to stay because it has something to do afterwards, let it
pass the signal on, and wait until the program has ended:

    python app.py & child=$!
    trap 'kill "$child"; wait "$child"' TERM
    wait "$child"

Where the shell runs several programs, or a pipe, `exec` does not help: one of
them would take the shell's place, and the others would hear nothing as before.
Then tell each of them in the trap:

    ./app & first=$!
    ./jobs & second=$!
    trap 'kill "$first" "$second"; wait' TERM
    wait

or put an init in front, which tells everybody, also every part of a pipe:

    ENTRYPOINT ["endwell-init", "--grace", "10s", "--"]

or run one program per container.

## When it is fine

When the shell itself is the program, and what it runs may be killed at any
moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding
from endwell.model.timeline import Fate
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from endwell.model.process import Process
    from endwell.rules.case import Case

CODE = "EW101"
NAME = "shell-at-pid1"
SUMMARY = "a shell or a script at PID 1 does not pass the stop signal on"


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding when PID 1 is a shell that kept the signal from its children."""
    main = case.main
    if not case.asked or main is None or not case.is_shell(main):
        return
    behind = case.waiting_behind(main)
    if case.fate is not Fate.DISCARDED or not behind:
        return
    children = [one for one in behind if case.parent_of(one) is main] or behind
    program = next((one for one in children if not case.harmless(one)), children[0])
    yield Finding(
        CODE,
        f"PID 1 is {_form(main)}: it has no handler for {case.stop.signal} and passed it on to nobody, so "
        f"{words.labels(behind)} never heard of the stop",
        _mend_several(case, main) if _several(main, children) else _mend(main, program),
        words.pids(main, *behind),
    )


def _form(main: Process) -> str:
    """Say what kind of shell it is: `sh -c`, a script, or just a shell."""
    argv = main.argv[-1]
    if file := words.script(argv):
        return f"the script {file}, run by {words.name(main)}"
    return f"the shell `{words.command(argv)}`"


def _several(main: Process, children: Sequence[Process]) -> bool:
    """Whether to put one program in the place of the shell would leave something out."""
    return len(children) > 1 or _is_pipe(main)


def _is_pipe(main: Process) -> bool:
    return bool({"|", "|&"} & set(words.tokens(words.code(main.argv[-1]))))


def _mend_several(case: Case, main: Process) -> str:
    init = f"put an init in front, which tells everybody: {words.entrypoint(case.stop.grace)}"
    if _is_pipe(main):
        return f"{init}; or do without the pipe: then the program can be PID 1 itself"
    return (
        f"{init}; or start each of them in the background, tell them all and wait: {words.trap(2)}; or run "
        "one program per container"
    )


def _mend(main: Process, child: Process) -> str:
    """Propose the line that replaces the shell by its program."""
    argv = words.typed(child.argv[-1], words.code(main.argv[-1])) if child.executed and child.argv else ()
    if words.is_title(argv):
        name = words.name(child)
        return f"write `exec` in front of {name} where the shell starts it: then {name} is PID 1 itself"
    program = words.command(argv) if argv else "the program"
    if file := words.script(main.argv[-1]):
        if _may_be_script(argv):
            return f"write `exec` in front of {argv[1]} where {file} starts it: then it is PID 1 itself"
        return f"write `exec {program}` as the last line of {file}: then the program is PID 1 itself"
    if not argv:
        return "write `exec` in front of the shell's last command: then the program is PID 1 itself"
    return f"name the program without a shell, CMD {words.exec_form(argv)}, or write `exec {program}` in it"


def _may_be_script(argv: Sequence[str]) -> bool:
    """Whether the kernel may have put an interpreter in front of what was written."""
    return len(argv) > 1 and argv[0].startswith("/") and "/" in argv[1] and not argv[1].startswith("-")
