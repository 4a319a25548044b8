"""Why a program could not be started, in supervisord's words: clients show them, people search for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from endwell.model.control import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

# What `system.spawn_error` says.
_DIRECTORY, _MODE = ": it is a directory", ": it is not executable"


def spawn_error(row: Mapping[str, Any]) -> str:
    """Return the `spawnerr` of a row of `ps`."""
    reason = str(row["spawn_error"] or "")
    command = row["command"][0] if row["command"] else ""
    if reason.startswith("cannot find "):
        return not_startable(Kind.NO_FILE, command)
    if reason.startswith("cannot execute ") and any(end in reason for end in (_DIRECTORY, _MODE)):
        return not_startable(Kind.NOT_EXECUTABLE, command, reason)
    return reason


def not_startable(kind: Kind, command: str, reason: str = "") -> str:
    """Return why a program cannot be started at all.

    Args:
        kind: NO_FILE or NOT_EXECUTABLE.
        command: its first word.
        reason: in our own words.
    """
    if kind is Kind.NO_FILE:
        return f"can't find command {command!r}"
    return f"command at {command!r} is {'a directory' if _DIRECTORY in reason else 'not executable'}"
