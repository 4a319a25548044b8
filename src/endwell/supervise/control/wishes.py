"""`start`, `stop`, `restart`, `kill`, `shutdown` and `reopen`."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from endwell.machine.state import SIGNALLABLE_STATES
from endwell.machine.waiting import Goal, Result, Waiting
from endwell.model.control import ControlError, Kind
from endwell.model.signals import Signal
from endwell.supervise.control.desk import process_name
from endwell.system.spawn_error import NOT_EXECUTABLE, NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from endwell.machine.act import Act
    from endwell.machine.life import Life
    from endwell.model.control import Value
    from endwell.model.service import ServiceSpec
    from endwell.supervise.control.desk import Desk, Key
    from endwell.supervise.control.exchange import Exchange

KINDS = {
    NOT_FOUND: Kind.NO_FILE,
    NOT_EXECUTABLE: Kind.NOT_EXECUTABLE,
}


def start(desk: Desk, exchange: Exchange) -> None:
    """Start replicas and those they wait for, and wait until they run."""
    _go(desk, exchange, Goal.START)


def stop(desk: Desk, exchange: Exchange) -> None:
    """Stop replicas, and wait until they have ended."""
    _go(desk, exchange, Goal.STOP)


def restart(desk: Desk, exchange: Exchange) -> None:
    """Restart replicas, those of one service one by one, and wait until they run again."""
    _go(desk, exchange, Goal.RESTART)


def kill(desk: Desk, exchange: Exchange) -> None:
    """Send a signal to the processes of replicas."""
    wanted = sent_signal(exchange.request.text("signal", "TERM"))
    keys = desk.named(exchange.request)
    results = {key: _kill(desk, desk.lives[key], wanted) for key in keys}
    exchange.ok(answer((desk.lives[key].spec, results[key]) for key in keys))


def shutdown(desk: Desk, exchange: Exchange) -> None:
    """End everything; asked again, hurry."""
    exchange.ok()
    desk.supervisor.stop("a client asked for it")


def reopen(desk: Desk, exchange: Exchange) -> None:
    """Open all log files anew."""
    desk.supervisor.signalled(signal.SIGUSR2)
    exchange.ok()


def sent_signal(text: str) -> Signal:
    """Return the signal that a client means.

    Raises:
        ControlError: BAD_SIGNAL: there is none.
    """
    try:
        return Signal.parse(text)
    except ValueError as error:
        raise ControlError(Kind.BAD_SIGNAL, str(error)) from None


def answer(results: Iterable[tuple[ServiceSpec, Result]]) -> Value:
    """Return what has come of it for each replica, as it is sent."""
    return {
        "results": [
            {
                "label": spec.label,
                "group": spec.group or spec.name,
                "process": process_name(spec),
                "ok": result.ok,
                "kind": result.kind.value if result.kind else "",
                "message": result.message,
            }
            for spec, result in results
        ]
    }


def _go(desk: Desk, exchange: Exchange, goal: Goal) -> None:
    wait = exchange.request.flag("wait", default=True)
    keys = desk.named(exchange.request)
    if goal is not Goal.STOP:
        desk.check_ending()
    specs = {key: desk.lives[key].spec for key in keys}
    bad = _not_startable(desk, specs) if goal is Goal.START else {}
    waiting = Waiting(goal, [key for key in keys if key not in bad], desk.supervisor.ensemble, patient=wait)

    def told(act: Act) -> None:
        if waiting.took(act) and not exchange.over:
            _done(exchange, specs, {**waiting.results, **bad})

    def looked() -> None:
        if waiting.look() and not exchange.over:
            _done(exchange, specs, {**waiting.results, **bad})

    exchange.at_end(desk.bulletin.read(told))
    exchange.at_end(desk.bulletin.watch(looked))
    _ask(desk, goal, waiting)
    desk.asked()
    if not wait and not exchange.over:
        waiting.go_on()
        if waiting.done:
            _done(exchange, specs, {**waiting.results, **bad})


def _not_startable(desk: Desk, specs: Mapping[Key, ServiceSpec]) -> dict[Key, Result]:
    """Return of whom it can be seen that there is no program for them.

    A process of a supervisord.conf is left as it is then, as supervisord does it; others fail as they do
    when they are started by themselves, so that their state tells it.
    """
    errors = {key: desk.supervisor.workshop.foreseen(spec) for key, spec in specs.items() if spec.process}
    return {
        key: Result(KINDS.get(error.status, Kind.SPAWN_ERROR), error.reason)
        for key, error in errors.items()
        if error is not None
    }


def _ask(desk: Desk, goal: Goal, waiting: Waiting) -> None:
    ensemble, now = desk.supervisor.ensemble, desk.loop.now()
    wanted = waiting.open
    if goal is Goal.START:
        acts = ensemble.start(wanted, now)
    elif goal is Goal.STOP:
        acts = ensemble.stop(wanted, now)
    else:
        acts = ensemble.restart(wanted, now)
    desk.supervisor.do(acts)


def _done(exchange: Exchange, specs: Mapping[Key, ServiceSpec], results: Mapping[Key, Result]) -> None:
    exchange.ok(answer((spec, results[key]) for key, spec in specs.items()))


def _kill(desk: Desk, life: Life, wanted: Signal) -> Result:
    child = desk.supervisor.children.main(life.spec.key)
    if life.state in SIGNALLABLE_STATES and child is not None and child.process.send(int(wanted)):
        return Result()
    return Result(Kind.NOT_RUNNING, f"it is {life.state.name}")
