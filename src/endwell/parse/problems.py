"""What is wrong with a file, and what is only odd about it: each one line, with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.records import dataclass, field

if TYPE_CHECKING:
    from endwell.model.place import Place


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong or odd: where, and what, why and what to do in one line."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class ConfigurationError(ValueError):
    """A file that cannot be used.

    Args:
        problems: all that is wrong with it, not only the first thing.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(one) for one in problems))
        self.problems = problems


def why_unread(error: OSError | UnicodeError, step: str) -> str:
    """Return why a file could not be read, and what to do: `step`, unless it is that it is no text."""
    if isinstance(error, UnicodeError):
        return f"{error}; save it as UTF-8"
    return f"{error.strerror or error}; {step}"


@dataclass(slots=True)
class Report:
    """Collects what is found while a file is read, so that a person hears everything at once."""

    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def error(self, place: Place, text: str) -> None:
        """Note what makes the file unusable."""
        self.errors.append(Problem(place, " ".join(text.split())))

    def warn(self, place: Place, text: str) -> None:
        """Note what is odd; said once, however often it is met."""
        problem = Problem(place, " ".join(text.split()))
        if problem not in self.warnings:
            self.warnings.append(problem)

    def settle(self) -> None:
        """Raise ConfigurationError if there is an error."""
        if self.errors:
            raise ConfigurationError(tuple(sorted(set(self.errors))))
