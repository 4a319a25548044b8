"""Situations that every init is put into."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tests.compat.case import LISTEN, LOOK, Case, Place
from tests.compat.talks import END, at_terminal, send_each

if TYPE_CHECKING:
    from collections.abc import Iterator

STATUSES = """\
for n in $(seq 0 255); do
    "$0" -- sh -c "exit $n" 2>/dev/null
    echo "$n $?"
done
"""
# Not those that stop a process; a core file is nobody's wish.
DEATHS = """\
ulimit -c 0
for n in $(seq 1 18) $(seq 23 64); do
    "$0" -- sh -c "kill -$n \\$\\$" 2>/dev/null
    echo "$n $?"
done
"""


def command_lines(text: str) -> list[tuple[str, ...]]:
    """Command lines from a text that separates them by semicolons, quoted as for a shell."""
    return [tuple(shlex.split(line)) for line in text.split(";") if line.strip()]


def sh(script: str) -> tuple[str, ...]:
    """A command line that gives the script to the shell."""
    return ("sh", "-c", script)


def exec_failures() -> Iterator[Case]:
    """Everything execvp(3) can find wrong, and what it forgives."""
    long = "x" * 256
    for name, command, files in (
        ("not found", ("nosuch",), ()),
        ("not found, with a path", ("./nosuch",), ()),
        ("empty name", ("",), ()),
        ("a directory", ("/",), ()),
        ("not executable", ("./plain",), ("plain=text",)),
        ("not executable, on PATH", ("plain",), ("plain=text",)),
        ("through a file", ("./plain/x",), ("plain=text",)),
        ("name too long", (long,), ()),
        ("path too long", (f"./{long}",), ()),
        ("interpreter missing", ("./script",), ("script+=#!/nosuch\n",)),
        ("no #! line: the shell runs it", ("./script", "a", "b c"), ("script+=echo $0 $# $2",)),
        ("no #! line, on PATH", ("script", "a"), ("script+=echo ${0##*/} $#",)),
        ("empty file: an empty script", ("./script",), ("script+=",)),
        ("name with a dash after --", ("-nosuch",), ()),
    ):
        yield Case(
            name=f"exec: {name}",
            options=("--",),
            command=command,
            files=files,
            environment={"PATH": ".:/usr/bin:/bin"},
        )
    for name, path, command in (
        ("PATH unset", None, ("true",)),
        ("PATH empty: the working directory", "", ("script",)),
        ("PATH empty: and nothing else", "", ("true",)),
        ("PATH with an empty part", "/nosuch::/nosuch", ("script",)),
        ("PATH denied, then found", "./denied:.", ("script",)),
        ("PATH denied, then not found", "./denied:/nosuch", ("script",)),
        ("PATH through a file", "./script:/usr/bin:/bin", ("true",)),
        ("PATH names no folder", "/nosuch:/nosuch2", ("true",)),
    ):
        yield Case(
            name=f"exec: {name}",
            options=("--",),
            command=command,
            files=("script+=#!/bin/sh\necho found",),
            environment={"PATH": path},
        )


def child_state() -> Iterator[Case]:
    """What the command finds: mask, dispositions, group, session, environment, descriptors, directory."""
    status = ("grep", "-E", "^(Sig(Blk|Ign|Cgt)|NSpid|NoNewPrivs|Seccomp)", "/proc/self/status")
    no_pid = (*status[:-2], "^Sig(Blk|Ign|Cgt)", status[-1])
    some = frozenset({1, 2, 13, 15, 34, 40, 64})
    for place in Place:
        yield Case(name=f"look: {place.name}", options=("--",), command=LOOK, place=place)
    yield Case(name="look: spare descriptor", options=("--",), command=LOOK, spare=True)
    yield Case(
        name="look: stdout closed", options=("--",), command=sh("test -e /dev/fd/1; echo $? >&2"), closed=(1,)
    )
    yield Case(
        name="look: stderr closed", options=("--",), command=sh("test -e /dev/fd/2; echo $?"), closed=(2,)
    )
    yield Case(name="mask: as it comes", options=("--",), command=no_pid)
    yield Case(name="mask: PID 1", options=("--",), command=no_pid, place=Place.PID_1)
    yield Case(name="mask: caller blocks some", options=("--",), command=no_pid, blocked=some)
    yield Case(
        name="environment", options=("--",), command=("env",), environment={"A": "1", "EMPTY": "", "B": "x=y"}
    )
    yield Case(
        name="environment: a word without =",
        options=("--",),
        command=("/usr/bin/env",),
        environment={"LISTEN_FDS": "3"},
    )
    yield Case(name="words", options=("--",), command=("printf", "<%s>", "a b", "", "--", "-x", "é\n"))
    yield Case(name="words: 5000", options=("--",), command=(*sh("echo $#"), *map(str, range(5000))))
    yield Case(name="stdin is read", options=("--",), command=("cat",))


def endings() -> Iterator[Case]:
    """Exit statuses and deaths; the init is run by a shell, many times."""
    yield Case(name="exit statuses 0..255", script=STATUSES)
    yield Case(name="deaths by every signal", script=DEATHS)
    yield Case(name="exit status as PID 1", options=("--",), command=sh("exit 42"), place=Place.PID_1)
    yield Case(name="death as PID 1", options=("--",), command=sh("kill -9 $$"), place=Place.PID_1)
    yield Case(
        name="a signal, then an exit status",
        options=("--",),
        command=(*LISTEN, "--status", "7"),
        talk=send_each(()),
    )
    yield Case(
        name="a signal as PID 1, then an exit status",
        options=("--",),
        command=(*LISTEN, "--status", "7", "--until", str(END)),
        place=Place.PID_1,
        talk=send_each(()),
    )


def terminals() -> Iterator[Case]:
    """Who hears the keys of a terminal."""
    for place in (Place.LEADER, Place.PID_1_LEADER, Place.JOB):
        yield Case(
            name=f"keys: {place.name}", options=("--",), command=LISTEN, place=place, talk=at_terminal()
        )


def shared() -> list[Case]:
    """Cases that make sense for every persona."""
    return [*exec_failures(), *child_state(), *endings(), *terminals()]
