"""What a supervisord.conf and supervisord's command line say together."""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH100, PTH110

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from endwell.cli.rereading import reading_of
from endwell.cli.supervisor.options import UsageError
from endwell.cli.surroundings import surroundings
from endwell.machine.budget import Budget
from endwell.machine.order import OrderError, order
from endwell.model.durations import parse_duration
from endwell.model.project import Project
from endwell.parse.problems import ConfigurationError
from endwell.parse.project import Format, ProjectFile
from endwell.parse.supervisord import read_configuration, search_path, translate
from endwell.records import replace
from endwell.supervise.reading import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from endwell.model.supervisord import Supervisord
    from endwell.parse.supervisord import Surroundings
    from endwell.supervise.reading import Reading

# The options that say the same as those of [supervisord], by their names there.
OVERRIDES = (
    "nodaemon",
    "silent",
    "umask",
    "directory",
    "logfile",
    "logfile_maxbytes",
    "logfile_backups",
    "loglevel",
    "pidfile",
    "identifier",
    "childlogdir",
    "nocleanup",
    "minfds",
    "minprocs",
    "strip_ansi",
)
_PATHS = ("logfile", "pidfile")
_SYSLOG = "syslog"


def find_file() -> str:
    """Return the first file of supervisord's search path.

    Raises:
        UsageError: there is none.
    """
    places = search_path(sys.argv[0])
    found = next((one for one in places if os.path.exists(one)), None)
    if found is None:
        raise UsageError(
            f"No config file found at default paths ({', '.join(places)}); use the -c option to specify a "
            "config file at a different path"
        )
    return found


def read_settings(path: str, values: Mapping[str, Any]) -> tuple[ProjectFile, Supervisord]:
    """Read a supervisord.conf; what the command line says comes before what is in it.

    Args:
        path: of the file.
        values: of the command line, by the names of options.

    Raises:
        UsageError: it cannot be used.
    """
    if not os.path.exists(path):
        raise UsageError(f"could not find config file {path}")
    around = surroundings()
    try:
        return _read(path, values, around)
    except ConfigurationError as error:
        raise UsageError("\nError: ".join(map(str, error.problems))) from None


class Rereader:
    """Reads the file again, with what the command line says.

    Args:
        path: of the file.
        values: of the command line.
        shortened: a project to the same with the grace that there is here.
    """

    def __init__(self, path: str, values: Mapping[str, Any], shortened: Callable[[Project], Project]) -> None:
        self._path = os.path.abspath(path)
        self._values = values
        self._shortened = shortened
        self.file, self.settings = read_settings(path, values)
        self.first = self._reading(self.file)

    def __call__(self) -> Reading:
        """Read it now.

        Raises:
            UnreadableError: it cannot be used.
        """
        try:
            return self._reading(read_settings(self._path, self._values)[0])
        except UsageError as error:
            raise UnreadableError(str(error).split("\nError: ")) from None

    def _reading(self, file: ProjectFile) -> Reading:
        return reading_of(file, self._shortened(file.project))


def _read(path: str, values: Mapping[str, Any], around: Surroundings) -> tuple[ProjectFile, Supervisord]:
    reading = read_configuration(path, around)
    configuration = _overridden(reading.configuration, values, around)
    translation = translate(configuration)
    file = ProjectFile(
        path=path,
        format=Format.SUPERVISORD,
        project=_with_time(translation.project, configuration),
        warnings=(*reading.warnings, *translation.warnings),
        places={name: program.place for (name, _), program in translation.programs.items()},
        files=configuration.files,
        supervisord=configuration,
        translation=translation,
    )
    try:
        order(file.project)
    except OrderError as error:
        raise ConfigurationError((file.problem(error.service, str(error)),)) from None
    return file, configuration


def _overridden(file: Supervisord, values: Mapping[str, Any], around: Surroundings) -> Supervisord:
    """Return the configuration as the command line wants it.

    Raises:
        UsageError: it cannot be so.
    """
    wanted = {name: values[name] for name in OVERRIDES if name in values}
    for name in _PATHS:
        if name in wanted and wanted[name] != _SYSLOG:
            wanted[name] = around.normal(wanted[name])
    if "user" in values:
        name = values["user"]
        found = around.user(int(name) if name.lstrip("-").isdecimal() else name)
        if found is None:
            raise UsageError(f"Invalid user name {name}")
        wanted |= {"user": name, "uid": found[0], "gid": found[1]}
    return replace(file, **wanted)


def _with_time(project: Project, file: Supervisord) -> Project:
    """Give the stop as much time as its programs ask for, unless the file says how much there is.

    supervisord knows of no grace period: whoever has a program with a long stopwaitsecs has told the engine
    to wait for it. Without one, the ten seconds of `docker stop` are what there is.
    """
    usual = Project().grace
    if file.grace is not None or all(spec.stop_timeout <= usual for spec in project.services):
        return project
    wanted = Budget(project, order(project)).schedule().wanted
    return replace(project, grace=max(usual, wanted + parse_duration("1s")))
