"""The values of endwell's own words: from text to value, or ValueError with why and what to write instead.

endwell.toml and endwell's own keys in a supervisord.conf take the same ones.
"""

from __future__ import annotations

import re
import shlex
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from endwell.model.durations import parse_duration
from endwell.model.project import ExitWhen, When
from endwell.model.readiness import Condition, Dependency, Means, Readiness
from endwell.model.restart import Restart
from endwell.model.service import Hook

if TYPE_CHECKING:
    from collections.abc import Callable

E = TypeVar("E", bound=Enum)

# Names of prlimit(1) that setrlimit(2) knows.
LIMITS = (
    *("as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc"),
    *("rss", "rtprio", "rttime", "sigpending", "stack"),
)
SOFT_EXCEEDS = "has a soft limit above the hard one: write the smaller one first, such as 1024:2048"
MOST_REPLICAS = 10_000
_ADDRESS = re.compile(r"(?:(.+):)?([0-9]{1,5})")
_LARGEST_PORT = 65535
_LARGEST_LIMIT = 2**63
_FIRST_FREE = 3
_LARGEST_DESCRIPTOR = 255


def duration(value: str) -> float:
    """Read a length of time to seconds: 10s, 1m30s, 500ms, or a number of seconds."""
    try:
        return parse_duration(value)
    except ValueError:
        raise ValueError("is not a length of time: write for example 10s, 1m30s, 500ms") from None


def pause(value: str) -> float:
    """Read the length of a pause between two questions, which cannot be asked without any."""
    if (seconds := duration(value)) == 0:
        raise ValueError("is no pause at all: write for example 100ms")
    return seconds


def between(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number."""

    def convert(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError("is not a whole number: write one such as 5") from None
        if not least <= number <= most:
            raise ValueError(f"is not from {least} to {most}: write a number in between")
        return number

    return convert


nice = between(-40, 40)
count = between(1, 1_000_000)


def share(value: str) -> float:
    """Read a share from 0 to 1."""
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise ValueError("is not a share from 0 to 1: write for example 0.2")
    return number


def one_of(kind: type[E]) -> Callable[[str], E]:
    """Return what reads one of the words of an enumeration."""

    def convert(value: str) -> E:
        try:
            return kind(value.lower())
        except ValueError:
            words = [str(one.value) for one in kind]
            import difflib  # noqa: PLC0415  only for words that are wrong

            near = difflib.get_close_matches(value, words, n=1)
            meant = f"did you mean {near[0]}?" if near else f"write {', '.join(words[:-1])} or {words[-1]}"
            raise ValueError(f"is none of the words for it: {meant}") from None

    return convert


def restart(value: str) -> tuple[Restart, int | None]:
    """Read no, on-failure, on-failure:5, always or unless-stopped, as `docker run --restart` takes it."""
    word, colon, number = value.partition(":")
    when = one_of(Restart)(word)
    if not colon:
        return when, None
    if when is not Restart.ON_FAILURE or not number.isascii() or not number.isdigit():
        raise ValueError("has a limit that cannot be: only on-failure takes one, such as on-failure:5")
    # As with Docker, a limit of 0 is none.
    return when, int(number) or None


def dependency(value: str) -> Dependency:
    """Read NAME or NAME:started, NAME:ready, NAME:completed."""
    service, colon, condition = value.rpartition(":")
    if not colon:
        service, condition = value, Condition.STARTED.value
    if not service.strip():
        raise ValueError("has no name before the colon: write for example db:ready, migrate:completed")
    return Dependency(service.strip(), one_of(Condition)(condition.strip()))


def dependencies(value: str) -> tuple[Dependency, ...]:
    """Read what `dependency` does, with commas between them."""
    return tuple(dependency(one) for one in re.split(r"[,\s]+", value.strip(", \t\n")))


def readiness(value: str) -> Readiness:
    """Read notify, fd:3, log:EXPRESSION, tcp:PORT, tcp:HOST:PORT, http://..., exec:COMMAND or file:PATH."""
    word, _, rest = value.partition(":")
    lower = word.lower()
    if lower not in {one.value for one in Means}:
        raise ValueError(
            "is no way to know that something is ready: write notify, fd:3, log:EXPRESSION, tcp:5432, "
            "http://localhost:8080/ready, exec:COMMAND or file:/path"
        )
    means = Means(lower)
    if means is Means.NOTIFY:
        if rest:
            raise ValueError("has something after notify: write notify alone")
        return Readiness(means)
    return Readiness(means, _CHECKS[means](rest.strip()))


def health(value: str) -> Readiness:
    """Read tcp:PORT, tcp:HOST:PORT, http://..., exec:COMMAND or file:PATH."""
    read = readiness(value)
    if read.means in {Means.NOTIFY, Means.DESCRIPTOR, Means.LOG}:
        raise ValueError(
            "cannot be asked again and again: write tcp:PORT, http://..., exec:COMMAND or file:PATH"
        )
    return read


def exit_when(value: str) -> ExitWhen:
    """Read stopped, any-fails, any-exits, all-exit, or `NAME exits`."""
    name, _, verb = value.rpartition(" ")
    if name and " " not in name and verb.lower() == "exits":
        return ExitWhen(When.SERVICE_EXITS, name)
    if value.lower() in {when.value for when in When if when is not When.SERVICE_EXITS}:
        return ExitWhen(When(value.lower()))
    raise ValueError(
        "does not say when the container ends: write any-fails, any-exits, all-exit, or for example web exits"
    )


def limits(value: str) -> dict[str, tuple[int, int]]:
    """Read NAME=SOFT:HARD or NAME=BOTH, with commas between them; `unlimited` is -1."""
    found = {}
    for one in re.split(r"[,\s]+", value.strip(", \t\n")):
        name, _, numbers = one.partition("=")
        if name not in LIMITS:
            raise ValueError(f"has no limit {name!r}: write names of prlimit(1) such as nofile=1024:2048")
        try:
            found[name] = limit(numbers)
        except ValueError as error:
            if str(error) == SOFT_EXCEEDS:
                raise
            raise ValueError(f"has no number for {name}: write for example {name}=1024:unlimited") from None
    return found


def limit(value: str) -> tuple[int, int]:
    """Read SOFT:HARD or BOTH; `unlimited` is -1."""
    soft, _, hard = value.partition(":")
    try:
        both = _limit(soft), _limit(hard or soft)
    except ValueError:
        raise ValueError("is no limit: write for example 1024, 1024:2048 or unlimited") from None
    if exceeds(*both):
        raise ValueError(SOFT_EXCEEDS)
    return both


def exceeds(soft: int, hard: int) -> bool:
    """Return whether a soft limit is above the hard one, which no process can have; -1 is unlimited."""
    return hard != -1 and (soft == -1 or soft > hard)


def hooks(timeout: float) -> Callable[[str], tuple[Hook, ...]]:
    """Return what reads commands, one in each line."""

    def convert(value: str) -> tuple[Hook, ...]:
        return tuple(Hook(command(line), timeout) for line in value.splitlines() if line.strip())

    return convert


def _limit(value: str) -> int:
    if value in {"unlimited", "infinity", "-1"}:
        return -1
    number = int(value)
    if not 0 <= number < _LARGEST_LIMIT:
        raise ValueError
    return number


def command(value: str) -> tuple[str, ...]:
    """Split a command into its words, as a shell does but without a shell."""
    try:
        words = shlex.split(value)
    except ValueError as error:
        raise ValueError(f"cannot be split into words ({error}): close the quotation mark") from None
    if not words:
        raise ValueError("has no command: write one and its arguments")
    return tuple(words)


def _address(value: str) -> str:
    match = _ADDRESS.fullmatch(value)
    if match is None or not 1 <= int(match[2]) <= _LARGEST_PORT:
        raise ValueError("has no port from 1 to 65535: write tcp:5432 or tcp:HOST:5432")
    return f"{match[1] or '127.0.0.1'}:{match[2]}"


def _url(value: str) -> str:
    if not re.match("//[^/]", value):
        raise ValueError("is no address: write http://localhost:8080/ready")
    return f"http:{value}"


def _descriptor(value: str) -> str:
    if not value.isascii() or not value.isdigit():
        raise ValueError("has no number of a descriptor: write fd:3")
    if not _FIRST_FREE <= int(value[:9]) <= _LARGEST_DESCRIPTOR:
        raise ValueError(
            f"has no number from {_FIRST_FREE} to {_LARGEST_DESCRIPTOR}, and 0, 1 and 2 are the program's "
            "input and outputs: write fd:3"
        )
    return value


def _expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(
            f"is not a regular expression ({error}): write for example log:ready to accept"
        ) from None
    if not value:
        raise ValueError("has no expression: write for example log:ready to accept")
    return value


def _command(value: str) -> str:
    command(value)
    return value


def _path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("is not an absolute path: write file:/path")
    return value


_CHECKS: dict[Means, Callable[[str], str]] = {
    Means.DESCRIPTOR: _descriptor,
    Means.LOG: _expression,
    Means.TCP: _address,
    Means.HTTP: _url,
    Means.EXEC: _command,
    Means.FILE: _path,
}
