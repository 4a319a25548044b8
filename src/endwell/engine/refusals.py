"""What an engine means when it refuses something: the container has gone, or its command is no program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.engine.protocol import NOT_EXECUTABLE, NOT_FOUND, EngineError, NotStartedError

if TYPE_CHECKING:
    from endwell.engine.client import RefusedError

_GONE = {404, 409}
# What the engine says when the runtime could not exec; both engines pass on the words of runc and crun.
_NOT_EXECUTABLE_MARKS = ("permission denied", "exec format error", "is a directory")
_NOT_FOUND_MARKS = ("executable file", "no such file or directory", "not found")


def has_gone(error: RefusedError) -> bool:
    """Tell whether the engine refuses because the container does not run any more, or is not there."""
    return error.status in _GONE or "state improper" in error.said


def explain(error: RefusedError, command: str) -> EngineError:
    """Return what to tell of a refused start: NotStartedError where it is the command's own fault."""
    said = error.said.lower()
    for marks, status in ((_NOT_EXECUTABLE_MARKS, NOT_EXECUTABLE), (_NOT_FOUND_MARKS, NOT_FOUND)):
        if any(mark in said for mark in marks):
            return NotStartedError(
                f"cannot start {command}: {error.said}; check the path inside the container", status
            )
    return EngineError(f"cannot start {command}: {error.said}; see the engine's log")
