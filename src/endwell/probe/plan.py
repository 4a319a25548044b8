"""What is to be probed, and how: the command line as a value."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Self

from endwell.model.durations import parse_duration
from endwell.model.spec import ContainerSpec
from endwell.model.timeline import Way
from endwell.records import dataclass, field

if TYPE_CHECKING:
    from endwell.model.signals import Signal
    from endwell.probe.load.options import LoadOptions

# What a plain word and a colon begin is a time: no command of a shell begins so.
TIMED = re.compile(r"(?P<sign>[+-]?)(?P<time>[\w.+-]*(?<=[\w.+-])):(?P<command>.*)", re.DOTALL)

# What a program on this machine is given of our environment; an image brings its own.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TERM")


def inherited() -> dict[str, str]:
    """Return the variables that a program on this machine is given of ours."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


def working_directory(path: str = "") -> str:
    """Return where a program of this machine starts: `path`, or where we are; ValueError if that is gone."""
    try:
        return os.path.abspath(path)  # noqa: PTH100  pathlib would keep the dots
    except FileNotFoundError as error:
        raise ValueError("the current directory has been removed; go to another one") from error


@dataclass(frozen=True, slots=True)
class Execution:
    """A command that runs inside meanwhile, as with `docker exec`.

    `at` is in seconds relative to the stop; None means before it, and the stop waits for its end.
    """

    command: tuple[str, ...]
    at: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `[TIME:]CMD`; CMD is for `sh -c`.

        A plain word before the first colon (letters, digits, `.`, `+`, `-`, and no space) is the time. So
        `sh -c a:b`, `./a:b` and `: >file` are commands, and `x:foo` is wrong.

        Args:
            text: `kill -9 1`, `200ms:kill -9 7`, `-1s:redis-cli set key value`.

        Raises:
            ValueError: there is no command, or the time is none.
        """
        match = TIMED.fullmatch(text)
        command, at = text, None
        if match:
            try:
                seconds = parse_duration(match["time"])
            except ValueError as error:
                word = match["sign"] + match["time"]
                raise ValueError(
                    f"{text!r}: the word before the colon is a time, and {word!r} is none; write for example "
                    f"200ms:CMD or -1s:CMD, or a space before a command with a colon in its first word"
                ) from error
            command, at = match["command"], -seconds if match["sign"] == "-" else seconds
        if not command.strip():
            raise ValueError(f"{text!r} names no command: write CMD or TIME:CMD, as in '200ms:kill -9 7'")
        return cls(("/bin/sh", "-c", command), at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One probe.

    Args:
        spec: the container to make; of no meaning with `container`.
        engine: by name.
        container: the name of one that runs already.
        observer: auto, tracefs or seccomp; none for a control run.
        ready: what to wait for, as in `tcp:8080`; empty for the default.
        ready_timeout: seconds.
        after: seconds to wait between ready and stop.
        signal: instead of the container's stop signal.
        grace: seconds, instead of the container's own.
        way: how to end it.
        again: seconds until the stop signal is sent a second time, for `Way.TWICE`.
        executions: what to run inside meanwhile.
        load: the traffic, or None.
        most: how many processes there may have been before the container is taken to fork without end.
        crowd: how many there may be at once.
    """

    spec: ContainerSpec = field(default_factory=ContainerSpec)
    engine: str = "local"
    container: str | None = None
    observer: str = "auto"
    ready: str = ""
    ready_timeout: float = 30.0
    after: float = 0.0
    signal: Signal | None = None
    grace: float | None = None
    way: Way = Way.STOP
    again: float = 0.5
    executions: tuple[Execution, ...] = ()
    load: LoadOptions | None = None
    most: int = 50_000
    crowd: int = 4_000
