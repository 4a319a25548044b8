"""The end of a whole project, in order, within one budget.

    |  services                                          |  rest            |  kill  |  margin  |
    0  each is told when those who need it have ended    all services      kill     leave     grace
       or have had their time; SIGKILL within its share  are over           |
                                                         SIGTERM to who     SIGKILL to
                                                         belongs to none    who is left

    step       ENDED      HURRY            KILL     LEAVE    EMPTY
    SERVICES   next, or   tell all; then   -> KILL  -> OVER  (not asked yet)
               -> REST    kill all
    REST       -          -> KILL          -> KILL  -> OVER  -> OVER
    KILL       -          -                -        -> OVER  -> OVER, when the services are over too
    OVER       nothing has any effect

How one service drains, is told and killed is `machine.life`; here is decided when it is told and by when it
has to be over. A service without a process counts as ended, but who is needed by somebody beyond
it goes on waiting for him. A second signal hurries: everybody is told at once, without order and drain; when
everybody has been told, the next one kills.
"""

from __future__ import annotations

import heapq
import math
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING

from endwell.model.stopping import Deadline
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endwell.machine.budget import Budget
    from endwell.machine.order import Order
    from endwell.model.service import ServiceSpec

Key = tuple[str, int]


class Step(Enum):
    """Where the end is."""

    SERVICES = "services"
    REST = "rest"
    KILL = "kill"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Tell:
    """This replica is to stop now.

    Args:
        key: which.
        by: when everything about it has to be over.
        drain: whether there is time for its drain.
    """

    key: Key
    by: Deadline
    drain: bool = True


@dataclass(frozen=True, slots=True)
class Press:
    """This replica was told, and is to be killed now."""

    key: Key


@dataclass(frozen=True, slots=True)
class TellRest:
    """All services are over: SIGTERM and SIGCONT to everybody else; say when nobody is left."""


@dataclass(frozen=True, slots=True)
class KillRest:
    """SIGKILL to everybody who is left, of the services and of the others."""


@dataclass(frozen=True, slots=True)
class Over:
    """There is nothing left to do or no time left to do it; leave.

    Args:
        late: the replicas that were still there.
    """

    late: tuple[Key, ...]


Task = Tell | Press | TellRest | KillRest | Over


class Ending:
    """The stop of a project under way; every method returns what is to be done now.

    Args:
        order: of the services.
        budget: theirs.
        present: the replicas that have to end, those whose hooks still run included.
        now: when the stop was asked for, on the monotonic clock; it never goes back.

    Attributes:
        step: where it is.
        asked: when it was asked for.
    """

    def __init__(self, order: Order, budget: Budget, present: Iterable[ServiceSpec], now: float) -> None:
        self.step = Step.SERVICES
        self.asked = now
        self._order = order
        self._budget = budget
        self._present = {spec.key: spec for spec in present}
        self._here: dict[str, list[Key]] = {name: [] for name in order.names}
        for key in self._present:
            self._here[key[0]].append(key)
        self._place = {name: at for at, name in enumerate(chain.from_iterable(order.stop_levels))}
        self._before = {name: len(order.outlives[name]) for name in order.names}
        self._ends: dict[str, float] = {}  # of those services that were told: by when they are over
        self._alarms: list[tuple[float, int, str]] = []  # the same as a heap
        self._clear: set[str] = set()  # nobody has to wait for these any more
        self._drained: dict[Key, float] = {}
        self._kill = now + budget.plan.kill
        self._leave = now + budget.plan.leave

    @property
    def present(self) -> frozenset[Key]:
        """The replicas that have not ended."""
        return frozenset(self._present)

    @property
    def wake(self) -> float:
        """When `tick` is to be called; infinity for never."""
        if self.step is Step.OVER:
            return math.inf
        if self.step is Step.KILL:
            return self._leave
        while self._alarms and self._alarms[0][2] in self._clear:
            heapq.heappop(self._alarms)
        return min(self._kill, self._alarms[0][0] if self._alarms else math.inf)

    def begin(self) -> list[Task]:
        """Tell those whom nobody needs."""
        return self._go_on(self.asked, self._place)

    def ended(self, key: Key, now: float) -> list[Task]:
        """Take note that a replica is over, its hooks included."""
        if self.step is Step.OVER or self._present.pop(key, None) is None:
            return []
        self._here[key[0]].remove(key)
        return self._go_on(now, (key[0],)) if self.step is Step.SERVICES else []

    def empty(self, now: float) -> list[Task]:
        """Take note that nobody is left who belongs to no service; before `TellRest` it means nothing."""
        if self.step in {Step.REST, Step.KILL} and not self._present:
            return self._over()
        return self.tick(now)

    def hurry(self, now: float) -> list[Task]:
        """Take the next step at once: somebody has asked again."""
        if self.step is Step.SERVICES:
            untold = any(key[0] not in self._ends for key in self._present)
            if untold or any(self._drained[key] > now for key in self._present):
                return self._tell_all(now)
            return [Press(key) for key in self._present]
        return self._kill_all() if self.step is Step.REST else []

    def tick(self, now: float) -> list[Task]:
        """Take the time; to come too early is no mistake."""
        if self.step is Step.OVER:
            return []
        tasks: list[Task] = []
        # Whoever comes too late even for the kill has to kill all the same: nobody else knows the names.
        if now >= self._kill and self.step is not Step.KILL:
            tasks += self._kill_all()
        if now >= self._leave:
            return tasks + self._over()
        if self.step is Step.SERVICES:
            tasks += self._go_on(now, [name for at, _, name in self._alarms if at <= now])
        return tasks

    def _go_on(self, now: float, names: Iterable[str]) -> list[Task]:
        """Tell those whose turn it is: they, or those after them, are among `names`."""
        tasks: list[Task] = []
        open_ = [(self._place[name], name) for name in names]
        heapq.heapify(open_)
        while open_:
            _, name = heapq.heappop(open_)
            if name in self._clear or self._before[name]:
                continue
            if self._here[name] and name not in self._ends:
                tasks += self._tell(name, now)
            # Who has had his time is being killed: the others need not wait for that as well.
            if not self._here[name] or now >= self._ends[name]:
                self._clear.add(name)
                for need in self._order.outlived_by[name]:
                    self._before[need] -= 1
                    if not self._before[need]:
                        heapq.heappush(open_, (self._place[need], need))
        if not self._present:
            self.step = Step.REST
            tasks.append(TellRest())
        return tasks

    def _tell(self, name: str, now: float) -> list[Task]:
        by = min(self._kill, now + self._budget.share(name, max(0.0, self._kill - now)))
        self._ends[name] = by
        heapq.heappush(self._alarms, (by, self._place[name], name))
        for key in self._here[name]:
            self._drained[key] = now + self._present[key].drain_time
        return [Tell(key, Deadline(by)) for key in self._here[name]]

    def _tell_all(self, now: float) -> list[Task]:
        tasks: list[Task] = []
        for name in self._place:
            for key in self._here[name]:
                by = self._ends.setdefault(name, self._kill)
                self._drained[key] = now
                tasks.append(Tell(key, Deadline(by), drain=False))
        return tasks

    def _kill_all(self) -> list[Task]:
        self.step = Step.KILL
        return [KillRest()]

    def _over(self) -> list[Task]:
        self.step = Step.OVER
        return [Over(tuple(self._present))]
