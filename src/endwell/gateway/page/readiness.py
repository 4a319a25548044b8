"""What /readyz says: who of those that start by themselves cannot be used now, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.gateway.page.names import called

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endwell.gateway.rows import Row


_WORDS = {"EXITED": "has ended", "FATAL": "has failed", "BACKOFF": "is to be started again"}


def not_ready(rows: Iterable[Row]) -> list[str]:
    """Return the names of services that are not ready, each with what it is instead.

    One that has done its work and ended well is ready; one that nobody starts by himself does not count.

    Args:
        rows: of `ps`.
    """
    return [f"{called(row)} {state(row)}" for row in rows if row["autostart"] and not is_ready(row)]


def is_ready(row: Row) -> bool:
    """Whether a service can be used, or has done its work."""
    running = row["state"] == "RUNNING" and row["ready"] and row["healthy"] is not False
    return bool(running or row["completed"])


def state(row: Row) -> str:
    """Return what a service that is not ready is."""
    if row["waiting"]:
        return "waits"
    if row["state"] == "RUNNING":
        return "is not healthy" if row["healthy"] is False else "is not ready"
    return _WORDS.get(row["state"], f"is {str(row['state']).lower()}")
