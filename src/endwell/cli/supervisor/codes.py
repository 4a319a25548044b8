"""Numbers that clients of supervisord know, and the words for them: exit statuses, faults, states.

Source: the XML-RPC chapter at supervisord.org; exit statuses are those of init scripts (LSB), measured.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

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


class Fault(IntEnum):
    """What a call can fail with, or what became of one process of several."""

    UNKNOWN_METHOD = 1
    SHUTDOWN_STATE = 6
    BAD_NAME = 10
    BAD_SIGNAL = 11
    NO_FILE = 20
    NOT_EXECUTABLE = 21
    FAILED = 30
    ABNORMAL_TERMINATION = 40
    SPAWN_ERROR = 50
    ALREADY_STARTED = 60
    NOT_RUNNING = 70
    SUCCESS = 80
    ALREADY_ADDED = 90
    STILL_RUNNING = 91
    CANT_REREAD = 92


DEAD = frozenset({Fault.SPAWN_ERROR, Fault.ABNORMAL_TERMINATION, Fault.NOT_RUNNING})
RUNNING = 20
STOPPED = frozenset({0, 100, 200, 1000})  # STOPPED, EXITED, FATAL, UNKNOWN


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
