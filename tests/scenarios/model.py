"""The vocabulary of the table: a scenario is steps, then facts that must hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.engine.protocol import Ending
    from tests.scenarios.inits import Init


@dataclass(frozen=True, slots=True)
class Line:
    """Step: wait until a line with exactly this text is printed."""

    text: str


@dataclass(frozen=True, slots=True)
class Send:
    """Step: send these signals to PID 1, from outside, one after another."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Step: stop the container by Docker's rules, with the grace period of the run."""


@dataclass(frozen=True, slots=True)
class End:
    """Step: wait until the container ends by itself; nobody asks it to."""


Step = Line | Send | Stop | End


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has shown: the lines printed, and how it ended if it did so without being cleaned up."""

    lines: tuple[str, ...]
    ending: Ending | None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """Fact: the container's exit status, and the engine did not have to kill."""

    expected: int

    def failure(self, outcome: Outcome) -> str:
        """Return why the fact does not hold, or nothing."""
        if outcome.ending is None:
            return outcome.trouble or "it never ended"
        if outcome.ending.killed:
            return "killed by the engine"
        return "" if outcome.ending.status == self.expected else f"rc {outcome.ending.status}"


@dataclass(frozen=True, slots=True)
class Ended:
    """Fact: the container has ended, with whatever status, and the engine did not have to kill."""

    def failure(self, outcome: Outcome) -> str:
        """Return why the fact does not hold, or nothing."""
        if outcome.ending is None:
            return outcome.trouble or "it never ended"
        return "killed by the engine" if outcome.ending.killed else ""


@dataclass(frozen=True, slots=True)
class Within:
    """Fact: the stop took no longer than this, in seconds."""

    limit: float

    def failure(self, outcome: Outcome) -> str:
        """Return why the fact does not hold, or nothing."""
        if outcome.ending is None:
            return outcome.trouble or "it never ended"
        return "" if outcome.ending.took <= self.limit else f"the stop took {outcome.ending.took:.1f} s"


@dataclass(frozen=True, slots=True)
class Printed:
    """Fact: this line was printed."""

    text: str

    def failure(self, outcome: Outcome) -> str:
        """Return why the fact does not hold, or nothing."""
        if self.text in outcome.lines:
            return ""
        told = any("told TERM" in line for line in outcome.lines)
        return f"no {self.text!r}" + (" (told, killed)" if told and self.text == "flushed" else "")


@dataclass(frozen=True, slots=True)
class Never:
    """Fact: this line was not printed."""

    text: str

    def failure(self, outcome: Outcome) -> str:
        """Return why the fact does not hold, or nothing."""
        return self.text if self.text in outcome.lines else ""


@dataclass(frozen=True, slots=True)
class Alike:
    """Fact: the second signal reached the same processes as the first did."""

    first: int
    second: int

    def failure(self, outcome: Outcome) -> str:
        """Return why the fact does not hold, or nothing."""
        first, second = (
            {line.split()[0] for line in outcome.lines if line.endswith(f" told {number}")}
            for number in (self.first, self.second)
        )
        return "" if first == second and first else f"reached {sorted(first)}, then {sorted(second)}"


Fact = Status | Ended | Within | Printed | Never | Alike


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a scenario was passed, and a word about it."""

    passed: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One entry: what is run, what happens, what counts as passed.

    `command` and `around` name guests and callers as `{name}`. `around` is what the container starts before
    the init, `options` is what endwell-init alone is told besides the grace period. `play` replaces the steps
    where a scenario is many shots at one instant. `no_init` is the parent of the command where it must have
    one and there is no init.
    """

    name: str
    sentence: str
    command: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    passed: tuple[Fact, ...] = ()
    around: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    no_init: tuple[str, ...] = ()
    dashes: bool = True
    play: Callable[[Init, tuple[str, ...]], Verdict] | None = None
    local_only: bool = False
    root: bool = False
