"""Who took the orphans in, and who collected the dead: settled when the whole story is known.

A wait4 that returns a number is exact. What else is collected, by waitid or because the parent ignores
SIGCHLD, shows as the kernel's `free`, which comes 10 to 30 ms late; after PID 1's end that proves nothing,
since the kernel then collects whatever is left. Two things help: a child whose parent ignores SIGCHLD ends
without one, and is gone at once; and a waitid of the parent that succeeded after the child's end. One that
only looks (WNOWAIT), or that waits for stopped ones, collects nobody.

An orphan goes to the nearest ancestor of its parent that has declared itself a subreaper, otherwise to PID 1.
One that did so before we looked is known by the SIGCHLD that the orphan's end sends to it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from endwell.machine.actor import Actor, Mark

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

Adoption: TypeAlias = "tuple[Mark, Actor, Actor]"


def settle(
    actors: Iterable[Actor], root: Actor | None, waits: Iterable[tuple[Mark, int]]
) -> tuple[Adoption, ...]:
    """Set `reaped` and `keeper` of every actor; return each adoption: when, who, by whom.

    Args:
        actors: in order of birth.
        root: PID 1.
        waits: what wait4 returned: when and to whom, and the number; the host's number for one from outside.
    """
    everyone = list(actors)
    _match(everyone, waits)
    adoptions = _adopt(everyone, root)
    for actor in everyone:
        if actor.died is not None and actor.reaped is None:
            actor.reaped = _collected(actor, actor.died, root)
    return adoptions


def _match(actors: list[Actor], waits: Iterable[tuple[Mark, int]]) -> None:
    inside: dict[int, list[Actor]] = defaultdict(list)
    outside: dict[int, list[Actor]] = defaultdict(list)
    for actor in actors:
        if actor.died is not None:
            outside[actor.host].append(actor)
            if actor.pid is not None:
                inside[actor.pid].append(actor)
    for mark, number in waits:
        # The last one that had the number: a number is not given out again before it is collected.
        for actor in reversed((inside if mark.by is not None else outside)[number]):
            if actor.died is not None and actor.died.order < mark.order:
                if actor.reaped is None:
                    actor.reaped = mark
                break


def _adopt(actors: list[Actor], root: Actor | None) -> tuple[Adoption, ...]:
    """Go through births and ends in order, with the children that each one has at that time."""
    children: dict[Actor, list[Actor]] = defaultdict(list)
    adoptions: list[Adoption] = []
    births = [(actor.born, actor) for actor in actors]
    ends = [(actor.died, actor) for actor in actors if actor.died is not None]
    for mark, actor in sorted(births + ends, key=lambda one: one[0].order):
        if mark is actor.born:
            if actor.sibling is not None:
                actor.parent = actor.keeper = actor.sibling.keeper
            if actor.keeper is not None:
                children[actor.keeper].append(actor)
            continue
        if root is None or (root.died is not None and root.died.order <= mark.order):
            break
        for child in children.pop(actor, ()):
            if not _gone(child, mark):
                child.keeper = keeper = _adopter(child, actor, root, mark)
                children[keeper].append(child)
                adoptions.append((mark, child, keeper))
    return tuple(adoptions)


def _gone(child: Actor, mark: Mark) -> bool:
    """Return whether a child had been collected at an instant."""
    if child.reaped is not None:
        return child.reaped.order < mark.order
    if child.died is None or child.died.order > mark.order:
        return False
    return not child.notices or (child.freed is not None and child.freed.order < mark.order)


def _adopter(child: Actor, parent: Actor, root: Actor, mark: Mark) -> Actor:
    ancestor = parent.keeper
    while ancestor is not None and ancestor is not root:
        if ancestor.adopts and ancestor.alive(mark.at):
            return ancestor
        ancestor = ancestor.keeper
    told = child.notices[-1] if child.notices and child.died and child.died.order > mark.order else None
    witness = child.reaped.by if child.reaped else told
    if witness is not None and witness is not parent and witness.alive(mark.at):
        return witness
    return root


def _collected(actor: Actor, died: Mark, root: Actor | None) -> Mark | None:
    """Return when and by whom a dead process was collected other than by wait4."""
    keeper, freed = actor.keeper, actor.freed
    if actor is root or keeper is None:
        return Mark(freed.at, freed.order) if freed else None
    end = root.died if root is not None else None
    if not keeper.alive(died.at) or (end is not None and end.order <= died.order):
        return None
    if not actor.notices:
        return Mark(died.at, died.order, keeper)
    for one in keeper.collects:
        if one.mark is not None and one.mark.order > died.order and one.pid in {None, actor.pid}:
            keeper.collects.remove(one)
            return one.mark
    if freed is not None and (end is None or freed.order < end.order):
        return Mark(freed.at, freed.order, keeper)
    return None
