"""`input`: words for a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.control import ControlError, Kind

if TYPE_CHECKING:
    from endwell.supervise.control.desk import Desk
    from endwell.supervise.control.exchange import Exchange


def write(desk: Desk, exchange: Exchange) -> None:
    """Have something written to the standard input of a replica's process."""
    text = exchange.request.text("text")
    life = desk.one(exchange.request)
    running, label = desk.supervisor.running(life.spec.key), life.spec.label
    if running is None or not life.pid:
        raise ControlError(Kind.NOT_RUNNING, f"{label} is {life.state.name}: nobody would read it")
    if running.stdin is None:
        raise ControlError(
            Kind.NO_STDIN, f"{label} has no standard input that stays open: set stdin-open = true for it"
        )
    try:
        running.stdin.write(text.encode(errors="surrogateescape"))
    except BrokenPipeError:
        raise ControlError(Kind.NO_STDIN, f"{label} has closed its standard input") from None
    except BufferError as error:
        raise ControlError(Kind.FAILED, f"{label} does not read its standard input: {error}") from None
    exchange.ok()
