"""A container of services with a will of their own, in virtual time: what `Ensemble` hears and wants."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import TYPE_CHECKING

from endwell.machine.act import Refused, RollingDone
from endwell.machine.effect import Announce, Cancel, Kill, Run, Send, Spawn
from endwell.machine.ending import KillRest, Over, TellRest
from endwell.machine.ensemble import Ensemble
from endwell.machine.event import Died, Gone, HooksDone, Moment, Ready, Spawned, SpawnFailed
from endwell.machine.outcome import Outcome
from endwell.machine.reloading import Cleared, Dropped, Renewing, Swapped
from endwell.machine.state import ARROWS
from endwell.model.process import End
from endwell.model.signals import KILL
from endwell.model.stopping import Audience
from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.machine.act import Act, Key
    from endwell.model.project import Project


@dataclass(frozen=True)
class Manner:
    """How a service behaves, again and again.

    Args:
        spawns: whether it can be started at all.
        lives: seconds after which it ends by itself.
        status: with which it does.
        ready: seconds after which it says that it is ready.
        obeys: seconds from its stop signal to its end.
        dies: seconds from SIGKILL to its end.
        leaves: seconds for which others of it outlive it, unless they are killed.
        hooks: seconds that its hooks take.
    """

    spawns: bool = True
    lives: float = math.inf
    status: int = 0
    ready: float = 0.0
    obeys: float = 0.0
    dies: float = 0.0
    leaves: float = 0.0
    hooks: float = 0.0


@dataclass
class Guest:
    """One replica as the kernel has it."""

    pid: int = 0
    spawning: bool = False
    left: bool = False
    told: float | None = None
    killed: float | None = None
    log: list[tuple[float, str]] = field(default_factory=list)


class World:
    """The world around an `Ensemble`: it does what is wanted, and checks that it can be."""

    def __init__(self, project: Project, manners: dict[str, Manner] | None = None, rest: float = 0.0) -> None:
        self.ensemble = Ensemble(project, rest)
        self.now = 1000.0
        self.manners = manners or {}
        self.guests = {key: Guest() for key in self.ensemble.lives}
        self.refused: dict[Key, str] = {}
        self.rolled: list[tuple[Key, tuple[Key, ...]]] = []
        self.outcome: Outcome | None = None
        self.over: Over | None = None
        self.over_at = math.inf
        self.rest_told: float | None = None
        self.rest_killed: float | None = None
        self.rest_lives = 0.0
        self._before_end = False
        self.swapped: list[Swapped] = []
        self.dropped = 0
        self._queue: list[tuple[float, int, Callable[[], list[Act]]]] = []
        self._count = itertools.count(1)
        self._hooks: dict[tuple[Key, Moment], int] = {}

    def do(self, acts: list[Act]) -> None:
        for at, (key, effect) in enumerate(acts):
            # What was decided before the end was, in the same instant, is done before it.
            self._before_end = any(isinstance(act.effect, Outcome) for act in acts[at:])
            assert self.over is None, "an effect of what is over"
            if key is None:
                self._for_all(effect)
            else:
                self._for_one(key, effect)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        for _ in range(20_000):
            wake, known = self.ensemble.wake, self._queue[0][0] if self._queue else math.inf
            at = min(wake, known)
            if at > until:
                break
            self.now = max(self.now, at)
            # The clock and the world race; the world is first at times, as it is in reality.
            if known <= wake:
                self.do(heapq.heappop(self._queue)[2]())
            else:
                self.do(self.ensemble.tick(self.now))
        else:
            raise AssertionError("it goes on and on")
        self.now = until

    def log(self, name: str) -> list[str]:
        return [line for key, guest in self.guests.items() if key[0] == name for _, line in guest.log]

    # ------------------------------------------------------------------------------------------------ effects

    def _for_all(self, effect: object) -> None:
        match effect:
            case Outcome():
                assert self.outcome is None
                self.outcome = effect
            case Cleared():
                self.do(self.ensemble.swap(self.now))
            case Swapped():
                self._swapped(effect)
            case Dropped():
                self.dropped += 1
            case Renewing():
                pass  # it is for those who listen
            case TellRest():
                assert not any(guest.pid for guest in self.guests.values())
                self.rest_told = self.now
                self._later(self.rest_lives, lambda: self.ensemble.rest_gone(self.now))
            case KillRest():
                assert self.rest_killed is None
                self.rest_killed = self.now
                self._later(0.0, lambda: self.ensemble.rest_gone(self.now))
            case Over():
                self.over, self.over_at = effect, self.now
            case _:
                raise AssertionError(effect)

    def _swapped(self, swapped: Swapped) -> None:
        self.swapped.append(swapped)
        for key in (*swapped.removed, *swapped.renewed):
            guest = self.guests[key]
            assert not any((guest.pid, guest.spawning, guest.left)), "taken away while it is there"
        for key in swapped.removed:
            for moment in Moment:
                self._hooks.pop((key, moment), None)
        for key in swapped.added:
            self.guests.setdefault(key, Guest())

    def _for_one(self, key: Key, effect: object) -> None:  # noqa: C901, PLR0912  a case for each effect
        guest, manner = self.guests[key], self.manners.get(key[0], Manner())
        match effect:
            case Spawn():
                assert not guest.pid, "two copies"
                assert not guest.spawning, "two copies"
                assert self.ensemble.ending is None or self._before_end, "started at the end"
                guest.spawning, guest.told, guest.killed = True, None, None
                self._later(0.0, lambda: self._spawned(key))
            case Send(to=to):
                if to is Audience.TREE:
                    assert guest.left
                else:
                    assert guest.pid
                    assert guest.told is None, "told twice"
                    guest.told = self.now
                    pid = guest.pid
                    self._later(manner.obeys, lambda: self._died(key, pid, End(manner.status)))
                guest.log.append((self.now, "told"))
            case Kill():
                assert guest.pid or guest.left
                guest.killed = self.now if guest.killed is None else guest.killed
                pid = guest.pid
                guest.log.append((self.now, "killed"))
                if pid:
                    self._later(manner.dies, lambda: self._died(key, pid, End(signal=KILL)))
                else:
                    self._later(manner.dies, lambda: self._gone(key))
            case Run(moment=moment):
                number = self._hooks[key, moment] = next(self._count)
                self._later(manner.hooks, lambda: self._hooks_done(key, moment, number))
            case Cancel(moment=moment):
                assert self._hooks.pop((key, moment), None), "hooks that do not run"
            case Announce():
                if effect.state is not effect.was:
                    assert effect.state in ARROWS[effect.was], "not along an arrow"
                    guest.log.append((self.now, effect.state.name))
            case Refused(why=why):
                self.refused[key] = why
            case RollingDone(left=left):
                self.rolled.append((key, left))
            case _:
                raise AssertionError(effect)

    def _later(self, seconds: float, act: Callable[[], list[Act]]) -> None:
        if seconds < math.inf:
            heapq.heappush(self._queue, (self.now + seconds, next(self._count), act))

    # --------------------------------------------------------------------------------------- what comes of it

    def _spawned(self, key: Key) -> list[Act]:
        guest, manner = self.guests[key], self.manners.get(key[0], Manner())
        guest.spawning = False
        if not manner.spawns:
            return self.ensemble.handle(key, SpawnFailed("no such file", 127), self.now)
        pid = guest.pid = next(self._count)
        guest.left = False
        guest.log.append((self.now, "spawned"))
        if key[0] in self.manners:
            self._later(manner.ready, lambda: self._ready(key, pid))
            self._later(manner.lives, lambda: self._died(key, pid, End(manner.status)))
        return self.ensemble.handle(key, Spawned(pid), self.now)

    def _ready(self, key: Key, pid: int) -> list[Act]:
        return self.ensemble.handle(key, Ready(), self.now) if self.guests[key].pid == pid else []

    def _died(self, key: Key, pid: int, end: End) -> list[Act]:
        guest, manner = self.guests[key], self.manners.get(key[0], Manner())
        if guest.pid != pid:
            return []
        guest.pid = 0
        guest.log.append((self.now, "died"))
        guest.left = manner.leaves > 0
        if guest.left:
            self._later(manner.leaves, lambda: self._gone(key))
        return self.ensemble.handle(key, Died(end, guest.left), self.now)

    def _gone(self, key: Key) -> list[Act]:
        guest = self.guests[key]
        if not guest.left or guest.pid:
            return []
        guest.left = False
        return self.ensemble.handle(key, Gone(), self.now)

    def _hooks_done(self, key: Key, moment: Moment, number: int) -> list[Act]:
        if self._hooks.get((key, moment)) != number:
            return []
        del self._hooks[key, moment]
        return self.ensemble.handle(key, HooksDone(moment), self.now)
