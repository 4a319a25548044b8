"""What can go wrong, by supervisord's numbers and names, and how its clients hear of it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from endwell.model.control import Kind
from endwell.model.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.model.control import ControlError


class FaultError(Exception):
    """An answer that says what went wrong.

    Args:
        code: what.
        extra: about what, or why; put behind the code's name.
    """

    def __init__(self, code: Fault, extra: object = None) -> None:
        super().__init__(code.name if extra is None else f"{code.name}: {extra}")
        self.code = code

    @property
    def text(self) -> str:
        """As clients see it."""
        return str(self)


# What the supervisor says, in supervisord's numbers. Whatever is not here is a failure.
CODES: Mapping[str, Fault] = MappingProxyType(
    {
        Kind.BAD_ARGUMENTS.value: Fault.BAD_ARGUMENTS,
        Kind.NO_SUCH_SERVICE.value: Fault.BAD_NAME,
        Kind.STOPPING.value: Fault.SHUTDOWN_STATE,
        Kind.BAD_SIGNAL.value: Fault.BAD_SIGNAL,
        Kind.ALREADY_STARTED.value: Fault.ALREADY_STARTED,
        Kind.NOT_RUNNING.value: Fault.NOT_RUNNING,
        Kind.NO_FILE.value: Fault.NO_FILE,
        Kind.NOT_EXECUTABLE.value: Fault.NOT_EXECUTABLE,
        Kind.SPAWN_ERROR.value: Fault.SPAWN_ERROR,
        Kind.ABNORMAL_TERMINATION.value: Fault.ABNORMAL_TERMINATION,
        # supervisord has nobody who waits for others; its client knows a start that did not work by these.
        Kind.REFUSED.value: Fault.SPAWN_ERROR,
        Kind.NO_STDIN.value: Fault.NO_FILE,
        Kind.BAD_NAME.value: Fault.BAD_NAME,
        Kind.ALREADY_ADDED.value: Fault.ALREADY_ADDED,
        Kind.STILL_RUNNING.value: Fault.STILL_RUNNING,
        Kind.CONFIGURATION.value: Fault.CANT_REREAD,
    }
)


def code_of(kind: str) -> Fault:
    """Return the code for a kind of error of the control protocol."""
    return CODES.get(kind, Fault.FAILED)


def fault_of(error: ControlError, extra: object) -> FaultError:
    """Return the fault for what the supervisor has refused.

    Args:
        error: its answer.
        extra: what supervisord says behind the code's name, usually what the client has asked about; where
            supervisord has no such case, the supervisor's own words are better.
    """
    code = code_of(error.kind.value)
    if code is Fault.SHUTDOWN_STATE:
        return FaultError(code)
    if code is Fault.FAILED:
        return FaultError(code, error.message)
    return FaultError(code, extra)
