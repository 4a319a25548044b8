"""Where the processes of services, their hooks and the commands that ask about them are started."""

from __future__ import annotations

import os
import shlex
from functools import partial
from typing import TYPE_CHECKING

from endwell.records import dataclass, replace
from endwell.supervise.health import Checks
from endwell.supervise.readiness import waiting_for
from endwell.supervise.stdin import Stdin
from endwell.system.spawn import own_pipes
from endwell.system.spawn_error import SpawnError, foreseen, hint, hint_of_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.machine.event import Moment
    from endwell.machine.life import Life
    from endwell.model.process import End
    from endwell.model.readiness import Health
    from endwell.model.service import ServiceSpec, SocketSpec
    from endwell.supervise.asking import Runner
    from endwell.supervise.children import Child, Children
    from endwell.supervise.control.tails import Tap
    from endwell.supervise.readiness import Waiting
    from endwell.supervise.recipe import Recipe
    from endwell.supervise.streams import Outlets, Streams
    from endwell.system.loop import Loop
    from endwell.system.program import Program


@dataclass(slots=True, eq=False)
class Running:
    """A replica's process.

    Args:
        child: it.
        outlets: where it writes.
        waiting: for it to be ready; None if it has nothing to say about that.
        checks: of its health; None while it is not asked.
        user: who it runs as.
        stdin: where it can be written to; None: nowhere.
    """

    child: Child
    outlets: Outlets
    waiting: Waiting | None = None
    checks: Checks | None = None
    user: int = 0
    stdin: Stdin | None = None

    def close(self) -> None:
        """It has ended."""
        self.rest()
        if self.waiting is not None:
            self.waiting.close()
        if self.stdin is not None:
            self.stdin.close()
        self.outlets.ended()

    def rest(self) -> None:
        """Its health is no longer asked for."""
        if self.checks is not None:
            self.checks.close()
            self.checks = None


class Workshop:
    """Starts what a project needs.

    Args:
        loop: for waiting.
        streams: where output goes.
        children: who keeps track of what is started.
        recipe: how programs are started.
    """

    def __init__(self, loop: Loop, streams: Streams, children: Children, recipe: Recipe) -> None:
        self.tap: Callable[[ServiceSpec], Tap] | None = None  # who hears what is written
        self.socket: Callable[[SocketSpec], int] | None = None  # who has those that services need
        self._loop = loop
        self._streams = streams
        self._children = children
        self._recipe = recipe

    def start(
        self,
        spec: ServiceSpec,
        *,
        ended: Callable[[End], None],
        ready: Callable[[], None],
        seen: Callable[[str], None],
    ) -> Running:
        """Start a replica's process.

        Args:
            spec: the replica.
            ended: called with how it has ended.
            ready: called when it says or shows that it is ready; not before `Waiting.begin`.
            seen: called with what was seen instead, when that is something else than before.

        Raises:
            SpawnError: it cannot be started.
        """
        waiting = stdin = None
        outlets = self._open(spec)
        try:
            if spec.ready is not None:
                waiting = waiting_for(spec.ready, self._loop, self._asker(spec), ready, seen)
            if spec.stdin_open:
                stdin = Stdin(self._loop)
            program = self._recipe.program(
                spec,
                spec.command,
                (outlets.stdout, outlets.stderr),
                stdin=self._socket(spec) if stdin is None else stdin.reading,
                variables=waiting.variables if waiting else {},
                descriptors=waiting.descriptors if waiting else {},
            )
            _give(outlets, program, stdin)
            child = self._children.start(program, spec.key, ended, main=True)
        except (SpawnError, OSError, ValueError) as error:
            if waiting is not None:
                waiting.close()
            if stdin is not None:
                stdin.close()
            outlets.ended()
            raise _as_spawn_error(spec, error) from error
        finally:
            outlets.close()
        if stdin is not None:
            stdin.started()
        user = program.user[0] if program.user else os.geteuid()
        return Running(child, outlets, waiting, user=user, stdin=stdin)

    def foreseen(self, spec: ServiceSpec) -> SpawnError | None:
        """Return why a replica's process cannot be started, if that can be seen without trying."""
        if not spec.command or spec.hooks.before_start:
            return None  # a hook may bring the program
        path = {**self._recipe.environment, **spec.environment}.get("PATH", os.defpath)
        return foreseen(spec.command[0], directory=spec.directory, path=path)

    def start_hook(
        self, life: Life, moment: Moment, command: tuple[str, ...], ended: Callable[[End], None]
    ) -> Child:
        """Start a hook of a replica, which is told in its environment whose and when it is.

        Raises:
            SpawnError: it cannot be started.
        """
        outlets = self._open(life.spec)

        def over(end: End) -> None:
            outlets.ended()
            ended(end)

        variables = {
            "ENDWELL_SERVICE": life.spec.label,
            "ENDWELL_HOOK": moment.value.replace("_", "-"),
            "ENDWELL_PID": str(life.pid or ""),
            "ENDWELL_STATUS": "" if life.end is None else str(life.end.status),
        }
        try:
            ends = outlets.stdout, outlets.stderr
            program = self._recipe.program(life.spec, command, ends, variables=variables)
            _give(outlets, program)
            return self._children.start(program, life.spec.key, over)
        except SpawnError:
            outlets.ended()
            raise
        finally:
            outlets.close()

    def check(self, spec: ServiceSpec, health: Health, answer: Callable[[bool], None]) -> Checks:
        """Begin to ask a running replica for its health."""
        return Checks(self._loop, health, self._asker(spec), answer)

    def _socket(self, spec: ServiceSpec) -> int | None:
        return None if spec.socket is None or self.socket is None else self.socket(spec.socket)

    def _asker(self, spec: ServiceSpec) -> Runner:
        return partial(Command, self._children, self._recipe, spec)

    def execute(
        self,
        spec: ServiceSpec,
        command: tuple[str, ...],
        ends: tuple[int, int, int],
        ended: Callable[[End], None],
        *,
        terminal: bool,
    ) -> Child:
        """Start another program beside a replica, with its environment, its user and its limits.

        Args:
            spec: the replica.
            command: the program's words.
            ends: its descriptors 0, 1 and 2, which stay ours.
            ended: called with how it has ended.
            terminal: whether descriptor 0 is a terminal, which is to be that of a session of its own.

        Raises:
            SpawnError: it cannot be started.
        """
        program = self._recipe.program(spec, command, ends[1:], stdin=ends[0])
        program = replace(program, terminal=terminal)
        return self._children.start(program, spec.key, ended, beside=spec.label)

    def _open(self, spec: ServiceSpec) -> Outlets:
        try:
            outlets = self._streams.open(spec)
        except OSError as error:
            raise _as_spawn_error(spec, error) from error
        if self.tap is not None:
            tap = self.tap(spec)
            outlets.watch(tap, tap.ended)
        return outlets


class Command:
    """A command that asks a service something, as the service's own user and in its directory."""

    def __init__(
        self,
        children: Children,
        recipe: Recipe,
        spec: ServiceSpec,
        command: str,
        answer: Callable[[bool, str], None],
    ) -> None:
        self._children = children
        self._answer: Callable[[bool, str], None] | None = answer
        self._child: Child | None = None
        silence = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            program = recipe.program(spec, tuple(shlex.split(command)), (silence, silence))
            self._child = children.start(program, spec.key, self._ended)
        except (SpawnError, ValueError, IndexError) as error:
            self._answer = None
            answer(False, f"{error}")  # noqa: FBT003  an answer is yes or no
        finally:
            os.close(silence)

    def cancel(self) -> None:
        """As `Question.cancel`."""
        self._answer = None
        if self._child is not None:
            self._children.kill_child(self._child)

    def _ended(self, end: End) -> None:
        self._child = None
        answer, self._answer = self._answer, None
        if answer is not None:
            how = f"ended by {end.signal}" if end.signal else f"exited with {end.code}"
            answer(end.status == 0, how)


def _give(outlets: Outlets, program: Program, stdin: Stdin | None = None) -> None:
    """Let the program's user open the pipes anew, by /dev/stdout for example."""
    if program.user is not None:
        own_pipes(
            {outlets.stdout, outlets.stderr, *(() if stdin is None else (stdin.reading,))}, program.user[0]
        )


def _as_spawn_error(spec: ServiceSpec, error: Exception) -> SpawnError:
    if isinstance(error, SpawnError):
        return error
    if isinstance(error, OSError) and error.filename:
        return SpawnError(f"cannot open {error.filename}: {error.strerror}{hint_of_path(error.errno)}", 1)
    why = str(error)
    if isinstance(error, OSError):
        why = f"{error.strerror}{hint(error.errno)}"
    elif "null" in why:
        why = "a NUL character is in its command, its environment or a path; remove it"
    return SpawnError(f"cannot start {spec.label}: {why}", 1)
