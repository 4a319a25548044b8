"""`endwell init`: become the static binary endwell-init, which is installed beside endwell."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

BINARY = "endwell-init"
OWN_ERROR = 125  # as the binary's own


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the binary's options for completion; the binary's own --help is the one that people read."""
    for words, metavar, summary in OPTIONS:
        if metavar:
            parser.add_argument(*words, metavar=metavar, help=summary)
        else:
            parser.add_argument(*words, action="store_true", help=summary)
    parser.add_argument("--to", choices=("main", "group", "tree"), help="whom the stop signal is sent to")
    parser.add_argument("--wait", choices=("main", "tree"), help="how long the container lives")
    parser.add_argument("--subreaper", choices=("auto", "never"), help="adopt orphans when not PID 1")
    parser.add_argument("command", metavar="COMMAND", nargs=argparse.REMAINDER, help="the program to run")


# Words, name of the value, what it does.
OPTIONS = (
    (("--grace",), "TIME", "whole time from the stop signal to the end"),
    (("--drain",), "TIME", "go on serving this long before anybody is told"),
    (("--main-timeout",), "TIME", "time of the main process before the rest is told"),
    (("--stop-signal",), "SIGNAL", "one more signal that starts the stop"),
    (("--rewrite",), "FROM:TO", "send another signal instead; 0 drops it"),
    (("--before-stop",), "CMD", "hook that runs during the drain"),
    (("--after-main",), "CMD", "hook that runs when the main process has left others behind"),
    (("--after-exit",), "CMD", "hook that runs when everything has ended"),
    (("--hook-timeout",), "TIME", "time each hook may take"),
    (("--exit-map",), "FROM=TO", "exit with another status"),
    (("--report",), "FILE", "write one JSON object at the end"),
    (("--parent-death",), "SIGNAL", "stop when our own parent dies"),
    (("-v", "--verbose"), None, "say on stderr what happens"),
    (("-V", "--version"), None, "print the version"),
)


def forward(words: Sequence[str]) -> int:
    """Become the binary with these words; returns 125 when it cannot be executed."""
    binary = find_binary()
    if binary is None:
        wanted = "it runs on Linux only" if sys.platform != "linux" else "install endwell again, with pip"
        print(f"endwell init: cannot find the program {BINARY}: {wanted}", file=sys.stderr)
        return OWN_ERROR
    try:
        os.execv(binary, [str(binary), *words])  # noqa: S606 - no shell is what we want
    except OSError as error:
        print(f"endwell init: cannot execute {binary}: {error.strerror}", file=sys.stderr)
    return OWN_ERROR


def find_binary() -> Path | None:
    """Where the binary is: beside this interpreter, among its scripts or the package's files, or on PATH."""
    return next((path for path in candidates() if os.access(path, os.X_OK) and path.is_file()), None)


def candidates() -> Iterator[Path]:
    """Where it may be, in this order; the slow way to find out comes only when the quick one has failed."""
    if sys.executable:
        yield Path(sys.executable).with_name(BINARY)
    yield scripts() / BINARY
    yield from recorded()
    yield from (Path(directory, BINARY) for directory in os.get_exec_path())


def scripts() -> Path:
    """Where this interpreter's installation has its scripts: on Debian not beside the interpreter."""
    import sysconfig  # noqa: PLC0415 - takes as long as all the rest

    return Path(sysconfig.get_path("scripts"))


def recorded() -> Iterator[Path]:
    """Where pip has put it (`pip install --user`, `--target`, `--prefix`)."""
    from importlib import metadata  # noqa: PLC0415 - imports half of the standard library

    try:
        files = metadata.files("endwell") or []
    except metadata.PackageNotFoundError:
        return
    for file in files:
        if file.name == BINARY:
            yield Path(os.fspath(file.locate())).resolve()
