"""What is wrong with an ending, in words a person acts on."""

from __future__ import annotations

from enum import Enum

from endwell.records import dataclass


class Severity(Enum):
    """How much a finding weighs: an error makes an ending bad, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule found: what happened, to whom, and what to do next.

    Args:
        rule: the code, as in EW101.
        message: what happened, in one sentence.
        next: one step that helps.
        pids: the processes concerned, as numbered inside the container.
        severity: how much it weighs.
    """

    rule: str
    message: str
    next: str
    pids: tuple[int, ...] = ()
    severity: Severity = Severity.ERROR


class Verdict(Enum):
    """The answer in three words."""

    WELL = "ends well"
    BADLY = "ends badly"
    UNKNOWN = "cannot tell"


class Ending(Enum):
    """The same, finer, and about processes only."""

    WELL = "well"  # PID 1 left by itself in time, and nobody was killed or cut short
    PARTIAL = "partial"  # PID 1 left in time, but somebody was never told, cut short or killed
    KILLED = "killed"  # the engine had to
    UNKNOWN = "unknown"
