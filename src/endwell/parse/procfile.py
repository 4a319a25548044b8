"""A Procfile and the `.env` beside it, as foreman and honcho read them.

| there | here |
|---|---|
| `name: command`, run by a shell | the same; the command replaces the shell where it can |
| the end of a process ends all | the same, with its exit status |
| 5 s between SIGTERM and SIGKILL | the same |
| `PORT`: that of the environment, or 5000, and 100 more with each line | the same |
| `PS`: `web.1` | the same |
| lines that are no `name: command` are passed over | they are, with a warning unless they are comments |

A shell that stays between us and the command would keep the stop signal to itself. So `exec` is put in front
of a command that is a single one; where there is more to it (`a && b`, a pipe, a loop) the whole process
group is sent the signal. Source of the semantics: the documentation of both programs.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING

from endwell.model.place import Place
from endwell.model.project import ExitWhen, Project, When
from endwell.model.restart import Restart, docker
from endwell.model.service import ServiceSpec
from endwell.parse.problems import Report, why_unread
from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from endwell.parse.problems import Problem

FIRST_PORT = 5000
BETWEEN_PORTS = 100
TIMEOUT = 5.0

_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(.+)")
_VARIABLE = re.compile(r"\s*(?:export\s+)?([A-Za-z_0-9]+)=(.*)")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
# What makes more than one command of a line; redirections do not.
_SEVERAL = re.compile(r"[;|()&]|\n")
_REDIRECTION = re.compile(r"[0-9]*(?:>>|>&|<&|>\||<>|<|>)|&>>?")
# What a shell makes something else of, or what stands before a redirection.
_OF_EXPANSION = re.compile(r"[$*?\[\]~<>{}`]")
# Words that `exec` cannot run: those of the shell's grammar, and commands that only the shell has.
_OF_SHELL = frozenset(
    {
        *("!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in"),
        *("select", "then", "time", "until", "while", "[[", "((", "coproc"),
        *(
            ".",
            ":",
            "alias",
            "bg",
            "break",
            "builtin",
            "cd",
            "command",
            "continue",
            "declare",
            "eval",
            "exec",
        ),
        *("exit", "export", "fg", "getopts", "hash", "jobs", "let", "local", "pushd", "popd", "read"),
        *("readonly", "return", "set", "shift", "source", "times", "trap", "type", "typeset", "ulimit"),
        *("umask", "unalias", "unset", "wait"),
    }
)


@dataclass(frozen=True, slots=True)
class Procfile:
    """What a Procfile says.

    Args:
        project: its lines as services.
        warnings: what is odd about it.
        places: by the name of a service, its line.
        files: those that were read, the main one first.
    """

    project: Project
    warnings: tuple[Problem, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    files: tuple[str, ...] = ()


def read_procfile(path: str, read: Callable[[str], str], environment: Mapping[str, str]) -> Procfile:
    """Read a Procfile and the `.env` beside it, if there is one.

    Args:
        path: of the file.
        read: a path to its text; raises OSError, or UnicodeError where it is no text.
        environment: for the first port.

    Raises:
        ConfigurationError: all that is wrong with it, a line for each thing, with file and line.
    """
    report = Report()
    text = ""
    try:
        text = read(path)
    except (OSError, UnicodeError) as error:
        why = why_unread(error, "correct its name or its mode")
        report.error(Place(path, 1), f"cannot read the file: {why}")
    report.settle()
    variables, files = _dot_env(posixpath.join(posixpath.dirname(path), ".env"), read, report)
    commands = _commands(path, text, report)
    first = _port(variables.get("PORT", environment.get("PORT", "")))
    report.settle()
    services = tuple(
        _service(name, command, variables | {"PORT": str(first + at * BETWEEN_PORTS), "PS": f"{name}.1"})
        for at, (name, (command, _)) in enumerate(commands.items())
    )
    project = Project(services=services, exit_when=ExitWhen(When.ANY_EXITS))
    places = {name: place for name, (_, place) in commands.items()}
    return Procfile(project, tuple(report.warnings), places, (path, *files))


def replaced_shell(command: str) -> str | None:
    """Return a line for a shell that becomes the command; None where a shell has to stay.

    Args:
        command: a line for /bin/sh.
    """
    words = _simple(command)
    if words is None:
        return None
    before = 0
    while before < len(words) and _ASSIGNMENT.match(words[before]):
        before += 1
    if before == len(words) or words[before] in _OF_SHELL or "`" in command or "$(" in command:
        return None
    if not before:
        return f"exec {command}"
    # An assignment is a word of the shell's and cannot be executed: `exec` goes behind the last of them.
    match = re.match(
        rf"(?:\s*{_ASSIGNMENT.pattern}(?:[^\s'\"\\]|\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\")*){{{before}}}\s+",
        command,
    )
    return f"{match[0]}exec {command[match.end() :]}" if match else None


def _simple(command: str) -> list[str] | None:
    """Return the words of a line that is one command; None of one that is several, or broken."""
    if _SEVERAL.search(_REDIRECTION.sub(" ", _without_quoted(command))):
        return None
    try:
        return shlex.split(command, comments=True)
    except ValueError:
        return None


def program_of(command: str) -> str | None:
    """Return the program that a shell with this line becomes; None where only a shell could tell.

    Args:
        command: a line for /bin/sh.
    """
    words = _simple(command)
    if words is None:
        return None
    while words and _ASSIGNMENT.match(words[0]):
        if words.pop(0).startswith("PATH="):
            return None
    if words[:1] == ["exec"]:
        words.pop(0)
    if not words or words[0] in _OF_SHELL or _OF_EXPANSION.search(words[0]):
        return None
    return words[0]


def _without_quoted(command: str) -> str:
    return re.sub(r"\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"", " ", command, flags=re.DOTALL)


def _service(name: str, command: str, variables: dict[str, str]) -> ServiceSpec:
    line = replaced_shell(command)
    start, restart = docker(Restart.NO)
    return ServiceSpec(
        name=name,
        group=name,
        command=("/bin/sh", "-c", line or command),
        start=start,
        restart=restart,
        stop_timeout=TIMEOUT,
        stop_group=line is None,
        environment=variables,
    )


def _commands(path: str, text: str, report: Report) -> dict[str, tuple[str, Place]]:
    found: dict[str, tuple[str, Place]] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        written = line.removesuffix("\r").rstrip()
        place = Place(path, number)
        match = _LINE.fullmatch(written)
        if match and match[1] in found:
            report.error(
                place, f"there is a {match[1]} at {found[match[1]][1]} already: give one of them another name"
            )
        elif match:
            found[match[1]] = (match[2], place)
        elif written and not written.lstrip().startswith("#"):
            report.warn(place, f"{written!r} is passed over: write NAME: COMMAND, or # in front of a comment")
    if not found:
        report.error(Place(path, 1), "there is no line NAME: COMMAND: write one, as in web: gunicorn app:app")
    return found


def _dot_env(path: str, read: Callable[[str], str], report: Report) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read a `.env` in foreman's grammar; without one there are no variables."""
    try:
        text = read(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}, ()
    except (OSError, UnicodeError) as error:
        why = why_unread(error, "correct its mode, or remove it")
        report.error(Place(path, 1), f"cannot read the file: {why}")
        return {}, ()
    found = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        written = line.removesuffix("\r")
        match = _VARIABLE.fullmatch(written)
        if match:
            found[match[1]] = _unquoted(match[2])
        elif written.strip() and not written.lstrip().startswith("#"):
            name = written.partition("=")[0].strip()
            report.warn(Place(path, number), f"{name!r} is passed over: write NAME=value")
    return found, (path,)


def _unquoted(value: str) -> str:
    """Take quotes off; within double ones a backslash and an n are a line feed."""
    if match := re.fullmatch(r"'(.*)'\s*", value):
        return match[1]
    if match := re.fullmatch(r'"(.*)"\s*', value):
        return re.sub(r"\\(.)", r"\1", match[1].replace("\\n", "\n"))
    return value


def _port(written: str) -> int:
    return int(written) if written.isascii() and written.isdigit() and len(written) < 6 else FIRST_PORT  # noqa: PLR2004
