"""One project takes the place of another, while those that are the same in both go on.

    step       what is done                                                  what is waited for
    away       those that have changed or are gone are told to end, who      that none of them is left
               needs others before those
    cleared    `Cleared` is said, and the ensemble's `swap` is called        nothing: both are one instant
    swapped    the lives of those that stay are kept, the others begin anew

A file that is read while an earlier one is being applied takes its place: who has been told to end already is
started as the later one says. Until the swap nobody of `away` is started, whoever asks for it; who is asked
for is started afterwards, if he is still there then. The end of the container ends all this: nothing is
swapped any more, and whoever waits for it hears `Dropped`.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from endwell.machine.changes import group_of
from endwell.machine.life import Life
from endwell.machine.order import order
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from endwell.machine.order import Order
    from endwell.model.project import Project

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Renewing:
    """Everything is stopped now, and started anew by the file: supervisord's restart.

    Args:
        why: the name of a signal; empty where a client has asked for it.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """Nobody is left of those that had to end: call `Ensemble.swap`."""


@dataclass(frozen=True, slots=True)
class Swapped:
    """Another project has taken the place of the one before.

    Args:
        project: it.
        added: replicas that are new.
        renewed: replicas whose life begins anew.
        adjusted: replicas that go on, and are to be treated otherwise from now on.
        removed: replicas that are gone.
        groups_removed: groups that are gone, and those that were replaced as a whole.
        groups_added: groups that are new, and those that were replaced as a whole.
    """

    project: Project
    added: tuple[Key, ...]
    renewed: tuple[Key, ...]
    adjusted: tuple[Key, ...]
    removed: tuple[Key, ...]
    groups_removed: tuple[str, ...]
    groups_added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """The end has come first: nothing is swapped."""


class Reload:
    """The way from one project to another.

    Args:
        project: the other one.
        lives: of all replicas, as they are.
        now: the order as it is, for the order in which they end.
        away: who has to end.
        wanted: who is to be started afterwards.
        before: what was under way; this takes its place.

    Attributes:
        project: as above.
        order: of its services.
        away: those who have to end, and are not started before the swap.
        wanted: those who are to be started after it.
        said: whether `Cleared` was said.
        told: those of `away` whose turn has come.

    Raises:
        OrderError: the other project has no order.
    """

    def __init__(  # noqa: PLR0913  all that a change is between
        self,
        project: Project,
        lives: Mapping[Key, Life],
        now: Order,
        away: Iterable[Key],
        wanted: Iterable[Key],
        *,
        before: Reload | None = None,
    ) -> None:
        self.project = project
        self.order = order(project)
        self.said = False
        self._keys = {spec.key for spec in project.services}
        self._lives = lives
        self.away = {key for key in lives if key not in self._keys}.union(away) & lives.keys()
        self.wanted: set[Key] = set()
        self.told: set[Key] = set()
        if before is not None:
            self.away |= before.away
            self.want(before.wanted)
            self.told |= before.told
        self.want(wanted)
        names = {name for name, _ in self.away}
        self._before = _before(now, names)
        self._own: dict[str, list[Key]] = {name: [] for name in names}
        for key in lives:
            if key in self.away:
                self._own[key[0]].append(key)

    @property
    def cleared(self) -> bool:
        """Whether nobody is left of those who have to end."""
        return all(self._lives[key].clear for key in self.away)

    def next(self) -> list[Key]:
        """Return those whose turn it is to be told; each comes once."""
        if len(self.told) == len(self.away):
            return []
        resting = {name for name, own in self._own.items() if all(self._lives[key].clear for key in own)}
        may_be = {before: before <= resting for before in set(self._before.values())}
        turn = [
            key
            for name, own in self._own.items()
            if may_be[self._before[name]]
            for key in own
            if key not in self.told
        ]
        self.told.update(turn)
        return turn

    def want(self, keys: Iterable[Key]) -> None:
        """Let these be started after the swap, if they are there then."""
        self.wanted.update(key for key in keys if key in self._keys)

    def lives(self) -> dict[Key, Life]:
        """Return the lives of the other project; for those that go on, what it says holds from now on."""
        found = {}
        for spec in self.project.services:
            life = None if spec.key in self.away else self._lives.get(spec.key)
            if life is None:
                life = Life(spec)
            elif life.spec != spec:
                life.adjust(spec)
            found[spec.key] = life
        return found

    def swapped(self) -> Swapped:
        """Say what the swap does; to be asked before `lives`."""
        specs = {spec.key: spec for spec in self.project.services}
        after = {key: group_of(spec) for key, spec in specs.items()}
        before = {key: group_of(life.spec) for key, life in self._lives.items()}
        stay = {before[key] for key in before if key not in self.away}
        return Swapped(
            self.project,
            added=tuple(key for key in specs if key not in before),
            renewed=tuple(key for key in specs if key in before and key in self.away),
            adjusted=tuple(
                key
                for key, spec in specs.items()
                if key in before and key not in self.away and self._lives[key].spec != spec
            ),
            removed=tuple(key for key in before if key not in specs),
            groups_removed=_without(before.values(), stay),
            groups_added=_without(after.values(), stay),
        )


def _before(order: Order, names: Collection[str]) -> dict[str, frozenset[str]]:
    """Return by name who of `names` has to end before it: whom it outlives, directly or over whomever."""
    found: dict[str, frozenset[str]] = {}
    # Those of one priority outlive the same ones, and may be hundreds.
    alike: dict[tuple[str, ...], frozenset[str]] = {}
    for name in chain.from_iterable(order.stop_levels):
        who = order.outlives[name]
        if who not in alike:
            alike[who] = frozenset(who).intersection(names).union(*(found[other] for other in who))
        found[name] = alike[who]
    return found


def _without(names: Iterable[str], stay: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys(names) if name not in stay)
