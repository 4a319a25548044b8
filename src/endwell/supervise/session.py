"""One run of a project, from its start to its account: everything that is one per container."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from endwell.supervise.account import Account
from endwell.supervise.logs.capture import Capture
from endwell.supervise.mistakes import Mistakes
from endwell.supervise.news import News
from endwell.supervise.recipe import Recipe
from endwell.supervise.supervisor import Supervisor
from endwell.supervise.voice import Voice
from endwell.system import spawn
from endwell.system.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.model.project import Project
    from endwell.system.loop import Timer


_OUTPUTS = {"/dev/stdout": 1, "/dev/stderr": 2, "/dev/fd/1": 1, "/dev/fd/2": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the command line adds to the file.

    Args:
        report: where the account goes as JSON; empty for nowhere.
        exit_code_from: the service whose exit status is ours; empty for none.
    """

    report: str = ""
    exit_code_from: str = ""


def run(project: Project, wishes: Wishes) -> int:
    """Run a project until its end; returns the exit status of the container.

    To be called once in a process, from its only thread.

    Raises:
        OrderError: its services cannot be brought into an order.
    """
    spawn.seal()
    spawn.scour()
    files = _more_files()
    loop = Loop()
    voice = Voice()
    account = Account(project.grace, wishes.exit_code_from)
    watcher = _Watcher(loop)
    streams = Capture(watcher, loop.now, time.time, voice.say)
    watcher.tick = streams.tick
    streams.expect(project.services)
    supervisor = Supervisor(
        project, loop, streams, Recipe.of_ours(os.environ, files), account, mistakes=Mistakes(voice.say)
    )
    lives = supervisor.ensemble.lives
    supervisor.listeners.append(News(lives, voice.say))
    supervisor.start()
    supervisor.run()
    for line in account.lines(lives.values()):
        voice.say(line)
    if wishes.report:
        _write(wishes.report, account, supervisor, voice.say)
    return account.status(lives.values())


class _Watcher:
    """What the streams may use of the loop."""

    def __init__(self, loop: Loop) -> None:
        self.watch = loop.watch
        self.forget = loop.forget
        self.tick: Callable[[float], None] = lambda _: None
        self._loop = loop
        self._timer: Timer | None = None

    def wake_at(self, at: float | None) -> None:
        """As `Watcher.wake_at`."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if at is None else self._loop.at(at, lambda: self.tick(self._loop.now()))


def _more_files() -> int | None:
    """Raise our own limit of open files, two or three of which each service takes; return what it was."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return None
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft


def _write(path: str, account: Account, supervisor: Supervisor, say: Callable[[str], None]) -> None:
    import json  # noqa: PLC0415  at the end, if at all

    text = json.dumps(account.report(supervisor.ensemble.lives.values()))
    try:
        # Our own outputs are not opened anew: a file behind them would be emptied, a socket refused.
        target = os.dup(_OUTPUTS[path]) if path in _OUTPUTS else path
        with open(target, "w", encoding="utf-8") as file:  # noqa: PTH123  pathlib brings urllib along
            file.write(f"{text}\n")
    except OSError as error:
        say(f"cannot write the report to {path}: {error.strerror}; name a file that can be written")
