"""How supervisorctl says what has become of something: exit statuses, and words for faults.

Source: the XML-RPC chapter at supervisord.org; exit statuses are those of init scripts (LSB), measured.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from endwell.model.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping


class Exit(IntEnum):
    """How supervisorctl exits."""

    SUCCESS = 0
    GENERIC = 1
    INVALID_ARGUMENTS = 2
    NO_INTERFACE = 3
    REFUSED = 4
    OTHER_VERSION = 5
    NOT_RUNNING = 7


class StatusExit(IntEnum):
    """How `supervisorctl status` exits when something is not as it should be."""

    STOPPED = 3
    UNKNOWN = 4


DEAD = frozenset({Fault.SPAWN_ERROR, Fault.ABNORMAL_TERMINATION, Fault.NOT_RUNNING})


def spell(group: str, process: str | None) -> str:
    """Return how a process is named: its group comes first unless it has the same name."""
    return str(process) if group == process else f"{group}:{process}"


def split(name: str) -> tuple[str, str | None]:
    """Return the group and the process that a name means; None for all processes of the group."""
    group, colon, process = name.partition(":")
    if not colon:
        return name, name
    return group, None if process in {"", "*"} else process


def result_line(result: Mapping[str, Any], words: Mapping[int, str], success: str) -> str:
    """Return the line that says what has become of one process.

    Args:
        result: its name, group, status (a fault) and description.
        words: for the faults there can be; an empty one stands for the description alone.
        success: the word for it.

    Raises:
        ValueError: there are no words for it.
    """
    name = spell(result["group"], result["name"])
    code = result["status"]
    if code == Fault.SUCCESS:
        return f"{name}: {success}"
    if code not in words:
        raise ValueError(f"Unknown result code {code} for {name}")
    return f"{name}: ERROR ({words[code]})" if words[code] else str(result["description"])
