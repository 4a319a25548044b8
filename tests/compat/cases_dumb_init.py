"""dumb-init 1.2.5: its options, its variables, its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.compat.case import LISTEN, LOOK, ORPHAN, Case, Place
from tests.compat.cases_shared import command_lines, sh, shared
from tests.compat.talks import (
    SENDABLE,
    STOPS,
    leave_worker,
    send_each,
    send_to_family,
    send_to_group,
    suspend,
    suspend_by_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

FAMILY = (*LISTEN, "--family")
CARRIED = sorted(set(SENDABLE) - STOPS - {17})


def command_line() -> Iterator[Case]:
    """Options, well and badly written; everything goes to stderr."""
    for options in command_lines(
        """
        -h; --help; --h; --he; -V; --version; --vers; --ver; --ve; --v; -vV; -hV; -Vh; -z; -z -h; -h -z;
        -vz; --zzz; --zzz=1; --=1; ---; --help=x; --single-child=1 true; --verb=3 true; --ver=3 true; -r;
        -vr; --rewrite; --rew; --rewrite=; -r ''; '-?'; -:; -W; -W help; -v; -c --; --
        """
    ):
        yield Case(name=f"options: {' '.join(options)}", options=options)
    yield Case(name="no words at all")
    for argv0 in ("dumb-init", "./dumb-init", "/usr/bin/dumb-init"):
        for options in (("-h",), ("-x",), ("--ver",), ()):
            yield Case(name=f"{options} as {argv0}", options=options, argv0=argv0)
    for options in command_lines(
        """
        -c; --single-child; --sing; --s; -v; --verbose; --verb; -vc; -cv -v; -r 15:2; -vcr15:2; -vr 15:2;
        --rewrite=15:2 -v; --rew=15:2 -v; --r 15:2 --verbose; --rewrite 15:2 -v
        """
    ):
        yield Case(name=f"{' '.join(options)} is taken", options=options, command=("echo", "-x", "--", "-c"))
        yield Case(
            name=f"{' '.join(options)} -- is taken", options=(*options, "--"), command=("echo", "-x", "--")
        )
    yield Case(name="a dash is a program", options=("-",))
    yield Case(name="-- twice", options=("--", "--"))
    yield Case(
        name="POSIXLY_CORRECT changes nothing",
        options=("-c", "echo", "-v"),
        environment={"POSIXLY_CORRECT": ""},
    )


def rewrites() -> Iterator[Case]:
    """How -r is read: two integers as scanf's %d takes them, whatever follows."""
    for rule in (
        "15:12foo",
        " 15:12",
        "15: 12",
        "+15:+12",
        " +15:  2",
        "015:012",
        "15:12:13",
        "15:0",
        "15:-0",
        "15:31",
        "31:1",
        "1:31",
        "17:15",
        "9:15",
        "19:15",
        "20:0",
        "20:15",
        "15:15",
        "\t15:\n12",
        "4294967311:12",
    ):
        yield Case(
            name=f"-r {rule!r}", options=("-v", "-c", "-r", rule, "--"), command=LISTEN, talk=send_each([15])
        )
    for rule in (
        "15",
        ":",
        "15:",
        ":15",
        "15 :2",
        "15::2",
        "x:2",
        "15:x",
        "0:1",
        "32:1",
        "-1:1",
        "15:32",
        "15:-1",
        "15:34",
        "34:15",
        "TERM:INT",
        "15-2",
        "0x0f:2",
        "99999999999999999999:1",
        "+-15:2",
        "+ 15:2",
    ):
        yield Case(name=f"-r {rule!r} is refused", options=("-r", rule, "true"))
    for rules, numbers in (
        (("15:2",), (15, 3, 18, 2)),
        (("15:2", "2:15"), (15, 2)),
        (("15:2", "15:3"), (15, 2, 3)),
        (("1:31", "31:1"), (1, 31)),
        (("15:3", "2:0", "28:0"), (15, 2, 28, 1)),
        (("4:10", "11:12"), (4, 11)),
        (("17:15",), (17,)),
        (("18:0",), (18,)),
    ):
        words = [word for rule in rules for word in ("-r", rule)]
        for mode in ("-c", "-v"):
            yield Case(
                name=f"rewrites {' '.join(rules)} {mode}",
                options=(mode, "-v", *words, "--"),
                command=LISTEN,
                talk=send_each(numbers),
            )


def words() -> Iterator[Case]:
    """What it says, by option and by variable."""
    for options, environment in (
        ((), {}),
        (("-v",), {}),
        (("-v", "-c"), {}),
        ((), {"DUMB_INIT_DEBUG": "1"}),
        (("-v",), {"DUMB_INIT_DEBUG": "1"}),
        ((), {"DUMB_INIT_DEBUG": "0"}),
        ((), {"DUMB_INIT_DEBUG": "2"}),
        ((), {"DUMB_INIT_DEBUG": ""}),
        ((), {"DUMB_INIT_DEBUG": "1 "}),
        (("-v",), {"DUMB_INIT_DEBUG": "0"}),
        (("-v",), {"DUMB_INIT_SETSID": "0"}),
        ((), {"DUMB_INIT_SETSID": "0", "DUMB_INIT_DEBUG": "1"}),
        (("-v",), {"DUMB_INIT_SETSID": "1"}),
        (("-v",), {"DUMB_INIT_SETSID": ""}),
        (("-v",), {"DUMB_INIT_SETSID": "no"}),
        (("-v", "-c"), {"DUMB_INIT_SETSID": "1"}),
        (("-v", "-c"), {"DUMB_INIT_SETSID": "0"}),
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
            )
    for place in Place:
        for options in (("-v",), ("-v", "-c")):
            yield Case(
                name=f"says: {' '.join(options)}, {place.name}",
                options=(*options, "--"),
                command=(*LISTEN, "--status", "3"),
                place=place,
                talk=send_each(()),
            )
            yield Case(
                name=f"orphan: {' '.join(options)}, {place.name}",
                options=(*options, "--"),
                command=ORPHAN,
                place=place,
            )
    yield Case(name="says: stdin closed", options=("-v", "--"), command=LOOK, closed=(0,))
    yield Case(name="looks: -c, stdin closed", options=("-c", "--"), command=LOOK, closed=(0,))
    yield Case(
        name="mask: reset for the command", options=("--",), command=("cat",), blocked=frozenset({1, 15, 40})
    )
    for options in ((), ("-c",)):
        name = f"ignored signals are heard again: {' '.join(options) or 'plain'}"
        yield Case(name=name, options=(*options, "--"), command=LOOK, ignored=frozenset({1, 2, 15, 17, 28}))


def signals() -> Iterator[Case]:
    """Who gets which signal."""
    for options in ((), ("-c",)):
        for place in (Place.PLAIN, Place.PID_1):
            yield Case(
                name=f"forwards {options}, {place.name}",
                options=(*options, "-v", "--"),
                command=LISTEN,
                place=place,
                talk=send_each(sorted(set(SENDABLE) - STOPS)),
            )
    for options in (("-c",), ("--single-child",)):
        yield Case(
            name=f"main alone {options}", options=options, command=FAMILY, talk=send_to_family(CARRIED)
        )
    yield Case(
        name="main alone by the variable",
        command=FAMILY,
        environment={"DUMB_INIT_SETSID": "0"},
        talk=send_to_family(CARRIED),
    )
    yield Case(name="group", command=FAMILY, talk=send_to_group(CARRIED))
    for rule, told in (("15:15", 15), ("15:10", 10), ("15:0", 0)):
        yield Case(
            name=f"the worker is told at the end: {rule}",
            options=("-v", "-r", rule, "--"),
            command=(*FAMILY, "--status", "3"),
            talk=leave_worker(told),
        )
    yield Case(
        name="the worker is told at the end",
        options=("-v", "--"),
        command=(*FAMILY, "--status", "3"),
        talk=leave_worker(15),
    )
    for number in sorted(STOPS):
        yield Case(
            name=f"suspends itself and the group: {number}",
            options=("-v", "--"),
            command=LISTEN,
            talk=suspend(number),
        )
        yield Case(
            name=f"suspends itself, -c: {number}",
            options=("-v", "-c", "--"),
            command=LISTEN,
            talk=suspend(number, heard=number),
        )
        yield Case(
            name=f"suspends itself, rewritten: {number}",
            options=("-v", "-r", f"{number}:15", "--"),
            command=LISTEN,
            talk=suspend(number, heard=15),
        )
        yield Case(
            name=f"PID 1 cannot suspend itself: {number}",
            options=("-v", "-c", "--"),
            command=LISTEN,
            place=Place.PID_1,
            talk=send_each([number]),
        )
    yield Case(
        name="Ctrl-Z and fg",
        script='set -m; "$0" "$@"; echo the shell goes on; fg >/dev/null; exit $?',
        options=("--",),
        command=(*LISTEN, "--stoppable", "--status", "5"),
        place=Place.JOB,
        talk=suspend_by_key(),
    )
    for place in (Place.LEADER, Place.PID_1_LEADER):
        yield Case(
            name=f"hand-off: the first HUP and CONT only, {place.name}",
            options=("-v", "--"),
            command=LISTEN,
            place=place,
            talk=send_each([18, 1]),
        )


CASES = [*shared(), *command_line(), *rewrites(), *words(), *signals()]
