"""The hooks of services that are stopped without their supervisor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from endwell.model.process import End
from endwell.model.signals import Signal
from endwell.records import replace
from endwell.supervise.children import Child
from endwell.supervise.recipe import Recipe
from endwell.system import tree
from endwell.system.spawn import spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from endwell.machine.event import Moment
    from endwell.machine.life import Life
    from endwell.system.loop import Loop

Key = tuple[str, int]

_FOR_US = ("ENDWELL_REMAINING", "ENDWELL_SIGNAL", "ENDWELL_STATUS")
_ABOVE = 3


class HookStarter:
    """Starts them as the supervisor would, with what they write on the container's own outputs.

    Args:
        loop: for waiting.
        marks: what processes of each replica wear.
    """

    def __init__(self, loop: Loop, marks: Mapping[Key, int]) -> None:
        self._loop = loop
        self._marks = marks
        self._recipe: Recipe | None = None

    def start(
        self, life: Life, moment: Moment, command: tuple[str, ...], ended: Callable[[End], None]
    ) -> Child:
        """Start one.

        Raises:
            SpawnError: it cannot be started.
        """
        if self._recipe is None:
            handed_on = {name: value for name, value in os.environ.items() if name not in _FOR_US}
            self._recipe = Recipe.of_ours(handed_on)
        variables = {
            "ENDWELL_SERVICE": life.spec.label,
            "ENDWELL_HOOK": moment.value.replace("_", "-"),
            "ENDWELL_PID": str(life.pid or ""),
            "ENDWELL_STATUS": "",
        }
        ends = os.dup(1), os.dup(2)
        try:
            program = self._recipe.program(life.spec, command, ends, variables=variables)
            soft = {**program.soft, "locks": self._marks[life.spec.key]}
            process = spawn(replace(program, soft=soft))
        finally:
            for one in ends:
                os.close(one)
        child = Child(process, life.spec.key, main=False, ended=ended)
        self._loop.watch(process.pidfd, lambda: self._over(child))
        return child

    def kill(self, child: Child) -> None:
        """Kill one, and those below it."""
        tree.signal_all(tree.below([child.process.pid]), [9], self._marks[child.key])

    def _over(self, child: Child) -> None:
        found = os.waitid(os.P_PIDFD, child.process.pidfd, os.WEXITED | os.WNOHANG)
        if found is None:
            return
        self._loop.forget(child.process.pidfd)
        child.process.close()
        exited = found.si_code == os.CLD_EXITED
        child.ended(End(code=found.si_status) if exited else End(signal=Signal(found.si_status)))
