"""What is known of well-known programs: what ends them gracefully, who passes signals on, who loses what.

The table itself is in `program_table`; here is what a row means, and how a command line finds its row.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from endwell.model.signals import Signal


class Kind(Enum):
    """What part a program plays in a container."""

    SERVER = "server"  # answers requests
    DATABASE = "database"  # keeps data: caches and queues too
    WORKER = "worker"  # takes jobs from a queue
    DAEMON = "daemon"  # another service: mail, names, logs, monitoring
    DEVELOPMENT = "development server"
    RUNTIME = "runtime"  # runs somebody's program, and adds handlers of its own or none
    RUNNER = "runner"  # starts what a project file names: npm, poetry
    WRAPPER = "wrapper"  # stands in front of one command: su, flock, time
    INIT = "init"  # made to be PID 1 for one command
    SUPERVISOR = "supervisor"  # runs several programs
    SHELL = "shell"
    HELPER = "helper"  # has nothing of its own to lose: sleep, tail, cat


@dataclass(frozen=True, slots=True)
class Program:
    """One program, and what it does when it is told to end.

    Args:
        name: as people call it.
        match: what its command line begins with: a base name, or that and a word (`php -S`).
        kind: the part it plays.
        graceful: the signals on which it finishes its work first, the best one first; empty for none known.
        on: what it does on a signal, in words.
        foreground: what keeps it in the foreground.
        image_signal: the STOPSIGNAL of its official image, if that sets one.
        settings: what limits its drain, and the default.
        forwards: whether it passes signals on to what it started; None when that depends or is not known.
        reaps: whether it collects orphans; None when that is not known.
        measured: whether this was measured, and not only read.
        note: one more thing to know.
    """

    name: str
    match: tuple[str, ...]
    kind: Kind
    graceful: tuple[Signal, ...] = ()
    on: tuple[tuple[Signal, str], ...] = ()
    foreground: str = ""
    image_signal: Signal | None = None
    settings: tuple[tuple[str, str], ...] = ()
    forwards: bool | None = None
    reaps: bool | None = None
    measured: bool = False
    note: str = ""

    def says(self, signal: Signal) -> str:
        """What it does on a signal, in words; empty when that is not known."""
        return dict(self.on).get(signal, "")


# What runs a file that is named later on the command line, with the options that take a word of their own.
_INTERPRETERS = {
    "python": {"-W", "-X", "--check-hash-based-pycs"},
    "pypy": {"-W", "-X"},
    "node": {"-r", "--require", "--import", "--loader"},
    "nodejs": {"-r", "--require"},
    "ruby": {"-r", "-I", "-C"},
    "perl": {"-I"},
    "php": {"-d", "-c"},
}
_VERSION = re.compile(r"[-.]?[0-9][0-9.]*$")
_OPTION_WITH_CODE = {"-c", "-e", "-p", "-r"}


def find_program(argv: Sequence[str]) -> Program | None:
    """Return what is known of the program with this command line, or None.

    Sees through interpreters (`python3 -m gunicorn`, `node /usr/bin/npm`, `bash /usr/bin/mysqld_safe`),
    titles that programs give themselves (`nginx: master process`, `npm start`) and paths.
    """
    table = _by_match()
    return next((table[words] for words in _readings(tuple(argv)) if words in table), None)


@cache
def _by_match() -> dict[str, Program]:
    from endwell.model.program_table import PROGRAMS  # noqa: PLC0415 - the table is made of what is here

    return {words: program for program in PROGRAMS for words in program.match}


def _readings(argv: tuple[str, ...]) -> Iterator[str]:
    """What a command line may stand for, the most particular reading first."""
    if not argv or not argv[0]:
        return
    words = _own_words(argv)
    name = _base(words[0])
    rest = words[1:]
    if name == "busybox" and rest:
        yield f"busybox {rest[0]}"
        name, rest = _base(rest[0]), rest[1:]
    plain = _VERSION.sub("", name)
    if rest:
        yield f"{name} {rest[0]}"
        yield f"{plain} {rest[0]}"
    if plain in _INTERPRETERS:
        yield from _script(rest, _INTERPRETERS[plain])
    elif plain in _shells():
        yield from _script(rest, {"-o", "-O", "--rcfile", "--init-file"}, of_shell=True)
    yield name
    yield plain


def _own_words(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a command line; a title is one word that holds several."""
    title = argv[0].lstrip("[")
    if ": " in title:  # nginx: master process nginx -g daemon off;
        return (title.partition(":")[0],)
    if " " in title and len([word for word in argv if word]) == 1:  # npm start
        return tuple(title.split()) or (title,)
    return (argv[0], *argv[1:])


def _base(word: str) -> str:
    """The name of a program without its directory, and without the dash of a login shell."""
    return word.rpartition("/")[2].lstrip("-").rstrip(":")


def _is_code(word: str, *, of_shell: bool) -> bool:
    """Whether an interpreter's option says that the program itself is the next word, as in `sh -ec`."""
    if of_shell:
        return word.startswith("-") and not word.startswith("--") and "c" in word
    return word in _OPTION_WITH_CODE


def _script(words: tuple[str, ...], takes_word: set[str], *, of_shell: bool = False) -> Iterator[str]:
    """What an interpreter runs: a module after -m, or the first word that is no option."""
    skip = False
    for index, word in enumerate(words):
        if skip:
            skip = False
        elif word == "-m" and not of_shell and index + 1 < len(words):
            module = words[index + 1]
            yield module.rpartition(".")[2]
            yield module.partition(".")[0]
            return
        elif word in takes_word:
            skip = True
        elif _is_code(word, of_shell=of_shell):
            return
        elif not word.startswith("-"):
            name = _base(word)
            if index + 1 < len(words):
                yield f"{name} {words[index + 1]}"
            yield name
            return


@cache
def _shells() -> frozenset[str]:
    return frozenset(
        words for words, program in _by_match().items() if program.kind is Kind.SHELL and " " not in words
    )
