"""Command lines as supervisord and supervisorctl read them, and what they say of one that makes no sense."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from endwell.records import dataclass

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Found = tuple[str, "Option", str]

USAGE_ERROR = 2


class UsageError(Exception):
    """A command line, or a file, that cannot be used; the message is for people."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option.

    Args:
        name: what its value is kept under.
        short: its letter; empty where it has none.
        long: its word; empty where it has none.
        metavar: what its value is called; empty for an option without one.
        summary: what it does.
        convert: from text; raises ValueError with why not.
    """

    name: str
    short: str
    long: str
    metavar: str
    summary: str
    convert: Callable[[str], Any] = str


@dataclass(frozen=True, slots=True)
class Line:
    """A command line that has been read: values by the names of options, and the words that are none."""

    values: dict[str, Any]
    words: list[str]


def read_line(words: Sequence[str], options: Sequence[Option]) -> Line:
    """Read a command line; options end with the first word that is none, or after `--`.

    The rules and the words are those of Python's getopt, which supervisord uses, and which brings a whole
    library of translations into PID 1: `-nc FILE`, `-cFILE`, `--conf FILE`, `--configuration=FILE`.

    Args:
        words: after the program's own name.
        options: those there are.

    Raises:
        UsageError: it cannot be read.
    """
    rest = list(words)
    values: dict[str, Any] = {}
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        read = _read_long if word.startswith("--") else _read_short
        for spelling, option, text in read(word, rest, options):
            if option.name in values:
                raise UsageError(f"conflicting command line option {spelling!r}")
            try:
                values[option.name] = option.convert(text) if option.metavar else True
            except ValueError as error:
                raise UsageError(f"invalid value for {spelling} {text!r}: {error}") from None
    return Line(values, rest)


def _read_long(word: str, rest: list[str], options: Sequence[Option]) -> Iterator[Found]:
    name, equals, text = word.removeprefix("--").partition("=")
    known = {one.long: one for one in options if one.long.startswith(name) and one.long}
    if not known:
        raise UsageError(f"option --{name} not recognized")
    if name not in known and len(known) > 1:
        raise UsageError(f"option --{name} not a unique prefix")
    option = known.get(name) or next(iter(known.values()))
    if option.metavar and not equals:
        if not rest:
            raise UsageError(f"option --{option.long} requires argument")
        text = rest.pop(0)
    if equals and not option.metavar:
        raise UsageError(f"option --{option.long} must not have an argument")
    yield f"--{option.long}", option, text


def _read_short(word: str, rest: list[str], options: Sequence[Option]) -> Iterator[Found]:
    known = {one.short: one for one in options if one.short}
    letters = word.removeprefix("-")
    while letters:
        letter, letters = letters[0], letters[1:]
        option = known.get(letter)
        if option is None:
            raise UsageError(f"option -{letter} not recognized")
        text = ""
        if option.metavar:
            if not letters and not rest:
                raise UsageError(f"option -{letter} requires argument")
            text, letters = letters or rest.pop(0), ""
        yield f"-{letter}", option, text


def called(name: str) -> str:
    """Return what somebody who was called by this name, or as a command of endwell's, calls itself."""
    own = sys.argv[0]
    return own if os.path.basename(own) == name else f"endwell {name}"  # noqa: PTH119  pathlib is heavy


def complaint(message: str, program: str) -> str:
    """Return what is said on stderr of a command line or a file that cannot be used."""
    return f"Error: {message}\nFor help, use {program} -h\n"


def page(head: str, options: Iterable[Option], foot: str) -> str:
    """Return a page of help."""
    lines = []
    for one in options:
        words = [f"-{one.short}"] if one.short else []
        words += [f"--{one.long}"] if one.long else []
        lines.append(f"  {', '.join(words) + (f' {one.metavar}' if one.metavar else ''):<34}{one.summary}")
    return "\n".join([head, "", "options:", *lines, "", foot, ""])


def describe(options: Iterable[Option], parser: argparse.ArgumentParser) -> None:
    """Tell a parser of the options, for completion only."""
    for one in options:
        words = [f"-{one.short}"] if one.short else []
        words += [f"--{one.long}"] if one.long else []
        words = [word for word in words if word not in {"-h", "--help", "-?"}]
        if not words:
            continue
        if one.metavar:
            parser.add_argument(*words, metavar=one.metavar, help=one.summary)
        else:
            parser.add_argument(*words, action="store_true", help=one.summary)
