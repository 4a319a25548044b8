"""The file of services of a running `endwell up`, read again when somebody asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.cli.services_file import open_services, order_of
from endwell.model.place import Place
from endwell.parse.problems import ConfigurationError
from endwell.parse.project import Format
from endwell.records import replace
from endwell.supervise.reading import Reading, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from endwell.machine.order import Order
    from endwell.model.project import Project
    from endwell.parse.project import ProjectFile

_NOWHERE = Place("", 0)


class Rereader:
    """Reads a file again, as it was read at first.

    Args:
        file: as it was read at first.
        wanted: a project to the same as the command line wants it; raises ValueError where it cannot be so.
        shortened: that to the same with the grace that there is here.
        doubts: a file that was read again, its project and its order to what is odd about that, a line for
            each thing.

    Attributes:
        first: what the file said at first.
    """

    def __init__(
        self,
        file: ProjectFile,
        wanted: Callable[[Project], Project],
        shortened: Callable[[Project], Project],
        doubts: Callable[[ProjectFile, Project, Order], Iterable[str]],
    ) -> None:
        self._path = file.path
        self._wanted = wanted
        self._shortened = shortened
        self._doubts = doubts
        self.first = reading_of(file, shortened(wanted(file.project)))

    def __call__(self) -> Reading:
        """Read it now.

        Raises:
            UnreadableError: it cannot be used; a line for each thing, with file and line.
        """
        try:
            file = open_services(self._path)
            order = order_of(file)
            project = self._wanted(file.project)
            return reading_of(file, self._shortened(project), self._doubts(file, project, order))
        except ConfigurationError as error:
            raise UnreadableError(str(one) for one in error.problems) from None
        except ValueError as error:
            raise UnreadableError((f"{self._path}: {error}",)) from None


def reading_of(file: ProjectFile, project: Project, doubts: Iterable[str] = ()) -> Reading:
    """Return what a file says for those who apply it to what runs.

    Args:
        file: it.
        project: its project, as the command line wants it.
        doubts: what is odd about that, a line for each thing.
    """
    return Reading(
        project=project,
        path=file.path,
        words=lambda: words_of(file),
        by_group=file.format is Format.SUPERVISORD,
        warnings=(*(str(one) for one in file.warnings), *doubts),
        source=file.supervisord,
    )


def words_of(file: ProjectFile) -> dict[str, object]:
    """Return what a supervisord.conf says about each group in its words, wherever in the file it stands."""
    found: dict[str, object] = {}
    for group in file.supervisord.groups if file.supervisord else ():
        programs = tuple(replace(one, place=_NOWHERE) for one in group.programs)
        found.setdefault(group.name, replace(group, place=_NOWHERE, programs=programs))
    return found
