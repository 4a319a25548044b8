"""How long the stop of a project may take, and how one grace period is shared out.

A service is told when everybody has ended whom it outlives, those who need it or have a higher priority, so
what counts is the longest chain of services that wait for each other at the stop. From a service on, the
chain is what it may take itself (drain, stop timeout, hooks) and the longest chain of those whom it has kept
alive. If the chain fits into what is left, the service gets all it asks for; otherwise the same part of it as
the whole chain gets. So those at the end of a chain, databases more often than not, have their time too, and
by induction nobody ends after the budget. What somebody does not use is there for those after him: the share
is taken when he is told, of what is left then.

Where priorities decide who outlives whom, nobody has said who needs whom, and supervisord waits for whoever
is slow: most who come later end at once. So only half of the time is kept for them, the same for each level,
and the other half is there for those who need it first.

Those who listen to events are told after all others. That is worth little time of the others: a listener
counts for a moment at the most, and gets all it asks for when the others have left it that.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from endwell.model.stopping import StopPlan
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.machine.order import Order
    from endwell.model.project import Project
    from endwell.model.service import ServiceSpec

_MOMENT = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Row:
    """What one replica gets at the worst, in seconds after the stop was asked for.

    Args:
        service: the service's name.
        index: which of its replicas.
        level: 0 for those whom nobody needs.
        begins: when everybody who needs it has ended.
        told: its stop signal.
        killed: SIGKILL.
        ends: its after-stop hooks are over.
        wanted: seconds that it may take by its own settings.
    """

    service: str
    index: int
    level: int
    begins: float
    told: float
    killed: float
    ends: float
    wanted: float

    @property
    def cut(self) -> bool:
        """Whether it gets less than it wants."""
        return self.ends - self.begins < self.wanted - 1e-9


@dataclass(frozen=True, slots=True)
class Schedule:
    """The stop of a project at its worst: nobody ends before SIGKILL.

    Args:
        grace: the project's, in seconds.
        budget: what is left of it when the margin is kept back.
        wanted: what the longest chain may take by its own settings.
        chain: the services of that chain, in the order in which they are stopped.
        rows: one for each replica, in the order in which they are told.
    """

    grace: float
    budget: float
    wanted: float
    chain: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def fits(self) -> bool:
        """Whether everybody gets what he wants."""
        return self.wanted <= self.budget


class Budget:
    """The shares of the services of a project.

    Args:
        project: of which only the services' own times and the grace matter.
        order: of its services.
        rest: seconds for those who belong to no service, and are told when all services have ended.

    Attributes:
        plan: the instants of the whole stop, for what `machine.ending` does when the services are over.
    """

    def __init__(self, project: Project, order: Order, rest: float = 0.0) -> None:
        self.plan = StopPlan(grace=None if math.isinf(project.grace) else project.grace)
        self._project = project
        self._order = order
        self._rest = rest
        self._wanted = dict.fromkeys(order.names, 0.0)
        self._replicas: dict[str, list[ServiceSpec]] = {name: [] for name in order.names}
        for spec in project.services:
            self._replicas[spec.name].append(spec)
            self._wanted[spec.name] = max(self._wanted[spec.name], spec.longest_stop)
        kept = self.plan.kill / 2 / len(order.stop_levels) if order.by_priority else math.inf
        self._own = {
            name: min(wanted, _MOMENT if name in order.listening else kept)
            for name, wanted in self._wanted.items()
        }
        self._chain = self._chains(self._own)

    def share(self, service: str, left: float) -> float:
        """Return the seconds that a service gets which is told when `left` seconds are left of the budget."""
        own, chain = self._own[service], self._chain[service]
        return left * own / chain if chain > left else min(self._wanted[service], own + left - chain)

    def schedule(self) -> Schedule:
        """Return how the stop goes at its worst."""
        ends: dict[str, float] = {}
        rows: list[Row] = []
        for level, names in enumerate(self._order.stop_levels):
            for name in names:
                begins = max((ends[other] for other in self._order.outlives[name]), default=0.0)
                gets = self.share(name, max(0.0, self.plan.kill - begins))
                ends[name] = begins + gets
                rows += self._rows(name, level, begins, gets)
        chains = self._chains(self._wanted)
        wanted = max(chains.values(), default=self._rest)
        return Schedule(self._project.grace, self.plan.kill, wanted, self._longest(chains), tuple(rows))

    def _chains(self, own: Mapping[str, float]) -> dict[str, float]:
        """Return the seconds from each service on, it and those whom it has kept alive, the longest way."""
        chains: dict[str, float] = {}
        for level in reversed(self._order.stop_levels):
            for name in level:
                kept = (chains[other] for other in self._order.outlived_by[name])
                chains[name] = own[name] + max(kept, default=self._rest)
        return chains

    def _rows(self, name: str, level: int, begins: float, gets: float) -> list[Row]:
        rows = []
        for spec in self._replicas[name]:
            wanted = spec.longest_stop
            part = 1.0 if wanted <= gets else gets / wanted
            told = begins + spec.drain_time * part
            killed = told + spec.stop_timeout * part
            ends = killed + spec.cleaning_time * part
            rows.append(Row(name, spec.index, level, begins, told, killed, ends, wanted))
        return rows

    def _longest(self, chains: Mapping[str, float]) -> tuple[str, ...]:
        way: list[str] = []
        among = list(self._order.names)
        while among:
            way.append(max(among, key=chains.__getitem__))
            among = list(self._order.outlived_by[way[-1]])
        return tuple(way)
