"""The events of every process, when the story is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.timeline import Adopted, Born, Died, Executed, Reaped, Sender, Signalled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from endwell.machine.actor import Actor
    from endwell.machine.kinship import Adoption
    from endwell.machine.mailbox import Sent
    from endwell.model.timeline import Event


def tell(
    actors: Iterable[Actor], adoptions: Iterable[Adoption], beginning: Actor | None
) -> tuple[Event, ...]:
    """Return the events in order of time; `beginning` is a PID 1 whose own first program counts as its start.

    Before that it was the engine's, and so was what it got.
    """
    told: list[tuple[float, int, Event]] = []
    for actor in actors:
        told.extend(_life(actor, actor.programs[0].order if actor is beginning and actor.programs else 0))
    for mark, child, keeper in adoptions:
        if child.pid is not None and keeper.pid is not None:
            told.append((mark.at, mark.order, Adopted(mark.at, child.pid, keeper.pid)))
    told.sort(key=lambda one: one[:2])
    return tuple(event for _, _, event in told)


def _life(actor: Actor, begin: int) -> Iterator[tuple[float, int, Event]]:
    """Yield the events of one process with their places; its signals from the place `begin` on."""
    pid = actor.pid
    if pid is None:
        return
    yield actor.born.at, actor.born.order, Born(actor.born.at, pid, _inside(actor.parent))
    for program in actor.programs:
        yield program.at, program.order, Executed(program.at, pid, program.argv or (program.path,))
    for one in actor.box.sent:
        if one.order >= begin and one.fate is not None:
            sender = _sender(one)
            yield one.at, one.order, Signalled(one.at, pid, one.signal, sender, one.fate)
    if actor.died is not None:
        at, cause = actor.died.at, actor.cause
        signal, sender_of = (cause.signal, _sender(cause)) if cause else (None, None)
        yield at, actor.died.order, Died(at, pid, actor.code, signal, sender_of)
    if actor.reaped is not None:
        yield actor.reaped.at, actor.reaped.order, Reaped(actor.reaped.at, pid, _inside(actor.reaped.by))


def _sender(one: Sent) -> Sender:
    return Sender(one.origin, _inside(one.sender) or None)


def _inside(actor: Actor | None) -> int:
    return actor.pid or 0 if actor is not None else 0
