"""Services as supervisord's clients know them: groups, processes, and what is to be said about each.

A row is what the control protocol's `ps` says of one replica.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from xmlrpc.client import MAXINT, MININT

from endwell.gateway.words import spawn_error
from endwell.machine.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Row = Mapping[str, Any]
    Info = dict[str, Any]


def split(name: str) -> tuple[str, str | None]:
    """Return the group and the process that a name means; None for all of the group.

    `web` is the process `web` of the group `web`, `g:web` a process of the group `g`; `g:*` and `g:` are all.
    """
    group, colon, process = name.partition(":")
    if not colon:
        return name, name
    return group, None if process in ("", "*") else process


def joined(row: Row) -> str:
    """Return the name of a process as clients write it."""
    return str(row["process"]) if row["group"] == row["process"] else f"{row['group']}:{row['process']}"


def asked(row: Row) -> str:
    """Return the name under which the supervisor knows exactly this one."""
    return f"{row['group']}:{row['process']}"


def sorted_by_name(rows: Iterable[Row]) -> list[Row]:
    """Return rows by group and process, as lists of processes are sorted."""
    return sorted(rows, key=lambda row: (row["group"], row["process"]))


def info(row: Row, now: float, logs: tuple[str, str]) -> Info:
    """Return what getProcessInfo says of a row.

    Args:
        row: it.
        now: seconds since the epoch.
        logs: the paths of its stdout and stderr; empty for none.
    """
    error = spawn_error(row)
    found: Info = {
        "name": row["process"],
        "group": row["group"],
        "start": _number(row["started"]),
        "stop": _number(row["stopped"]),
        "now": _number(now),
        "state": int(row["code"]),
        "statename": row["state"],
        "spawnerr": error,
        "exitstatus": row["status"] or 0,
        "logfile": logs[0],
        "stdout_logfile": logs[0],
        "stderr_logfile": logs[1],
        "pid": row["pid"] or 0,
    }
    return found | {"description": describe(found, str(row.get("waiting") or ""))}


def describe(found: Info, waiting: str = "") -> str:
    """Return the description of a process: what `status` shows behind its state.

    Args:
        found: what getProcessInfo says otherwise.
        waiting: what it waits for before it is started; supervisord has no such thing.
    """
    state = found["state"]
    if state == State.RUNNING:
        return f"pid {found['pid']}, uptime {timedelta(seconds=max(0, found['now'] - found['start']))}"
    if state in (State.FATAL, State.BACKOFF):
        return found["spawnerr"] or f'unknown error (try "tail {found["name"]}")'
    if state in (State.STOPPED, State.EXITED):
        if waiting:
            return waiting
        if not found["start"]:
            return "Not started"
        return time.strftime("%b %d %I:%M %p", time.localtime(found["stop"]))
    return ""


def _number(seconds: float | None) -> int:
    """Return seconds since the epoch as XML-RPC can say them: until 2038."""
    return min(max(int(seconds or 0), MININT), MAXINT)
