"""What services ask for and is not on this machine: programs, users, directories.

`endwell up` would start without them and say so when it cannot start a service, once for each try. It may be
right: a volume brings the program, an earlier service makes the directory. So these are warnings.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from endwell.model.readiness import Means
from endwell.parse.problems import Problem
from endwell.parse.procfile import program_of
from endwell.system.program import search
from endwell.system.users import identify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from endwell.model.service import ServiceSpec
    from endwell.parse.project import ProjectFile

_SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "zsh"})


def missing(file: ProjectFile, environment: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return what is not here, each with its place; what is missing for all replicas is said once.

    Args:
        file: as it was read.
        environment: ours, which services get before their own.
    """
    found: dict[tuple[str, str], Problem] = {}
    for spec in file.project.services:
        for key, text in _lacks(spec, {**environment, **spec.environment}):
            problem = Problem(file.place(spec.name, key), f"{spec.label}: {text}")
            found.setdefault((spec.name, text), problem)
    return tuple(sorted(found.values(), key=lambda one: one.place))


def _lacks(spec: ServiceSpec, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what a replica lacks, with the key that asks for it."""
    yield from _user(spec)
    there = spec.directory is None or os.path.isdir(spec.directory)  # noqa: PTH112  as the supervisor does
    if not there:
        yield (
            "working-directory",
            (f"there is no directory {spec.directory} here; create it, or correct the setting"),
        )
    for log in (spec.stdout, spec.stderr):
        above = "" if log is None or log.discard else os.path.dirname(log.path)  # noqa: PTH120  likewise
        if above and not os.path.isdir(above):  # noqa: PTH112  likewise
            yield "logs", f"there is no directory {above} here for a log; create it, or correct the setting"
    for key, program in _programs(spec):
        # A place within a directory that is not there says nothing new.
        if there or os.path.isabs(program) or "/" not in program:  # noqa: PTH117  likewise
            yield from ((key, why) for why in _program(program, spec.directory or "", environment))


def _user(spec: ServiceSpec) -> Iterator[tuple[str, str]]:
    if spec.user is None:
        return
    try:
        number = identify(spec.user)[0]
    except LookupError as error:
        yield "user", f"cannot run as user {spec.user}: {error}"
        return
    own = os.geteuid()
    if own not in {0, number}:
        yield "user", f"cannot run as user {spec.user}: we are user {own}; run endwell as root"


def _programs(spec: ServiceSpec) -> Iterator[tuple[str, str]]:
    """Yield every program that a replica needs, with its key."""
    asked = [("command", spec.command)]
    hooks = spec.hooks
    around = (*hooks.before_start, *hooks.after_start, *hooks.before_stop, *hooks.after_stop)
    asked += (("hooks", hook.command) for hook in around)
    for key, question in (("ready", spec.ready), ("health", spec.health)):
        if question is not None and question.means is Means.EXEC:
            asked.append((key, tuple(shlex.split(question.value))))
    for key, words in asked:
        if words:
            yield key, words[0]
        if words[2:] and words[1] == "-c" and os.path.basename(words[0]) in _SHELLS:  # noqa: PTH119  likewise
            program = program_of(words[2])
            if program is not None:
                yield key, program


def _program(name: str, directory: str, environment: Mapping[str, str]) -> Iterator[str]:
    paths = [os.path.join(os.fsencode(directory), path) for path in search(name, environment)]  # noqa: PTH118  likewise
    files = [path for path in paths if os.path.isfile(path)]  # noqa: PTH113  likewise
    if any(os.access(path, os.X_OK) for path in files):
        return
    if files:
        yield f"cannot execute {os.fsdecode(files[0])} here: it is not executable; chmod +x"
    elif "/" in name:
        yield f"cannot find {name} here: there is no such file; install it, or correct the command"
    else:
        path = environment.get("PATH", os.defpath)
        yield f"cannot find {name} here: it is not on PATH ({path}); install it, or correct the command"
