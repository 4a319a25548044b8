"""A running service that is asked for its health, from one interval to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.supervise.asking import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.model.readiness import Health
    from endwell.supervise.asking import Question, Runner
    from endwell.system.loop import Loop, Timer


class Checks:
    """The questions to one process; as with Docker the first one comes after the first interval.

    Args:
        loop: for waiting.
        health: what, how often, and how long an answer may take.
        run: for commands.
        answer: called with each answer; none in time is a bad one.

    Attributes:
        health: as above.
    """

    def __init__(self, loop: Loop, health: Health, run: Runner, answer: Callable[[bool], None]) -> None:
        self._loop = loop
        self.health = health
        self._run = run
        self._answer = answer
        self._question: Question | None = None
        self._round = 0
        self._timer: Timer = loop.after(health.interval, self._ask)

    def close(self) -> None:
        """Ask no longer."""
        self._round += 1
        self._timer.cancel()
        if self._question is not None:
            self._question.cancel()
            self._question = None

    def _ask(self) -> None:
        self._round += 1
        this = self._round

        def take(good: bool, _: str = "") -> None:  # noqa: FBT001  an answer is yes or no
            if this != self._round:
                return
            self.close()
            self._timer = self._loop.after(self.health.interval, self._ask)
            self._answer(good)

        self._timer = self._loop.after(self.health.timeout, lambda: take(False))  # noqa: FBT003
        question = ask(self.health.means, self.health.value, self._loop, self._run, take)
        if this == self._round:
            self._question = question
