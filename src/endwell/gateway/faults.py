"""What can go wrong, by supervisord's numbers and names, and how its clients hear of it."""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from endwell.model.control import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.model.control import ControlError


class Code(IntEnum):
    """A fault's number; source: the measured behavior of supervisord 4.2.5 and 4.3.0."""

    UNKNOWN_METHOD = 1
    INCORRECT_PARAMETERS = 2
    BAD_ARGUMENTS = 3
    SIGNATURE_UNSUPPORTED = 4
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


class FaultError(Exception):
    """An answer that says what went wrong.

    Args:
        code: what.
        extra: about what, or why; put behind the code's name.
    """

    def __init__(self, code: Code, extra: object = None) -> None:
        super().__init__(code.name if extra is None else f"{code.name}: {extra}")
        self.code = code

    @property
    def text(self) -> str:
        """As clients see it."""
        return str(self)


# What the supervisor says, in supervisord's numbers. Whatever is not here is a failure.
CODES: Mapping[str, Code] = MappingProxyType(
    {
        Kind.BAD_ARGUMENTS.value: Code.BAD_ARGUMENTS,
        Kind.NO_SUCH_SERVICE.value: Code.BAD_NAME,
        Kind.STOPPING.value: Code.SHUTDOWN_STATE,
        Kind.BAD_SIGNAL.value: Code.BAD_SIGNAL,
        Kind.ALREADY_STARTED.value: Code.ALREADY_STARTED,
        Kind.NOT_RUNNING.value: Code.NOT_RUNNING,
        Kind.NO_FILE.value: Code.NO_FILE,
        Kind.NOT_EXECUTABLE.value: Code.NOT_EXECUTABLE,
        Kind.SPAWN_ERROR.value: Code.SPAWN_ERROR,
        Kind.ABNORMAL_TERMINATION.value: Code.ABNORMAL_TERMINATION,
        # supervisord has nobody who waits for others; its client knows a start that did not work by these.
        Kind.REFUSED.value: Code.SPAWN_ERROR,
        Kind.NO_STDIN.value: Code.NO_FILE,
        Kind.BAD_NAME.value: Code.BAD_NAME,
        Kind.ALREADY_ADDED.value: Code.ALREADY_ADDED,
        Kind.STILL_RUNNING.value: Code.STILL_RUNNING,
        Kind.CONFIGURATION.value: Code.CANT_REREAD,
    }
)


def code_of(kind: str) -> Code:
    """Return the code for a kind of error of the control protocol."""
    return CODES.get(kind, Code.FAILED)


def fault_of(error: ControlError, extra: object) -> FaultError:
    """Return the fault for what the supervisor has refused.

    Args:
        error: its answer.
        extra: what supervisord says behind the code's name, usually what the client has asked about; where
            supervisord has no such case, the supervisor's own words are better.
    """
    code = code_of(error.kind.value)
    if code is Code.SHUTDOWN_STATE:
        return FaultError(code)
    if code is Code.FAILED:
        return FaultError(code, error.message)
    return FaultError(code, extra)
