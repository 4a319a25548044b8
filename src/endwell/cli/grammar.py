"""The words of the command line as a value, read off the parsers: what completion is written from."""

import argparse

from endwell.cli.commands import COMMANDS
from endwell.cli.main import command_parser, top_parser
from endwell.model.signals import TABLE
from endwell.records import dataclass

# What the name of a value says about it; other values cannot be guessed.
SIGNALS = tuple(name for _, name, _, _ in TABLE)
FILES = {"FILE", "DIRECTORY", "PATH"}
PROGRAMS = {"CMD"}
SERVICES = {"SERVICE"}


@dataclass(frozen=True, slots=True)
class Value:
    """What may stand at a place: one of some words, a file, a program, a whole command, or any text."""

    name: str
    words: tuple[str, ...] = ()
    kind: str = "text"  # text, words, files, programs, services, command
    many: bool = False  # whether more of them may follow


@dataclass(frozen=True, slots=True)
class Option:
    """An option: the ways to write it, what it does, and its value, or None."""

    spellings: tuple[str, ...]
    summary: str
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What may follow a command: its options, and its arguments in their order."""

    name: str
    summary: str
    options: tuple[Option, ...]
    arguments: tuple[Value, ...]


def read_top() -> Words:
    """Return endwell's own words; its argument is the name of a sub-command."""
    value = Value("COMMAND", tuple(command.name for command in COMMANDS), "words")
    return Words("", "", read_parser("", "", top_parser()).options, (value,))


def read_commands() -> tuple[Words, ...]:
    """Return the words of every sub-command."""
    return tuple(read_parser(one.name, one.summary, command_parser(one)) for one in COMMANDS)


def read_parser(name: str, summary: str, parser: argparse.ArgumentParser) -> Words:
    """Return the words that a parser knows."""
    options, arguments = [], []
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask
        if action.option_strings:
            value = None if action.nargs == 0 else read_value(action)
            options.append(Option(tuple(action.option_strings), action.help or "", value))
        else:
            arguments.append(read_value(action))
    return Words(name, summary, tuple(options), tuple(arguments))


def read_value(action: argparse.Action) -> Value:
    """Return what an option's value or an argument may be."""
    name = str(action.metavar or action.dest).upper()
    if action.choices:
        return Value(name, tuple(map(str, action.choices)), "words")
    if name == "SIGNAL":
        return Value(name, SIGNALS, "words")
    if action.nargs == argparse.REMAINDER:
        return Value(name, kind="command")
    kinds = {"files": FILES, "programs": PROGRAMS, "services": SERVICES}
    kind = next((kind for kind, names in kinds.items() if name in names), "text")
    return Value(name, kind=kind, many=action.nargs in {"*", "+"})
