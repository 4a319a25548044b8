"""catatonit 0.1.7: its options, its variables, its words, its pause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.compat.case import LISTEN, LOOK, ORPHAN, Case, Place
from tests.compat.cases_shared import command_lines, sh, shared
from tests.compat.talks import (
    FAULTS,
    SENDABLE,
    STOPS,
    die_of,
    pause,
    send_each,
    send_to_family,
    send_to_group,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

FAMILY = (*LISTEN, "--family")
CARRIED = sorted(set(SENDABLE) - FAULTS - STOPS - {17})
DEBUG = {"CATATONIT_DEBUG": "1"}
# $$ stays the pid of the shell when it becomes the init: what systemd sets for the process that it starts.
SOCKETS = """\
export LISTEN_PID={}
exec "$0" -- sh -c 'test "$LISTEN_PID" = $$ && echo ours || echo "$LISTEN_PID"'
"""


def command_line() -> Iterator[Case]:
    """Options, well and badly written. Real ones permute: options are found behind the program's name too."""
    for options in command_lines(
        """
        -V; --version; --vers; --v; --version=3; --help; --foo; --foo=1; ---; --=; -x; -gx; -:; '-?'; -v;
        -g; -gg; --; -g --; -gV; -Vx; -xV; -V -x; -x -V; -PV; -Px; true -V; true -x; true --version;
        true --foo; true a -gV; - -V
        """
    ):
        yield Case(name=f"options: {' '.join(options)}", options=options)
    yield Case(name="no words at all")
    for argv0 in ("catatonit", "./catatonit", "/usr/bin/catatonit"):
        for options in (("-V",), ("-x",), ("--foo",), ()):
            yield Case(name=f"{options} as {argv0}", options=options, argv0=argv0)
    for options in command_lines(
        """
        -g -- echo -V; echo -- -V; echo a -- b -V; echo -g a -- -V; echo a -g b -g; echo - a; -- --;
        echo a -- -- -g; -g -g echo a; - a
        """
    ):
        yield Case(name=f"words: {' '.join(options)}", options=options)
        yield Case(
            name=f"POSIXLY_CORRECT, words: {' '.join(options)}",
            options=options,
            environment={"POSIXLY_CORRECT": ""},
        )
    for environment in ({"CATATONIT_LOG": ""}, {"CATATONIT_LOG": "debug"}, {"CATATONIT_LOG": "", **DEBUG}):
        for options in (("true",), ("-V",), ("-x",), ()):
            yield Case(name=f"{environment} {options}", options=options, environment=environment)


def words() -> Iterator[Case]:
    """What it says with CATATONIT_DEBUG, which counts when it is empty too."""
    for environment in ({}, DEBUG, {"CATATONIT_DEBUG": ""}, {"CATATONIT_DEBUG": "0"}):
        for what, command in (
            ("exit", sh("exit 3")),
            ("death", sh("kill -9 $$")),
            ("no such command", ("nosuch",)),
        ):
            for options in ((), ("-g",)):
                yield Case(
                    name=f"says: {environment} {options} {what}",
                    options=(*options, "--"),
                    command=command,
                    environment=environment,
                )
    for place in Place:
        yield Case(
            name=f"says: {place.name}",
            options=("--",),
            command=(*LISTEN, "--status", "3"),
            place=place,
            environment=DEBUG,
            talk=send_each(()),
        )
        yield Case(
            name=f"orphan: {place.name}", options=("--",), command=ORPHAN, place=place, environment=DEBUG
        )
    yield Case(name="looks: stdin closed", options=("--",), command=LOOK, closed=(0,))
    yield Case(name="says: stdin closed", options=("--",), command=sh("exit 3"), closed=(0,))
    for value in ("$$", "$$x", "' '$$", "+$$", "1", "0", "''", "x", "-1", "99999999999999999999"):
        yield Case(name=f"LISTEN_PID={value}", script=SOCKETS.format(value))
        yield Case(name=f"LISTEN_PID={value}, debug", script=SOCKETS.format(value), environment=DEBUG)


def signals() -> Iterator[Case]:
    """Who gets which signal. TSTP, TTIN and TTOU are swallowed."""
    for options in ((), ("-g",)):
        for place in (Place.PLAIN, Place.PID_1):
            yield Case(
                name=f"forwards {options}, {place.name}",
                options=(*options, "--"),
                command=LISTEN,
                place=place,
                environment=DEBUG,
                talk=send_each([n for n in SENDABLE if n not in FAULTS]),
            )
    for number in sorted(FAULTS):
        yield Case(name=f"dies of fault {number}", options=("--",), command=LISTEN, talk=die_of(number))
    yield Case(
        name="faults do nothing to PID 1",
        options=("--",),
        command=LISTEN,
        place=Place.PID_1,
        talk=send_each(sorted(FAULTS)),
    )
    yield Case(name="main alone", command=("--", *FAMILY), talk=send_to_family(CARRIED))
    yield Case(name="group", options=("-g", "--"), command=FAMILY, talk=send_to_group(CARRIED))


def pauses() -> Iterator[Case]:
    """-P: no command, until TERM or INT."""
    others = sorted(set(SENDABLE) - FAULTS - {2, 15})
    for place in (Place.PLAIN, Place.PID_1):
        for environment in ({}, DEBUG):
            for number in (2, 15):
                yield Case(
                    name=f"pause ends by {number}, {place.name} {environment}",
                    options=("-P",),
                    place=place,
                    environment=environment,
                    talk=pause([number]),
                )
            for options in command_lines(
                """
                -P; -Pg; -P --; -P nosuch; true -P
                """
            ):
                yield Case(
                    name=f"pause hears others: {' '.join(options)}, {place.name} {environment}",
                    options=options,
                    place=place,
                    environment=environment,
                    talk=pause([*others, 15]),
                )


# The mask that its command finds is one of the mended things.
CASES = [
    *(case for case in shared() if not case.name.startswith("mask")),
    *command_line(),
    *words(),
    *signals(),
    *pauses(),
]
