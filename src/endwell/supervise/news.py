"""What happens to services, as lines for the people who read the container's output.

A program that cannot be started is tried again and again, perhaps in a hundred replicas, and a PATH is long.
So why not is said once for a service, until it runs or there is another reason, and a PATH once for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.act import Refused, RollingDone
from endwell.machine.effect import Announce, Kill
from endwell.machine.event import HooksDone, SpawnFailed
from endwell.machine.forced import forced
from endwell.machine.outcome import Outcome
from endwell.machine.reloading import Swapped
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
        self._reasons: dict[str, str] = {}  # by service, what was said last of why there is no process
        self._paths: dict[Key, str] = {}  # on which a program was not found: not yet said
        self._path = ""  # of which it was

    def __call__(self, act: Act) -> None:
        """Take what is new."""
        if act.key is None:
            self._of_all(act)
        else:
            self._of_one(act, self._lives[act.key])

    def _of_all(self, act: Act) -> None:
        if isinstance(act.effect, Outcome):
            self.ending = True
            self._say(f"stopping: {act.effect.why}")
        elif isinstance(act.effect, Swapped):
            self._reasons.clear()  # whoever has mended a file wants to read what is still wrong

    def _of_one(self, act: Act, life: Life) -> None:
        key, label, effect = life.spec.key, life.spec.label, act.effect
        if isinstance(effect, Kill):
            self._kill(key, life)
        elif isinstance(effect, SpawnFailed):
            self._paths[key] = effect.path
        elif isinstance(effect, Refused):
            self._say(f"{label} is not started: {effect.why}")
        elif isinstance(effect, RollingDone) and effect.left:
            left = ", ".join(self._lives[key].spec.label for key in effect.left)
            self._say(f"{label} did not come back: not restarted are {left}")
        elif isinstance(effect, HooksDone):
            self._say(f"{label}: {effect.failed}")
        elif isinstance(effect, Announce):
            line = self._failure(effect, life) or _line(effect)
            if line:
                self._say(f"{label} {line}")

    def _kill(self, key: Key, life: Life) -> None:
        """Say it the first time: it comes again while something is left."""
        if life.killed_at is not None and self._killed.get(key) != life.killed_at and not self.ending:
            self._killed[key] = life.killed_at
            self._say(f"{life.spec.label} {forced(life)}")

    def _failure(self, news: Announce, life: Life) -> str:
        """Return the line about a start that has failed; empty for other news."""
        name, state = life.spec.name, news.state
        path = self._paths.pop(life.spec.key, None)
        if state is State.RUNNING:
            self._reasons.pop(name, None)
        if state is news.was or state not in {State.BACKOFF, State.FATAL}:
            return ""
        said = "could not be started" if state is State.BACKOFF else "is given up"
        why = news.why if state is State.BACKOFF else life.why or "not tried again"
        if self._reasons.get(name) == why:
            return f"{said}, for the same reason"
        if path is None:
            self._reasons.pop(name, None)
        else:
            self._reasons[name] = why
        if path and path != self._path:
            self._path = path
            why += f" (PATH is {path})"
        return f"{said}: {why}"


def _line(news: Announce) -> str:
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
    return ""
