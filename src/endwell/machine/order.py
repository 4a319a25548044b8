"""Who is started after whom, and who is stopped before whom.

`after` is what makes anybody wait. Services between which there is no path of `after` are started together
and stopped together, so that the end takes as long as its longest chain, and not as long as all of them one
after another.

`priority` is supervisord's: the lower number is started first. There, too, it orders the start without
waiting. The stop is another matter: supervisord ends one group after another, the highest number first, and
waits for each of them. Files count on that where a database has 1 and the application 20. So with
`by_priority` a number is outlived by all lower ones, and those of one number are told in the same instant,
where supervisord goes on one after another, by name. What counts is the number of the group: the programs of
one are told at once, there and here. supervisord takes the sum of all that, which is how containers come to
be killed before the last are told; here the levels share one grace, as a chain of `after` does
(`machine.budget`).

Without `by_priority` numbers order without waiting at the stop as well. They do so, too, where anybody waits
for somebody with `after`: who has begun to say who needs whom has said it, and no number contradicts him.

Those who listen to events are told when all others have ended, whatever their number: the end of those is
what many of them are there for. One that waits for somebody with `after` is stopped as that says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.project import When
from endwell.model.readiness import Condition
from endwell.model.restart import Restart

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from endwell.model.project import Project
    from endwell.model.readiness import Dependency
    from endwell.model.service import ServiceSpec

_ENDLESS = frozenset({Restart.ALWAYS, Restart.UNLESS_STOPPED})


class OrderError(ValueError):
    """Services that cannot be brought into an order.

    Args:
        message: what cannot be, why, and what to do.
        service: whose `after` it is, for whoever knows in which line that stands; empty for the project's.
    """

    def __init__(self, message: str, service: str = "") -> None:
        super().__init__(message)
        self.service = service


class Order:
    """The order of the services of a project; everything is by the name of a service, not by replica.

    Args:
        services: the replicas, in the order of their file.
        by_priority: whether the lower priority outlives the higher one where nobody waits for anybody.

    Attributes:
        names: in the order in which they are started, were it not for `after`.
        needs: whom each waits for, and for what; what its replicas say taken together.
        needed_by: who waits for it.
        listening: those who are stopped last, as they listen to the others.
        by_priority: whether priorities decide who outlives whom: they are to, differ, and nobody has `after`.
        outlives: who has to end before it is told to: those who wait for it, or whose priority is the next
            higher one, and all for a listener.
        outlived_by: the same the other way round.
        start_levels: those of a level wait only for those of earlier levels.
        stop_levels: those of a level outlive only those of earlier levels; higher priority first.

    Raises:
        OrderError: a replica is there twice, somebody waits for somebody unknown, for the completion of what
            is restarted whenever it ends, or for himself.
    """

    def __init__(self, services: Iterable[ServiceSpec], *, by_priority: bool = False) -> None:
        replicas = tuple(services)
        seen: set[tuple[str, int]] = set()
        for spec in replicas:
            if spec.key in seen:
                raise OrderError(
                    f"there are two services {spec.label}: a name stands for one; rename one", spec.name
                )
            seen.add(spec.key)
        first = {spec.name: spec for spec in reversed(replicas)}
        place = {spec.name: place for place, spec in reversed(list(enumerate(replicas)))}
        rank = {name: (spec.rank, spec.priority, place[name]) for name, spec in first.items()}
        self.names = tuple(sorted(first, key=rank.__getitem__))
        together: dict[str, dict[Dependency, None]] = {name: {} for name in self.names}
        for spec in replicas:
            together[spec.name].update(dict.fromkeys(spec.after))
        self.needs: dict[str, tuple[Dependency, ...]] = {
            name: tuple(every) for name, every in together.items()
        }
        needed_by: dict[str, dict[str, None]] = {name: {} for name in self.names}
        for name, needs in self.needs.items():
            for need in needs:
                _check(name, need, first)
                needed_by[need.service][name] = None
        self.needed_by: dict[str, tuple[str, ...]] = {name: tuple(who) for name, who in needed_by.items()}
        whom = {name: {need.service for need in needs} for name, needs in self.needs.items()}
        self.start_levels = _levels(self.names, whom)
        self.listening = frozenset(
            name for name, spec in first.items() if spec.listener is not None and not self.needs[name]
        )
        heard = [name for name, spec in first.items() if spec.listener is None]
        before = dict(self.needed_by)
        if by_priority and not any(self.needs.values()):
            before |= _next_higher({name: first[name].rank for name in heard})
        self.by_priority = before != self.needed_by
        self.outlives = {
            name: tuple(dict.fromkeys((*who, *heard))) if name in self.listening else who
            for name, who in before.items()
        }
        outlived: dict[str, list[str]] = {name: [] for name in self.names}
        for name, others in self.outlives.items():
            for other in others:
                outlived[other].append(name)
        self.outlived_by: dict[str, tuple[str, ...]] = {name: tuple(who) for name, who in outlived.items()}
        backwards = tuple(reversed(self.names))
        self.stop_levels = _levels(backwards, self.outlives)

    def closure(self, names: Collection[str]) -> frozenset[str]:
        """Return these and everybody they wait for, directly or not."""
        found: set[str] = set()
        open_ = list(names)
        while open_:
            name = open_.pop()
            if name not in found:
                found.add(name)
                open_.extend(need.service for need in self.needs[name])
        return frozenset(found)


def order(project: Project) -> Order:
    """Return the order of a project's services.

    Raises:
        OrderError: there is none, or `exit-when` names somebody unknown.
    """
    found = Order(project.services, by_priority=project.stop_by_priority)
    wanted = project.exit_when
    if wanted.when is When.SERVICE_EXITS and wanted.service not in found.needs:
        hint = _hint(wanted.service, found.needs)
        raise OrderError(f"exit-when waits for {wanted.service!r}, which is no service: {hint}")
    return found


def _next_higher(ranks: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """Return those of the next higher rank for each name; over them it outlives all higher ones."""
    of_rank: dict[int, list[str]] = {}
    for name, rank in ranks.items():
        of_rank.setdefault(rank, []).append(name)
    found: dict[str, tuple[str, ...]] = {}
    higher: tuple[str, ...] = ()
    for rank in sorted(of_rank, reverse=True):
        found |= dict.fromkeys(of_rank[rank], higher)  # all of a rank share one tuple
        higher = tuple(of_rank[rank])
    return found


def _check(name: str, need: Dependency, specs: Mapping[str, ServiceSpec]) -> None:
    other = specs.get(need.service)
    if other is None:
        raise OrderError(
            f"{name} waits for {need.service!r}, which is no service: {_hint(need.service, specs)}", name
        )
    if need.condition is Condition.COMPLETED and other.restart.when in _ENDLESS:
        raise OrderError(
            f"{name} waits for {other.name} to complete, which is started again whenever it ends"
            f" (restart {other.restart.when.value}): give {other.name} restart on-failure or no",
            name,
        )


def _hint(name: str, known: Collection[str]) -> str:
    import difflib  # noqa: PLC0415  only for words that are wrong

    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known)) or 'none'}"


def _levels(names: Iterable[str], whom: Mapping[str, Collection[str]]) -> tuple[tuple[str, ...], ...]:
    """Return the names so that each comes in a later level than those it waits for, as early as can be."""
    left = list(names)
    done: set[str] = set()
    levels: list[tuple[str, ...]] = []
    while left:
        level = tuple(name for name in left if done.issuperset(whom[name]))
        if not level:
            cycle = _cycle(left, whom, done)
            raise OrderError(
                f"{cycle[0]} waits for itself, {' -> '.join(cycle)}: remove one of these dependencies",
                cycle[0],
            )
        levels.append(level)
        done.update(level)
        left = [name for name in left if name not in done]
    return tuple(levels)


def _cycle(left: list[str], whom: Mapping[str, Collection[str]], done: set[str]) -> list[str]:
    """Return a way that ends where it begins; everybody left waits for somebody left, so there is one."""
    way = [left[0]]
    while (following := next(name for name in sorted(whom[way[-1]]) if name not in done)) not in way:
        way.append(following)
    return [*way[way.index(following) :], following]
