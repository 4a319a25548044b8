"""The commands that are run inside a container, before its stop or at a time relative to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from endwell.engine.interruptions import HeldBack
from endwell.engine.protocol import EngineError
from endwell.model.timeline import Printed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from endwell.engine.protocol import Container
    from endwell.probe.observer import Observer
    from endwell.probe.plan import Execution
    from endwell.probe.timers import Timers

# From this status on it says which signal has ended a command.
SIGNALLED = 128


class Executions:
    """Runs them; `notes` says which ones failed, `printed` has what they printed.

    Args:
        planned: what is to be run, and when.
        container: where.
        observer: who is told of them.
    """

    def __init__(self, planned: Iterable[Execution], container: Container, observer: Observer) -> None:
        self.notes: list[str] = []
        self.printed: list[Printed] = []
        self._planned = tuple(planned)
        self._begun: list[Execution] = []
        self._container = container
        self._observer = observer

    @property
    def lead(self) -> float:
        """How many seconds before the stop the first timed one begins; 0 if none does."""
        return -min((one.at for one in self._planned if one.at is not None and one.at < 0), default=0.0)

    def run_first(self, say: Callable[[str], object]) -> None:
        """Run those without a time, one after the other; `say` hears of each."""
        for one in self._planned:
            if one.at is None:
                say(f"running inside: {one.command[-1]}")
                self._run(one)

    def schedule(self, timers: Timers, stop: float, *, before: bool) -> None:
        """Have timers run those with a time before the stop, or the others; `stop` is its instant."""
        for one in self._planned:
            if one.at is not None and (one.at < 0) is before:
                timers.at(stop + one.at, partial(self._run, one))

    def missed(self) -> Iterator[str]:
        """Yield a note for each one that never began."""
        for one in self._planned:
            if one not in self._begun:
                yield f"not run, because the container had ended: {one.command[-1]}"

    def _run(self, one: Execution) -> None:
        """Run one; a failure is noted: what it was to bring about may not have happened."""
        self._begun.append(one)
        try:
            entering = partial(self._observer.entered, argv=one.command)
            # Only the waiting may be left: half an execution nobody could end.
            with (
                HeldBack() as held,
                self._container.exec(one.command, entering=entering) as running,
                held.allowed(),
            ):
                status, lines = running.wait(), running.lines
        except EngineError as error:
            self.notes.append(str(error))
            return
        self.printed += [Printed(line.at, line.stream, line.text, one.command[-1]) for line in lines]
        if status and status < SIGNALLED:
            said = f": {lines[-1].text}" if lines else ""
            self.notes.append(f"the command inside `{one.command[-1]}` ended with {status}{said}")
