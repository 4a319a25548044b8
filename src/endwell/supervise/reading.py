"""What a file of services says, for those who apply it to what runs, and who reads it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from endwell.model.project import Project


class UnreadableError(ValueError):
    """A file that cannot be used.

    Args:
        problems: all that is wrong with it, a line for each thing, with file and line.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file of services says.

    Args:
        project: its services, in an order.
        path: of the file.
        words: returns by group what the file says, for comparison; nothing where services say it all.
        by_group: whether a group in which anything has changed is started anew as a whole: supervisord's way.
        warnings: what is odd about the file, a line for each thing, with file and line.
        source: a supervisord.conf in its own words, for whoever knows them; None for other files.
    """

    project: Project
    path: str = ""
    words: Callable[[], Mapping[str, object]] = dict
    by_group: bool = False
    warnings: tuple[str, ...] = ()
    source: object = None


class Rereader(Protocol):
    """Reads a file again that was read before."""

    @property
    def first(self) -> Reading:
        """What it said at first."""

    def __call__(self) -> Reading:
        """Read it now.

        Raises:
            UnreadableError: it cannot be used.
        """
