"""The hooks of a moment: commands that are run one after another, each within its own time."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from endwell.machine.event import Moment
from endwell.model.durations import format_duration
from endwell.system.spawn_error import SpawnError

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.model.process import End
    from endwell.model.service import Hook
    from endwell.supervise.children import Child
    from endwell.system.loop import Loop, Timer


class Starter(NamedTuple):
    """Who starts commands for hooks, and ends them.

    Args:
        start: starts a command; its second argument is called with how it has ended.
        kill: kills one that was started, and those below it.
    """

    start: Callable[[tuple[str, ...], Callable[[End], None]], Child]
    kill: Callable[[Child], None]


class HookRun:
    """Hooks under way.

    Before a start the first one that fails is the end of it; at other moments each does what it can.

    Args:
        moment: which.
        hooks: in order.
        loop: for their time.
        starter: who runs them.
        done: called when all are done, with what has failed first; empty if nothing has.
    """

    def __init__(
        self,
        moment: Moment,
        hooks: tuple[Hook, ...],
        loop: Loop,
        starter: Starter,
        done: Callable[[str], None],
    ) -> None:
        self._moment = moment
        self._left = list(hooks)
        self._loop = loop
        self._start, self._kill = starter
        self._done: Callable[[str], None] | None = done
        self._failed = ""
        self._hook: Hook | None = None
        self._child: Child | None = None
        self._timer: Timer | None = None

    def begin(self) -> None:
        """Run the first one."""
        self._next()

    def cancel(self) -> str:
        """Kill the one that runs; returns what has failed first, as nobody is told."""
        self._done = None
        self._left.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._child is not None:
            self._fail("killed before it was done")
            self._kill(self._child)
        return self._failed

    def _next(self) -> None:
        while self._left and not (self._failed and self._moment is Moment.BEFORE_START):
            hook = self._hook = self._left.pop(0)
            try:
                self._child = self._start(hook.command, self._ended)
            except (SpawnError, OSError) as error:
                self._fail(str(error))
                continue
            self._timer = self._loop.after(hook.timeout, self._late)
            return
        done, self._done = self._done, None
        if done is not None:
            done(self._failed)

    def _ended(self, end: End) -> None:
        self._child = None
        if self._timer is not None:
            self._timer.cancel()
        if end.status:
            self._fail(f"ended by {end.signal}" if end.signal else f"exited with {end.code}")
        if self._done is not None:
            self._next()

    def _late(self) -> None:
        assert self._hook is not None  # noqa: S101  the timer was set for it
        self._fail(f"killed: not done within {format_duration(self._hook.timeout)}")
        if self._child is not None:
            self._kill(self._child)

    def _fail(self, why: str) -> None:
        command = shlex.join(self._hook.command) if self._hook else ""
        self._failed = self._failed or f"{self._moment.value.replace('_', '-')} hook `{command}` {why}"
