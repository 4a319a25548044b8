"""`top`: the processes of services, with all that came from theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.system import tree
from endwell.system.usage import boot_time, usage, user_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.control import Value
    from endwell.supervise.control.desk import Desk, Key
    from endwell.supervise.control.exchange import Exchange


def top(desk: Desk, exchange: Exchange) -> None:
    """List processes."""
    keys = desk.all_or(exchange.request.names("services"))
    exchange.drive(_listed(desk, exchange, keys))


def _listed(desk: Desk, exchange: Exchange, keys: tuple[Key, ...]) -> Iterator[bytes]:
    booted, names = boot_time(), user_names()
    found: list[Value] = []
    children = desk.supervisor.children
    children.orphans.look()
    for key in keys:
        life = desk.lives.get(key)
        if life is None:
            continue
        for pid in children.family(key):
            row = _row(life.spec.label, pid, booted, names)
            if row is not None:
                found.append(row)
            yield b""
    exchange.ok({"processes": found})


def _row(label: str, pid: int, booted: float, names: dict[int, str]) -> Value | None:
    used = usage(pid)
    if used is None:
        return None
    return {
        "label": label,
        "pid": pid,
        "ppid": used.parent,
        "user": names.get(used.user, str(used.user)),
        "state": used.state,
        "cpu": round(used.cpu, 2),
        "rss": used.resident,
        "started": round(booted + used.started, 2),
        "command": tree.name_of(pid),
    }
