"""Who answers which request."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from endwell.supervise.control import (
    events,
    execution,
    logs,
    parts,
    plan,
    processes,
    reloads,
    rows,
    talking,
    wishes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.supervise.control.desk import Desk
    from endwell.supervise.control.exchange import Exchange

TABLE: dict[str, Callable[[Desk, Exchange], None]] = {
    "version": rows.version,
    "ps": rows.ps,
    "config": rows.config,
    "plan": plan.plan,
    "start": wishes.start,
    "stop": wishes.stop,
    "restart": wishes.restart,
    "kill": wishes.kill,
    "shutdown": wishes.shutdown,
    "reopen": wishes.reopen,
    "top": processes.top,
    "logs": logs.logs,
    "attach": logs.attach,
    "input": talking.write,
    "read-log": parts.read,
    "tail-log": parts.tail,
    "clear-logs": parts.clear,
    "exec": execution.execute,
    "signal": execution.send,
    "events": events.events,
    "remote-event": events.remote,
    "reread": reloads.reread,
    "add": reloads.add,
    "remove": reloads.remove,
    "reload": reloads.reload,
    "restart-all": reloads.restart_all,
}


def handlers(desk: Desk) -> dict[str, Callable[[Exchange], None]]:
    """Return who answers, knowing all there is to know."""
    return {name: partial(call, desk) for name, call in TABLE.items()}
