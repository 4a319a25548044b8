"""tini 0.19: its options, its variables, its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.compat.case import LISTEN, LISTEN_APART, LOOK, ORPHAN, Case, Place
from tests.compat.cases_shared import command_lines, sh, shared
from tests.compat.talks import (
    FAULTS,
    SENDABLE,
    STOPS,
    die_of,
    parent_dies,
    send_each,
    send_to_family,
    send_to_group,
    stop_command,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

FAMILY = (*LISTEN, "--family")
CARRIED = sorted(set(SENDABLE) - FAULTS - STOPS - {17})
NAMES = [
    "HUP",
    "INT",
    "QUIT",
    "ILL",
    "TRAP",
    "ABRT",
    "BUS",
    "FPE",
    "KILL",
    "USR1",
    "SEGV",
    "USR2",
    "PIPE",
    "ALRM",
    "TERM",
    "CHLD",
    "CONT",
    "STOP",
    "TSTP",
    "TTIN",
    "TTOU",
    "URG",
    "XCPU",
    "XFSZ",
    "VTALRM",
    "PROF",
    "WINCH",
    "SYS",
]


def command_line() -> Iterator[Case]:
    """Options, well and badly written. tini's usage goes to stderr, asked for or not asked for."""
    for options in command_lines(
        """
        --version; --version x; --versio; -h; -vh; -h -x; -x -h; -x; -sx; -V; -R A; -:; '-?'; --foo; -p; -e;
        -sp; -v; --; -s --; -p TERM true; -p SIGRTMIN true; -p 15 true; -p sigterm true; -p SIGSTKFLT true;
        -p SIGIO true; -p SIGPWR true; -p '' true; -pTERM true; -p SIGTERM -e x true; -e 256 true;
        -e -1 true; -e x true; -e 1x true; -e 0x1 true; -e '1 ' true; -e 99999999999999999999 true;
        -e + true; -e --1 true
        """
    ):
        yield Case(name=f"options: {' '.join(options)}", options=options)
    yield Case(name="no words at all")
    for argv0 in ("tini", "./tini", "/usr/bin/tini", "/a/b/tini"):
        yield Case(name=f"help as {argv0}", options=("-h",), argv0=argv0)
        yield Case(name=f"wrong option as {argv0}", options=("-x",), argv0=argv0)
    for options, status in (
        (("-e", "7"), 7),
        (("-e7",), 7),
        (("-e", "+7"), 7),
        (("-e", " 7"), 7),
        (("-e", "007"), 7),
        (("-e", ""), 0),
        (("-e", "0"), 0),
        (("-e", "-0"), 0),
        (("-e", "255"), 255),
        (("-e", "6"), 7),
        (("-e", "1", "-e", "7", "-e", "9"), 7),
        (("-se7",), 7),
        (("-wgse", "7"), 7),
        (("-sv", "-e", "7", "-w"), 7),
    ):
        yield Case(
            name=f"{' '.join(options)}, exit {status}", options=(*options, "--"), command=sh(f"exit {status}")
        )
    yield Case(name="-e 143, death by TERM", options=("-e", "143", "--"), command=sh("kill -15 $$"))
    yield Case(name="-e each: one status each", script=MAPPED)
    for options in command_lines(
        """
        -s -s; -g; -w; -gws; -v -s; -p SIGKILL; -pSIGKILL
        """
    ):
        yield Case(
            name=f"{' '.join(options)} is taken", options=(*options, "--"), command=("echo", "-x", "--")
        )
    for options in ((), ("-s",), ("-sg",)):
        yield Case(name=f"without --: {options}", options=options, command=("echo", "a", "-", "b"))
        yield Case(
            name=f"POSIXLY_CORRECT, without --: {options}",
            options=options,
            command=("echo", "-g", "--", "-x"),
            environment={"POSIXLY_CORRECT": ""},
        )
    yield Case(name="a dash is a program", options=("-s", "-"))
    yield Case(name="-- twice", options=("--", "--"))
    for name in NAMES:
        yield Case(name=f"-p SIG{name}", options=("-p", f"SIG{name}", "-s", "--"), command=("true",))


MAPPED = (
    'for n in 1 2 31 32 33 127 128 200 255; do "$0" -e $n -- sh -c "exit $n"; echo $n $?; done 2>/dev/null'
)


def words() -> Iterator[Case]:
    """What it says at each verbosity; on a screen, as the real one keeps its words back elsewhere."""
    for options, environment in (
        ((), {}),
        (("-v",), {}),
        (("-v", "-v"), {}),
        (("-v", "-v", "-v"), {}),
        (("-vvv",), {}),
        (("-vvvv", "-s"), {}),
        (("-vvv",), {"TINI_SUBREAPER": ""}),
        (("-vvv",), {"TINI_KILL_PROCESS_GROUP": ""}),
        (("-vvv",), {"TINI_VERBOSITY": "0"}),
        (("-vvv",), {"TINI_VERBOSITY": ""}),
        ((), {"TINI_VERBOSITY": "1"}),
        ((), {"TINI_VERBOSITY": "2"}),
        ((), {"TINI_VERBOSITY": "3"}),
        ((), {"TINI_VERBOSITY": "4"}),
        ((), {"TINI_VERBOSITY": "-1"}),
        ((), {"TINI_VERBOSITY": " +3x"}),
        ((), {"TINI_VERBOSITY": "x"}),
        ((), {"TINI_SUBREAPER": "0"}),
    ):
        label = " ".join([*options, *(f"{name}={value!r}" for name, value in environment.items())])
        for what, command in (
            ("exit", sh("exit 3")),
            ("death", sh("kill -9 $$")),
            ("no such command", ("nosuch",)),
        ):
            yield Case(
                name=f"says: {label or 'nothing asked'}, {what}",
                options=(*options, "--"),
                command=command,
                environment=environment,
                screen=True,
            )
    for place in (Place.PID_1, Place.PID_1_LEADER, Place.LEADER):
        yield Case(
            name=f"says: -vvv, {place.name}",
            options=("-vvv", "--"),
            command=sh("exit 3"),
            place=place,
            screen=True,
        )
    yield Case(name="says: -vvv -e 3", options=("-vvv", "-e", "3", "--"), command=sh("exit 3"), screen=True)
    yield Case(name="deaths, in words", script=SPOKEN)
    for options, place in (
        (("-w", "-s"), Place.PLAIN),
        (("-w",), Place.PLAIN),
        (("-s",), Place.PLAIN),
        (("-w",), Place.PID_1),
        (("-w", "-vvv"), Place.PID_1),
        (("-vvv", "-s"), Place.PLAIN),
    ):
        yield Case(
            name=f"orphan: {' '.join(options)}, {place.name}",
            options=(*options, "--"),
            command=ORPHAN,
            place=place,
            screen=True,
        )


SPOKEN = """\
ulimit -c 0
for n in $(seq 1 16) $(seq 24 31) 34 35 48 63 64; do
    "$0" -s -v -- sh -c "kill -$n \\$\\$"
done
"""


def signals() -> Iterator[Case]:
    """Who gets which signal."""
    for options in ((), ("-g",)):
        for place in (Place.PLAIN, Place.PID_1):
            yield Case(
                name=f"forwards {options}, {place.name}",
                options=(*options, "-vvv", "--"),
                command=LISTEN_APART,
                place=place,
                screen=True,
                talk=send_each([n for n in SENDABLE if n not in FAULTS]),
            )
    yield Case(
        name="faults do nothing to PID 1",
        options=("-vvv", "--"),
        command=LISTEN_APART,
        place=Place.PID_1,
        screen=True,
        talk=send_each(sorted(FAULTS)),
    )
    for number in sorted(FAULTS):
        yield Case(name=f"dies of fault {number}", options=("--",), command=LISTEN, talk=die_of(number))
    yield Case(name="main alone", options=("-s", "--"), command=FAMILY, talk=send_to_family(CARRIED))
    for name, options, environment in (
        ("-g", ("-g",), {}),
        ("the variable", (), {"TINI_KILL_PROCESS_GROUP": "0"}),
    ):
        yield Case(
            name=f"group by {name}",
            options=("-s", *options, "--"),
            command=FAMILY,
            environment=environment,
            talk=send_to_group(CARRIED),
        )
    yield Case(name="TSTP stops the command only", options=("--",), command=STOPPABLE, talk=stop_command(20))
    for number, name in ((10, "SIGUSR1"), (15, "SIGTERM")):
        yield Case(
            name=f"parent dies: -p {name}",
            options=("-p", name, "--"),
            command=LISTEN,
            place=Place.GRANDCHILD,
            talk=parent_dies(number),
        )
    yield Case(name="terminal: -g", options=("-g", "--"), command=LOOK, place=Place.LEADER)


STOPPABLE = (*LISTEN, "--stoppable")
CASES = [*shared(), *command_line(), *words(), *signals()]
