"""Random command lines: a dialect's options with right, wrong and absurd values, then a harmless command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random

VALUES: Final = (
    *("", "x" * 300, "9" * 25, "5 s", "exit 3", "\x7f\x1b[31m", "é€😀"),
    *("0", "1", "7", "15", "-1", "255", "256", "143=0", "143=999", "=", ":", "::", "1:2:3", "15:3"),
    *("TERM:0",),
    *("TERM", "SIGTERM", "sigterm", "SIGRTMIN+3", "RTMAX-1", "RTMIN+99", "SIG", "KILL", "65"),
    *("10s", "1m30s", "500ms", "1.5s", ".s", "1.", "0.0000000000001s", "9999999h", "1e9", "1s1s", "none"),
    *("-5s",),
    *("main", "group", "tree", "auto", "never", "true", "/no/such", "%s%n%d", "report.json"),
    *("no/such/report.json", "-", "."),
    *("fd:1", "fd:2", "fd:99", "fd:", "fd:-1"),
)
OPTIONS: Final = {
    "endwell-init": (
        *("--grace", "--drain", "--main-timeout", "--to", "--stop-signal", "--rewrite", "--wait"),
        *(
            "--before-stop",
            "--after-main",
            "--after-exit",
            "--hook-timeout",
            "--exit-map",
            "--report",
            "--subreaper",
        ),
        *("--parent-death", "-v", "--verbose", "-V", "--version", "-h", "--help", "-vh", "-x", "-"),
        *("---", "--gra"),
    ),
    "tini": (
        *("-h", "-s", "-v", "-vvv", "-w", "-g", "-l", "-p", "-pSIGTERM", "-e", "-e143", "-sg"),
        *("--version", "-x", "-"),
    ),
    "dumb-init": (
        *("-h", "--help", "-V", "--version", "-v", "--verbose", "--verb=1", "-c", "--single-child"),
        *("--sing", "-cv", "-r", "--rewrite", "-r15:3", "--rewrite=15:2", "--ver", "-x", "--x", "-"),
    ),
    "catatonit": (*("-g", "-h", "-L", "-V", "--version", "--help", "--vers", "-gh", "-x", "--x", "-"),),
}
VARIABLES: Final = (
    *("TINI_SUBREAPER", "TINI_KILL_PROCESS_GROUP", "TINI_VERBOSITY", "DUMB_INIT_DEBUG"),
    *("DUMB_INIT_SETSID", "CATATONIT_DEBUG", "CATATONIT_LOG", "LISTEN_PID", "ENDWELL_GRACE"),
)
ENDS: Final = (("--", "true"), ("true",), ("--",), (), ("--", "/no/such"), ("false", "-v"))


def words(pick: random.Random, name: str) -> list[str]:
    """A random command line for the dialect `name`."""
    line = []
    for _ in range(pick.randrange(6)):
        word = pick.choice(OPTIONS[name])
        for _ in range(pick.randrange(3)):
            word += pick.choice(("", "=", ":", pick.choice(VALUES)))
        line += [word, pick.choice(VALUES)] if pick.random() < 0.6 else [word]
    if pick.random() < 0.3:
        noise = "".join(chr(pick.randrange(1, 256)) for _ in range(pick.randrange(40)))
        line.insert(pick.randrange(len(line) + 1), noise)
    return [*line, *pick.choice(ENDS)]


def environment(pick: random.Random) -> dict[str, str]:
    """A few of the variables that one of the dialects reads, with whatever in them."""
    return {name: pick.choice(VALUES) for name in VARIABLES if pick.random() < 0.1}
