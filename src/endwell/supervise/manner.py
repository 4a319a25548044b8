"""How a run of a project shows itself to the outside: what it says, and where it writes its own number.

`endwell up` says what happens on stderr. Called as supervisord, endwell does as supervisord does: it has a
log of its own, in supervisord's words, a pidfile, and may have gone to the background.
"""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH108, PTH123

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import TYPE_CHECKING, Protocol

from endwell.supervise.chronicle import Chronicle
from endwell.supervise.news import News
from endwell.supervise.own_log import Level
from endwell.supervise.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from endwell.machine.act import Act
    from endwell.machine.life import Life
    from endwell.supervise.own_log import OwnLog
    from endwell.system.daemon import Daemon

Key = tuple[str, int]


class Manner(Protocol):
    """What a session calls, in this order; `say` and `reopened` at any time."""

    @property
    def hurries(self) -> bool:
        """Whether a further stop signal hurries."""

    @property
    def log(self) -> OwnLog | None:
        """The supervisor's own log; None where it has none."""

    def say(self, line: str) -> None:
        """Say a line about something that somebody should look at, never at the cost of waiting."""

    def tell(self, line: str) -> None:
        """Say a line about how it went."""

    def listener(self, lives: Mapping[Key, Life]) -> Callable[[Act], None]:
        """Return what takes the news of these lives."""

    def refuse(self, problem: str) -> None:
        """Say why nothing is started at all."""

    def begun(self) -> None:
        """Everything that can fail has been done; the services come next."""

    def reopened(self) -> None:
        """All log files were opened anew: so is the supervisor's own."""

    def stopping(self, reason: str) -> None:
        """The end was asked for, by a signal of this name or in another way; each time."""

    def over(self) -> None:
        """Everything has ended."""


class Plain:
    """As `endwell up`.

    Args:
        opening: lines that are said before anything is started.
    """

    log = None
    hurries = True

    def __init__(self, opening: Iterable[str] = ()) -> None:
        self.say = self.tell = Voice().say
        self._opening = opening
        self._stopping = False
        self._news: News | None = None

    def listener(self, lives: Mapping[Key, Life]) -> Callable[[Act], None]:
        """As `Manner.listener`."""
        self._news = News(lives, self.say)
        return self._news

    def refuse(self, problem: str) -> None:
        """As `Manner.refuse`."""
        self.say(problem)

    def begun(self) -> None:
        """As `Manner.begun`."""
        for line in self._opening:
            self.say(line)

    def reopened(self) -> None:
        """As `Manner.reopened`."""

    def stopping(self, reason: str) -> None:
        """As `Manner.stopping`."""
        again = f"{reason} again: the next step is taken at once"
        self.say(again if self._stopping else f"stopping: {reason}")
        self._stopping = True
        if self._news is not None:
            self._news.ending = True

    def over(self) -> None:
        """As `Manner.over`."""


class AsSupervisord:
    """As supervisord.

    Args:
        log: its own.
        pidfile: where its number goes; empty for nowhere.
        daemon: what has gone to the background; None in the foreground.
    """

    # Listeners that tell their parent to end do it for every event, and supervisord does not mind.
    hurries = False

    def __init__(self, log: OwnLog, pidfile: str = "", daemon: Daemon | None = None) -> None:
        self.log = log
        self.say = partial(log.write, Level.WARN)
        self.tell = partial(log.write, Level.INFO)
        self._pidfile = pidfile
        self._daemon = daemon
        self._written = False
        self._chronicle: Chronicle | None = None

    def listener(self, lives: Mapping[Key, Life]) -> Callable[[Act], None]:
        """As `Manner.listener`."""
        self._chronicle = Chronicle(lives, self.log.write)
        return self._chronicle

    def refuse(self, problem: str) -> None:
        """As `Manner.refuse`: also to whoever has called us, who does not read the log."""
        self.log.write(Level.CRIT, problem)
        line = f"Error: {problem}\n".encode(errors="replace")
        with contextlib.suppress(OSError):
            os.write(2 if self._daemon is None else self._daemon.stderr, line)

    def begun(self) -> None:
        """As `Manner.begun`: a pidfile that cannot be written is no reason not to go on."""
        if self._pidfile:
            try:
                with open(self._pidfile, "wb") as file:
                    file.write(b"%d\n" % os.getpid())
                self._written = True
            except OSError as error:
                problem = (
                    f"could not write pidfile {self._pidfile}: {error.strerror}; name another one with -j"
                )
                self.log.write(Level.CRIT, problem)
        self.log.write(Level.INFO, f"supervisord started with pid {os.getpid()}")
        if self._daemon is not None:
            self._daemon.begun()

    def reopened(self) -> None:
        """As `Manner.reopened`."""
        self.log.reopen()
        self.log.write(Level.INFO, "received SIGUSR2 indicating log reopen request")

    def stopping(self, reason: str) -> None:
        """As `Manner.stopping`."""
        if self._chronicle is not None:
            self._chronicle.stopping(reason)

    def over(self) -> None:
        """As `Manner.over`: the pidfile is gone, unless another one has put its own there."""
        if self._written and _holds(self._pidfile, os.getpid()):
            with contextlib.suppress(OSError):
                os.unlink(self._pidfile)
        self.log.close()


def _holds(path: str, number: int) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(32).strip() == b"%d" % number
    except OSError:
        return False
