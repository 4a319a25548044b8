"""A file of services, whatever its format: endwell.toml, supervisord.conf or Procfile."""

from __future__ import annotations

import posixpath
from enum import Enum
from typing import TYPE_CHECKING

from endwell.model.place import Place
from endwell.parse.problems import Problem
from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from endwell.model.project import Project
    from endwell.model.supervisord import Supervisord
    from endwell.parse.supervisord import Surroundings, Translation

# Where a file is looked for when none is named: the nearest first, and among those our own.
SEARCH_PATH = (
    "endwell.toml",
    "supervisord.conf",
    "etc/supervisord.conf",
    "Procfile",
    "/etc/endwell.toml",
    "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf",
)


class Format(Enum):
    """What kind of file it is, by the name that everybody knows."""

    ENDWELL = "endwell.toml"
    SUPERVISORD = "supervisord.conf"
    PROCFILE = "Procfile"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFile:
    """A file of services that has been read.

    Args:
        path: of the file.
        format: of the file.
        project: what it means.
        warnings: what is odd about it.
        places: by the name of a service, where to look when it cannot be brought into an order; by the empty
            name, where the project's own settings are.
        settings: by the name of a service and a key of endwell.toml, where that is, if the format tells.
        files: those that were read, the main one first.
        supervisord: what a supervisord.conf says in its own words.
        translation: and what was made of it.
    """

    path: str
    format: Format
    project: Project
    warnings: tuple[Problem, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    settings: Mapping[tuple[str, str], Place] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    supervisord: Supervisord | None = None
    translation: Translation | None = None

    def problem(self, service: str, text: str) -> Problem:
        """Return what is wrong with a service, with its place: `machine.order` knows the name only."""
        return Problem(self.place(service), text)

    def place(self, service: str, key: str = "") -> Place:
        """Return where a service says something, or else where it is."""
        return self.settings.get((service, key)) or self.places.get(service) or Place(self.path, 1)


def find_project(exists: Callable[[str], bool]) -> str | None:
    """Return the first file of `SEARCH_PATH` that is there, or None.

    Args:
        exists: whether a path is a file.
    """
    return next((path for path in SEARCH_PATH if exists(path)), None)


def format_of(path: str) -> Format:
    """Return what a file is by its name: TOML by its ending, a Procfile by its beginning, else INI."""
    name = posixpath.basename(path)
    if name.endswith(".toml"):
        return Format.ENDWELL
    return Format.PROCFILE if name.startswith("Procfile") else Format.SUPERVISORD


def read_project(path: str, surroundings: Surroundings) -> ProjectFile:
    """Read a file of services.

    Args:
        path: of the file; its name says what it is.
        surroundings: where it is read.

    Raises:
        ConfigurationError: all that is wrong with it, a line for each thing, with file and line.
    """
    found = format_of(path)
    if found is Format.SUPERVISORD:
        return _supervisord(path, surroundings)
    if found is Format.PROCFILE:
        from endwell.parse.procfile import read_procfile  # noqa: PLC0415  one format is enough for one file

        procfile = read_procfile(path, surroundings.read, surroundings.environment)
        return ProjectFile(
            path=path,
            format=found,
            project=procfile.project,
            warnings=procfile.warnings,
            places=procfile.places,
            files=procfile.files,
        )
    from endwell.parse.services import read_services  # noqa: PLC0415  likewise

    services = read_services(path, surroundings.read, surroundings.environment)
    return ProjectFile(
        path=path,
        format=found,
        project=services.project,
        warnings=services.warnings,
        places=services.places,
        settings=services.settings,
        files=services.files,
    )


def _supervisord(path: str, surroundings: Surroundings) -> ProjectFile:
    from endwell.parse.supervisord import read_configuration, translate  # noqa: PLC0415  likewise

    reading = read_configuration(path, surroundings)
    translation = translate(reading.configuration)
    return ProjectFile(
        path=path,
        format=Format.SUPERVISORD,
        project=translation.project,
        warnings=(*reading.warnings, *translation.warnings),
        places={name: program.place for (name, _), program in translation.programs.items()},
        files=reading.configuration.files,
        supervisord=reading.configuration,
        translation=translation,
    )
