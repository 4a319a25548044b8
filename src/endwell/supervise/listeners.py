"""Tells event listeners what happens, and takes their answers.

A listener is a service like any other, started and restarted as such. What is special about it is its stdin,
into which events are written, and its stdout, which is read as its part of the protocol (and logged as with
every service). Both are decided on elsewhere: what it may say next in `machine.listener`, who is given which
event in `machine.pool`. Nobody waits for a listener: what it does not read waits in its pipe, one event at a
time, and what it is not ready for waits in its pool, up to that pool's size.

The clock is looked at only for those who want to be told the time. When the whole container ends, listeners
are told after everybody else, and not before what they were to be told is done, or a second has passed.
"""

from __future__ import annotations

import itertools
import time
from functools import partial
from typing import TYPE_CHECKING

from endwell.machine import notice
from endwell.machine.changes import group_of
from endwell.machine.effect import Announce
from endwell.machine.listener import Broken, Handled, Rejected
from endwell.machine.notice import Origin, Pieces
from endwell.machine.pool import Pool
from endwell.machine.reloading import Dropped, Renewing, Swapped
from endwell.machine.state import State
from endwell.supervise.stdin import BOUND
from endwell.supervise.ticks import Ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from endwell.machine.act import Act
    from endwell.machine.ensemble import Ensemble
    from endwell.machine.listener import Listener, Verdict
    from endwell.machine.notice import Notice
    from endwell.machine.pool import Entry
    from endwell.model.service import Log, ServiceSpec
    from endwell.supervise.workshop import Running
    from endwell.system.loop import Loop, Timer

Key = tuple[str, int]

LAST_WORDS = 1.0  # seconds that listeners have at the end for what they were told, at the most


class Listeners:
    """All of them.

    Args:
        loop: for waiting.
        ensemble: of the services.
        server: supervisord's identifier, which is in every event.
        say: told in one line what goes wrong.
        wall: the wall clock.
    """

    def __init__(
        self,
        loop: Loop,
        ensemble: Ensemble,
        server: str,
        say: Callable[[str], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._loop = loop
        self._ensemble = ensemble
        self._server = server
        self._say = say
        self._pools: dict[str, Pool] = {}
        self._pool_of: dict[Key, Pool] = {}
        self._wanted: frozenset[str] = frozenset()
        self._serials = itertools.count()
        self._running: dict[Key, Running] = {}
        self._pieces: dict[Key, dict[str, Pieces]] = {}
        self._alarms: dict[str, Timer] = {}
        self._ticks = Ticks(loop, wall, self._publish)
        self._ending = False
        self._renewing = False
        self._held: dict[Key, Callable[[], None]] = {}

    # ------------------------------------------------------------------------------------------- from outside

    def begin(self, specs: Iterable[ServiceSpec]) -> None:
        """Take note of all services, before the first of them is started."""
        for name, own in _by_group(specs).items():
            # As with supervisord, nobody is told of groups that are there before his own.
            self._add_pool(name, own)
            self._publish(notice.group_added(name))
        self._ticks.want(self._wanted)
        self._publish(notice.running())

    def take(self, act: Act) -> None:
        """Take what is new."""
        if self._ensemble.ending is not None and not self._ending:
            self._ending = True
            self._stopping()
        effect = act.effect
        if isinstance(effect, Announce) and act.key is not None:
            self._changed(act.key, effect)
        elif isinstance(effect, Renewing):
            self._stopping()
            self._renewing = True
        elif isinstance(effect, Swapped):
            self._swapped(effect)
        elif isinstance(effect, Dropped):
            self._renewing = False

    def spawned(self, key: Key, running: Running) -> None:
        """Take note of a new process of a replica."""
        spec = self._ensemble.lives[key].spec
        self._running[key] = running
        if (listener := self._listener(key)) is not None:
            listener.able = running.stdin is not None
            running.outlets.watch(partial(self._heard, key))
        origin = _origin(spec, running.child.process.pid)
        self._pieces[key] = {}
        for stream, log in (("stdout", spec.stdout), ("stderr", spec.stderr)):
            if log is not None:
                self._listen(key, origin, stream, log)

    def ended(self, key: Key) -> None:
        """Take note that the process of a replica has ended, after all that it has written."""
        running = self._running.pop(key, None)
        pieces = self._pieces.pop(key, {})
        if running is not None:
            origin = _origin(self._ensemble.lives[key].spec, running.child.process.pid)
            for stream, one in pieces.items():
                if rest := one.rest():
                    self._publish(notice.logged(origin, stream, rest))
        self._held.pop(key, None)
        if (listener := self._listener(key)) is not None:
            self._take(key, listener.end())

    def hold(self, key: Key, tell: Callable[[], None]) -> bool:
        """Say whether the stop signal of a replica has to wait; then `tell` is called in its time."""
        pool = self._pool_of.get(key)
        if pool is None or not self._ending or pool.quiet or not pool.members[key].hopeful:
            return False
        if key not in self._held:
            self._held[key] = tell
            # Its life goes on as if it had been told: there has to be time for that before it is killed.
            left = self._ensemble.lives[key].wake - self._loop.now()
            self._loop.after(min(LAST_WORDS, left / 2), partial(self._let_go, key, tell))
        return True

    def remote(self, kind: str, text: str) -> None:
        """Pass on a message that a client has sent."""
        self._publish(notice.remote(kind, text))

    # ------------------------------------------------------------------------------------------- what happens

    def _changed(self, key: Key, news: Announce) -> None:
        listener = self._listener(key)
        if listener is not None and news.state is State.STOPPING and not self._ending:
            listener.able = False
        if news.was is not news.state and f"PROCESS_STATE_{news.state.name}" in self._wanted:
            origin = _origin(self._ensemble.lives[key].spec, news.pid)
            self._publish(
                notice.changed(origin, news.was, news.state, tries=news.tries, expected=news.expected)
            )

    def _listen(self, key: Key, origin: Origin, stream: str, log: Log) -> None:
        """Have what a stream says looked at, if anybody wants to be told."""
        outlets = self._running[key].outlets
        if log.capture:
            outlets.heed(stream, lambda text: self._publish(notice.communicated(origin, stream, text)))
        if log.events:
            pieces = self._pieces[key][stream] = Pieces()
            outlets.follow(stream, partial(self._logged, origin, stream, pieces))

    def _logged(self, origin: Origin, stream: str, pieces: Pieces, text: bytes) -> None:
        if f"PROCESS_LOG_{stream.upper()}" in self._wanted and (text := pieces.feed(text)):
            self._publish(notice.logged(origin, stream, text))

    def _stopping(self) -> None:
        if not self._renewing:
            self._publish(notice.stopping())

    def _swapped(self, swapped: Swapped) -> None:
        before, self._pools, self._pool_of, self._wanted = self._pools, {}, {}, frozenset()
        for name, own in _by_group(swapped.project.services).items():
            self._add_pool(name, own, None if name in swapped.groups_added else before.get(name))
        for name in [name for name, pool in before.items() if self._pools.get(name) is not pool]:
            if (alarm := self._alarms.pop(name, None)) is not None:
                alarm.cancel()
        self._ticks.want(self._wanted)
        # A supervisord that was restarted knows of nobody who was there before.
        for name in () if self._renewing else swapped.groups_removed:
            self._publish(notice.group_removed(name))
        for name in swapped.groups_added:
            self._publish(notice.group_added(name))
        if self._renewing:
            self._renewing = False
            self._publish(notice.running())

    def _add_pool(self, name: str, specs: list[ServiceSpec], before: Pool | None = None) -> None:
        """Let those of a group who listen be told from now on; nobody may."""
        listening = [spec for spec in specs if spec.listener is not None]
        if not listening or (first := listening[0].listener) is None:
            return
        pool = Pool(name, first.events, first.buffer_size, self._server)
        if before is not None and (before.wanted, before.size) == (pool.wanted, pool.size):
            pool = before
        pool.expect(spec.key for spec in listening)
        self._pools[name] = pool
        self._pool_of.update(dict.fromkeys(pool.members, pool))
        self._wanted |= pool.wanted

    # --------------------------------------------------------------------------------------------- to and fro

    def _listener(self, key: Key) -> Listener | None:
        pool = self._pool_of.get(key)
        return None if pool is None else pool.members[key]

    def _publish(self, news: Notice) -> None:
        if news.event not in self._wanted:
            return
        serial = next(self._serials)
        for pool in [one for one in self._pools.values() if news.event in one.wanted]:
            self._dropped(pool, pool.add(news, serial))
            self._deal(pool)

    def _deal(self, pool: Pool) -> None:
        while dealt := pool.deal(self._loop.now()):
            for key, entry in dealt:
                self._give(pool, key, entry)
        if (alarm := self._alarms.pop(pool.name, None)) is not None:
            alarm.cancel()
        if pool.paused:
            self._alarms[pool.name] = self._loop.at(pool.wake, partial(self._deal, pool))
        if pool.quiet:
            for key in [key for key in self._held if self._pool_of.get(key) is pool]:
                self._let_go(key, self._held[key])

    def _give(self, pool: Pool, key: Key, entry: Entry) -> None:
        data = pool.envelope(entry)
        label = self._ensemble.lives[key].spec.label
        if len(data) > BOUND:
            pool.members[key].take_back()
            self._say(f"cannot tell {label} of {_called(entry)}: it has {len(data)} bytes; send it less")
            return
        stdin = self._running[key].stdin
        try:
            if stdin is not None:
                stdin.write(data)
        except (BrokenPipeError, BufferError):
            listener = pool.members[key]
            listener.able = False  # until there is another process
            listener.take_back()
            self._dropped(pool, pool.put_back(entry))
            self._say(f"cannot tell {label} of {_called(entry)}: it does not read its stdin; restart it")

    def _heard(self, key: Key, stream: str, data: bytes) -> None:
        listener = self._listener(key)
        if listener is not None and stream == "stdout":
            self._take(key, listener.hear(data))

    def _take(self, key: Key, verdicts: Iterable[Verdict]) -> None:
        pool = self._pool_of[key]
        label = self._ensemble.lives[key].spec.label
        for verdict in verdicts:
            match verdict:
                case Handled():
                    pool.done()
                case Rejected():
                    self._say(f"{label} has not done what {_called(verdict.entry)} is for: it is told again")
                    self._dropped(pool, pool.reject(verdict.entry, self._loop.now()))
                case Broken():
                    self._say(
                        f"{label} {verdict.why}: it is told no more events before it is restarted; what a"
                        " listener writes for people belongs on its stderr"
                    )
        self._deal(pool)

    def _let_go(self, key: Key, tell: Callable[[], None]) -> None:
        if self._held.get(key) is tell:
            del self._held[key]
            self._ensemble.lives[key].told_at = self._loop.now()
            tell()

    def _dropped(self, pool: Pool, entry: Entry | None) -> None:
        # Said the first time and then whenever it has doubled: who floods its listeners floods no log.
        if entry is not None and not pool.dropped & (pool.dropped - 1):
            self._say(
                f"the listeners of {pool.name} are behind: {_called(entry)} was dropped, {pool.dropped} so"
                f" far; only {pool.size} may wait, which buffer_size says"
            )


def _by_group(specs: Iterable[ServiceSpec]) -> dict[str, list[ServiceSpec]]:
    groups: dict[str, list[ServiceSpec]] = {}
    for spec in specs:
        groups.setdefault(group_of(spec), []).append(spec)
    return groups


def _origin(spec: ServiceSpec, pid: int) -> Origin:
    return Origin(spec.process or spec.label, group_of(spec), pid)


def _called(entry: Entry) -> str:
    return f"event {entry.serial} ({entry.notice.event})"
