"""`exec`: another program beside a service, on descriptors that the client has sent along.

The program's end is the answer. A client that goes away before it leaves a program that nobody hears: it is
told SIGHUP, as by a terminal that is closed.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from endwell.model.control import ControlError, Kind
from endwell.records import replace
from endwell.supervise.control.wishes import KINDS, sent_signal
from endwell.supervise.logs.pipe import away
from endwell.system.spawn_error import SpawnError

if TYPE_CHECKING:
    from endwell.model.process import End
    from endwell.model.service import ServiceSpec
    from endwell.supervise.control.desk import Desk
    from endwell.supervise.control.exchange import Exchange

_ENDS = 3


def execute(desk: Desk, exchange: Exchange) -> None:
    """Start a program, and say how it has ended."""
    ends = [away(one) for one in exchange.connection.take_descriptors()]
    try:
        _execute(desk, exchange, ends)
    finally:
        for descriptor in ends:
            os.close(descriptor)


def send(desk: Desk, exchange: Exchange) -> None:
    """Send a signal to the program of another request, and to those in its process group."""
    number = exchange.request.whole("of")
    wanted = sent_signal(exchange.request.text("signal"))
    other = exchange.connection.exchanges.get(number)
    child = None if other is None else desk.executions.get(other)
    if child is None:
        raise ControlError(Kind.NOT_RUNNING, f"signal: no program of request {number} runs")
    child.process.send_group(int(wanted))
    exchange.ok()


def _execute(desk: Desk, exchange: Exchange, ends: list[int]) -> None:
    request = exchange.request
    command = request.names("command")
    if not command:
        raise request.wrong("command", "a list of at least one word")
    if len(ends) != _ENDS:
        why = f"exec: {_ENDS} descriptors have to come with the line, not {len(ends)}"
        raise ControlError(Kind.BAD_ARGUMENTS, why)
    desk.check_ending()
    spec = _beside(desk.one(request).spec, exchange)
    running = desk.executions

    def ended(end: End) -> None:
        running.pop(exchange, None)
        exchange.ok({"status": end.status})

    def left() -> None:
        child = running.get(exchange)
        if child is not None:
            child.process.send_group(signal.SIGHUP)

    terminal = request.flag("tty", default=False)
    try:
        child = desk.supervisor.workshop.execute(
            spec, command, (ends[0], ends[1], ends[2]), ended, terminal=terminal
        )
    except SpawnError as error:
        raise ControlError(KINDS.get(error.status, Kind.SPAWN_ERROR), error.reason) from None
    except ValueError as error:
        raise ControlError(Kind.BAD_ARGUMENTS, f"exec: {error}") from None
    running[exchange] = child
    exchange.at_end(left)
    exchange.more({"pid": child.process.pid})


def _beside(spec: ServiceSpec, exchange: Exchange) -> ServiceSpec:
    """Return the service as it is for this program."""
    request = exchange.request
    user, directory = request.text("user", ""), request.text("directory", "")
    return replace(
        spec,
        user=user or spec.user,
        directory=directory or spec.directory,
        environment={**spec.environment, **request.table("environment")},
    )
