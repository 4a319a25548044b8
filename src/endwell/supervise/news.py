"""What happens to services, as lines for the people who read the container's output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.act import Refused, RollingDone
from endwell.machine.effect import Announce, Kill
from endwell.machine.forced import forced
from endwell.machine.outcome import Outcome
from endwell.machine.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from endwell.machine.act import Act
    from endwell.machine.life import Life

Key = tuple[str, int]


class News:
    """A listener that says what is new.

    Args:
        lives: of the ensemble.
        say: says a line.

    Attributes:
        ending: whether everything ends: who had to be killed then is in the account.
    """

    ending = False

    def __init__(self, lives: Mapping[Key, Life], say: Callable[[str], None]) -> None:
        self._lives = lives
        self._say = say
        self._killed: dict[Key, float] = {}  # when, those of whom that was said

    def __call__(self, act: Act) -> None:
        """Take what is new."""
        if act.key is None:
            if isinstance(act.effect, Outcome):
                self.ending = True
                self._say(f"stopping: {act.effect.why}")
            return
        life = self._lives[act.key]
        label, effect = life.spec.label, act.effect
        if isinstance(effect, Kill):
            self._kill(act.key, life)
        elif isinstance(effect, Refused):
            self._say(f"{label} is not started: {effect.why}")
        elif isinstance(effect, RollingDone) and effect.left:
            left = ", ".join(self._lives[key].spec.label for key in effect.left)
            self._say(f"{label} did not come back: not restarted are {left}")
        elif isinstance(effect, Announce):
            line = _line(effect, life)
            if line:
                self._say(f"{label} {line}")

    def _kill(self, key: Key, life: Life) -> None:
        """Say it the first time: it comes again while something is left."""
        if life.killed_at is not None and self._killed.get(key) != life.killed_at and not self.ending:
            self._killed[key] = life.killed_at
            self._say(f"{life.spec.label} {forced(life)}")


def _line(news: Announce, life: Life) -> str:
    if news.was is news.state:
        return (
            {True: "is healthy", False: f"is unhealthy: {news.why}"}.get(news.healthy, "")
            if (news.healthy is not None)
            else ""
        )
    if news.state is State.RUNNING:
        return f"is running, pid {news.pid}"
    if news.state is State.EXITED:
        return f"{news.why}{'' if news.expected else ', which is a failure'}"
    if news.state is State.BACKOFF:
        return f"could not be started: {news.why}"
    if news.state is State.FATAL:
        return f"is given up: {life.why or 'not tried again'}"
    return ""
