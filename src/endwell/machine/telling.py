"""The events of one process, when its story is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.timeline import Born, Died, Executed, Reaped, Sender, Signalled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.machine.actor import Actor
    from endwell.machine.mailbox import Sent
    from endwell.model.timeline import Event


def life(actor: Actor, begin: int) -> Iterator[tuple[float, int, Event]]:
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
