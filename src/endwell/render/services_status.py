"""What `endwell ps` says of a replica: docker's words where docker has them, as for `Up 3 minutes (healthy)`.

A row is what the supervisor answers to `ps`, one for each replica (docs/reference/control.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from endwell.render.ages import age

Row: TypeAlias = Mapping[str, Any]

GREEN, YELLOW, RED, DIM = "32", "33", "31", "2"
_SAID_BY_CODE = ("exited with ", "ended by ")


def status(row: Row, now: float) -> str:  # noqa: PLR0911  a table, in order
    """Return what it does, for people, in one line.

    Args:
        row: of the replica.
        now: seconds since the epoch.
    """
    if row["waiting"]:
        return f"Waiting {row['waiting'].removeprefix('it waits ')}"
    if row["retry_in"] is not None:
        return f"Restarting{_code(row)} in {age(row['retry_in'])}{_reason(row)}"
    match row["state"]:
        case "RUNNING":
            return f"Up {age(now - row['started'])}{_health(row)}"
        case "STARTING":
            return f"Starting {age(now - row['started'])}" if row["pid"] else "Starting"
        case "STOPPING":
            return "Stopping"
        case "EXITED":
            return f"Exited{_code(row)}{_ago(row, now)}{_reason(row)}"
        case "FATAL":
            return f"Failed{_code(row)}{_ago(row, now)}{_reason(row)}"
        case "BACKOFF":
            return f"Restarting{_code(row)}{_reason(row)}"
        case "STOPPED":
            ended = f"Stopped{_code(row)}{_ago(row, now)}" if row["stopped"] else "Not started"
            return f"{ended}{_reason(row)}"
    return str(row["state"]).capitalize()


def color_of(row: Row) -> str:
    """Return in which color that is said: red needs somebody, yellow changes by itself."""
    state = row["state"]
    if state == "FATAL" or row["healthy"] is False:
        return RED
    if state == "RUNNING":
        return GREEN
    if row["waiting"] or row["retry_in"] is not None or state in {"STARTING", "STOPPING", "BACKOFF"}:
        return YELLOW
    return RED if state == "EXITED" and row["status"] else DIM


def _health(row: Row) -> str:
    if row["healthy"] is not None:
        return " (healthy)" if row["healthy"] else " (unhealthy)"
    return "" if row["ready"] else " (not ready)"


def _code(row: Row) -> str:
    """Return how its last process has ended, as docker has it: the exit status, or by which signal."""
    signal = row.get("signal")
    if signal:
        return f" ({signal})"
    # supervisord's -1 stands for a signal, and does not say which.
    return "" if row["status"] is None or row["status"] < 0 else f" ({row['status']})"


def _ago(row: Row, now: float) -> str:
    return f" {age(now - row['stopped'])} ago" if row["stopped"] else ""


def _reason(row: Row) -> str:
    """Return what is not said by the exit status: not executable, not ready in time, not healthy."""
    said = row["why"] or row["spawn_error"]
    return "" if not said or said.startswith(_SAID_BY_CODE) else f": {said}"
