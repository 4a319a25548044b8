"""The name of a replica on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.gateway.rows import joined

if TYPE_CHECKING:
    from endwell.gateway.rows import Row


def called(row: Row) -> str:
    """Return the name by which people know a replica: `web`, `web-2`, or supervisord's `group:process`."""
    return str(row["label"]) if row["process"] == row["label"] else joined(row)
