"""What happens to services, in supervisord's words, for its own log.

Those who look for `success: web entered RUNNING state` or `gave up: web` find it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.act import Refused, RollingDone
from endwell.machine.effect import Announce, Kill
from endwell.machine.event import HooksDone, Spawned
from endwell.machine.outcome import Outcome
from endwell.machine.reloading import Renewing
from endwell.machine.state import State
from endwell.supervise.own_log import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from endwell.machine.act import Act
    from endwell.machine.life import Life
    from endwell.model.process import End

Key = tuple[str, int]
Line = tuple[Level, str]

_GAVE_UP = "gave up: {} entered FATAL state, too many start retries too quickly"


class Chronicle:
    """A listener that writes down what is new.

    Args:
        lives: of the ensemble.
        write: writes a line, with how much it matters.
    """

    def __init__(self, lives: Mapping[Key, Life], write: Callable[[int, str], None]) -> None:
        self._lives = lives
        self._write = write
        self._stopping = False

    def __call__(self, act: Act) -> None:
        """Take what is new."""
        if act.key is None:
            self._of_all(act)
        elif (life := self._lives.get(act.key)) is not None:  # else a reload has taken it away
            self._of_one(act, life)

    def _of_all(self, act: Act) -> None:
        match act.effect:
            case Outcome(why=why):
                self._write(Level.WARN, f"stopping: {why}")
            case Renewing(why=why) if why:
                self._write(Level.WARN, f"received {why} indicating restart request")

    def _of_one(self, act: Act, life: Life) -> None:
        name, effect = process_name(life), act.effect
        match effect:
            case Spawned():
                self._write(Level.INFO, f"spawned: '{name}' with pid {effect.pid}")
            case Kill():
                self._write(Level.WARN, f"killing '{name}' ({life.pid or 'what it has left'}) with SIGKILL")
            case Announce():
                self._announced(name, effect, life)
            case Refused():
                self._write(Level.WARN, f"not started: {name} ({effect.why})")
            case RollingDone() if effect.left:
                left = ", ".join(process_name(self._lives[key]) for key in effect.left)
                self._write(Level.WARN, f"{name} did not come back: not restarted are {left}")
            case HooksDone():
                self._write(Level.WARN, f"{name}: {effect.failed}")

    def stopping(self, reason: str) -> None:
        """Take note that the end of everything was asked for.

        Args:
            reason: the name of a signal, or what else it was.
        """
        if self._stopping:
            self._write(Level.WARN, f"received {reason} again: the next step is taken at once")
            return
        self._stopping = True
        self._write(Level.WARN, f"received {reason} indicating exit request")
        if names := ", ".join(process_name(life) for life in self._lives.values() if life.pid):
            self._write(Level.INFO, f"waiting for {names} to die")

    def _announced(self, name: str, news: Announce, life: Life) -> None:
        if news.was is news.state:
            if news.healthy is not None:
                self._write(*_health(name, news))
            return
        if news.state is State.BACKOFF and news.end is None:
            self._write(Level.INFO, f"spawnerr: {news.why}")
        elif news.state is State.BACKOFF:
            self._write(Level.WARN, f"exited: {name} ({_how(news.end)}; not expected)")
        elif news.state is State.RUNNING:
            self._write(Level.INFO, _success(name, life))
        elif news.state is State.FATAL:
            self._write(Level.INFO, _GAVE_UP.format(name))
        elif news.state is State.EXITED:
            expected, level = ("expected", Level.INFO) if news.expected else ("not expected", Level.WARN)
            self._write(level, f"exited: {name} ({_how(news.end)}; {expected})")
        elif news.state is State.STOPPING and not self._stopping:
            self._write(Level.INFO, f"waiting for {name} to stop")
        elif news.state is State.STOPPED and news.was is State.STOPPING and news.end is not None:
            good = news.end.signal is None and news.end.code in life.spec.restart.success
            self._write(Level.INFO if good else Level.WARN, f"stopped: {name} ({_how(news.end)})")


def process_name(life: Life) -> str:
    """Return what supervisord calls a process."""
    return life.spec.process or life.spec.label


def _success(name: str, life: Life) -> str:
    seconds = life.spec.start.seconds
    if life.spec.ready is not None:
        return f"success: {name} entered RUNNING state, process is ready"
    return (
        f"success: {name} entered RUNNING state, process has stayed up for > than {seconds:g} seconds "
        "(startsecs)"
    )


def _health(name: str, news: Announce) -> Line:
    if news.healthy:
        return Level.INFO, f"{name} is healthy"
    return Level.WARN, f"{name} is unhealthy: {news.why}"


def _how(end: End | None) -> str:
    if end is None or (end.signal is None and end.code is None):
        return "nobody saw how"
    return f"exit status {end.code}" if end.signal is None else f"terminated by {end.signal}"
