"""The process of each replica that has one: spawned, watched, told, and let go."""

from __future__ import annotations

import math
import signal
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from endwell.machine.act import Act
from endwell.machine.event import Answer, KillingTime, Ready, Seen, Spawned, SpawnFailed
from endwell.machine.state import State
from endwell.model.stopping import Audience
from endwell.system import tree
from endwell.system.spawn_error import SpawnError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from endwell.machine.effect import Send
    from endwell.machine.event import Event
    from endwell.machine.life import Life
    from endwell.model.process import End
    from endwell.supervise.children import Children
    from endwell.supervise.last_plan import LastPlan
    from endwell.supervise.workshop import Running, Workshop
    from endwell.system.loop import Loop

Key = tuple[str, int]


class ProcessWatcher(Protocol):
    """Who is told of every process of a replica."""

    def spawned(self, key: Key, running: Running) -> None:
        """There is one."""

    def ended(self, key: Key) -> None:
        """It has ended, and all that it has written was read."""

    def hold(self, key: Key, tell: Callable[[], None]) -> bool:
        """Whether its stop signal has to wait: `tell` is called in its time then."""


class Told(NamedTuple):
    """Who is told what comes of it.

    Args:
        event: takes what has happened to a replica.
        ended: takes how the process of a replica has ended.
        news: takes what is news for others.
        inform: calls somebody whose mistakes are not ours; whether he has said yes.
    """

    event: Callable[[Key, Event], None]
    ended: Callable[[Key, End], None]
    news: Callable[[Act], None]
    inform: Callable[[Callable[[], bool | None]], bool]


class Processes:
    """All of them.

    Args:
        loop: for the time.
        workshop: where they are started.
        children: who came from them.
        lives: of the replicas.
        last_plan: where it is noted how far it has come.
        told: told what comes of it.

    Attributes:
        running: them, by replica.
        watcher: told of every process of a replica; None: nobody.
    """

    def __init__(  # noqa: PLR0913  what it brings together
        self,
        loop: Loop,
        workshop: Workshop,
        children: Children,
        lives: Mapping[Key, Life],
        last_plan: LastPlan,
        *,
        told: Told,
    ) -> None:
        self.running: dict[Key, Running] = {}
        self.watcher: ProcessWatcher | None = None
        self._loop = loop
        self._workshop = workshop
        self._children = children
        self._lives = lives
        self._last_plan = last_plan
        self._told = told

    def spawn(self, key: Key) -> None:
        """Start the process of a replica."""
        self._last_plan.spawning(key)
        try:
            running = self._workshop.start(
                self._lives[key].spec,
                ended=partial(self._ended, key),
                ready=partial(self._told.event, key, Ready()),
                seen=partial(self._seen, key),
            )
        except SpawnError as error:
            self._last_plan.spawned(key, 0)
            failed = SpawnFailed(error.reason, error.status, error.path)
            self._told.news(Act(key, failed))
            self._told.event(key, failed)
            return
        except Exception:
            # Whatever it is, nobody must wait for a process that there is not.
            self._last_plan.spawned(key, 0)
            self._told.event(key, SpawnFailed("a mistake of endwell's own", 1))
            raise
        self.running[key] = running
        self._last_plan.spawned(key, running.child.process.pid)
        if self.watcher is not None:
            self._told.inform(partial(self.watcher.spawned, key, running))
        spawned = Spawned(running.child.process.pid)
        self._told.news(Act(key, spawned))
        self._told.event(key, spawned)
        if running.waiting is not None:
            running.waiting.begin(running.outlets, running.user)

    def check(self, key: Key) -> None:
        """Begin to ask for the health of a replica, if that is asked for."""
        running, spec = self.running.get(key), self._lives[key].spec
        if running is not None and running.checks is None and spec.health is not None:
            answered = partial(self._answered, key)
            running.checks = self._workshop.check(spec, spec.health, answered)

    def rest(self, key: Key) -> None:
        """Ask nothing of a replica any more."""
        if (running := self.running.get(key)) is not None:
            running.rest()

    def adjust(self, key: Key) -> None:
        """Take note that another health is asked for of a replica."""
        running, life = self.running.get(key), self._lives[key]
        if running is None or life.state is not State.RUNNING:
            return
        if running.checks is not None and running.checks.health != life.spec.health:
            running.rest()
        self.check(key)

    def send(self, key: Key, send: Send) -> None:
        """Send the signals of a stop, as soon as nobody holds them back."""
        tell = partial(self._send, key, send)
        if self.watcher is None or not self._told.inform(partial(self.watcher.hold, key, tell)):
            tell()

    def close(self) -> None:
        """Give back what they hold."""
        for running in self.running.values():
            running.close()

    def _send(self, key: Key, send: Send) -> None:
        numbers = [int(one) for one in send.signals]
        now = self._loop.now
        child = self._children.main(key)
        if send.to is Audience.TREE:
            self._last_plan.telling_tree(key)
            self._children.send_tree(key, numbers, self._last_plan.telling_one, self._last_plan.told_one)
            self._last_plan.tree_told(key, now())
        elif child is not None:
            to = child.process.send_group if send.to is Audience.GROUP else child.process.send
            at, kill_at = now(), self._lives[key].timers.get(KillingTime, math.inf)
            self._last_plan.telling(key, at, kill_at)
            for number in numbers:
                to(number)
            self._last_plan.told(key, at)
            if tree.is_stopped(child.process.pid):
                to(signal.SIGCONT)  # who has stopped cannot do what he was told

    def _answered(self, key: Key, healthy: bool) -> None:  # noqa: FBT001  an answer is yes or no
        self._told.event(key, Answer(healthy))

    def _seen(self, key: Key, what: str) -> None:
        self._told.event(key, Seen(what))

    def _ended(self, key: Key, end: End) -> None:
        self._told.inform(self.running.pop(key).close)
        if self.watcher is not None:
            self._told.inform(partial(self.watcher.ended, key))
        self._last_plan.spawned(key, 0)
        self._told.ended(key, end)
