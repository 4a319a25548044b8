"""The hooks of all replicas that are under way."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from endwell.machine.act import Act
from endwell.machine.event import HooksDone, Moment
from endwell.supervise.hooks import HookRun, Starter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from endwell.machine.effect import Run
    from endwell.machine.life import Life
    from endwell.supervise.children import Children
    from endwell.supervise.workshop import Workshop
    from endwell.system.loop import Loop

Key = tuple[str, int]


class HookRuns:
    """For each moment of a replica there is one at most.

    Args:
        loop: for their time.
        workshop: where they are started.
        children: kill them.
        lives: of the replicas.
        done: told when those of a moment are done.
        failed: told when one of them has failed, and what is under way goes on all the same.
    """

    def __init__(  # noqa: PLR0913  what it brings together
        self,
        loop: Loop,
        workshop: Workshop,
        children: Children,
        lives: Mapping[Key, Life],
        done: Callable[[Key, HooksDone], None],
        *,
        failed: Callable[[Act], None],
    ) -> None:
        self._loop = loop
        self._workshop = workshop
        self._children = children
        self._lives = lives
        self._done = done
        self._failed = failed
        self._runs: dict[tuple[Key, Moment], HookRun] = {}

    def begin(self, key: Key, run: Run) -> None:
        """Run the hooks of a moment, in place of those of it that are under way."""
        start = partial(self._workshop.start_hook, self._lives[key], run.moment)
        done = partial(self._all_done, key, run.moment)
        hooks = HookRun(run.moment, run.hooks, self._loop, Starter(start, self._children.kill_child), done)
        self.cancel(key, run.moment)
        self._runs[key, run.moment] = hooks
        hooks.begin()

    def cancel(self, key: Key, moment: Moment) -> None:
        """Kill those of a moment, if there are any."""
        if (hooks := self._runs.pop((key, moment), None)) is not None:
            self._say(key, HooksDone(moment, hooks.cancel()))

    def forget(self, keys: Collection[Key]) -> None:
        """Kill those of replicas that there are no more."""
        for key, moment in [one for one in self._runs if one[0] in keys]:
            self._runs.pop((key, moment)).cancel()

    def _all_done(self, key: Key, moment: Moment, failed: str) -> None:
        del self._runs[key, moment]
        done = HooksDone(moment, failed)
        self._say(key, done)
        self._done(key, done)

    def _say(self, key: Key, done: HooksDone) -> None:
        # Before a start that is why there is none, and is said as that.
        if done.failed and done.moment is not Moment.BEFORE_START:
            self._failed(Act(key, done))
