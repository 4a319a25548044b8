"""The files of a configuration: the main one and those its [include] section names."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from endwell.model.place import Place
from endwell.parse.problems import why_unread
from endwell.parse.supervisord.expansion import expand
from endwell.parse.supervisord.ini import Ini, read_ini

if TYPE_CHECKING:
    from endwell.parse.supervisord.problems import Report
    from endwell.parse.supervisord.reading import Names
    from endwell.parse.supervisord.surroundings import Surroundings


def search_path(program: str) -> tuple[str, ...]:
    """Return where supervisord and supervisorctl look for their file, in order.

    Args:
        program: the path they were called by; the first two places are relative to it.
    """
    above = posixpath.dirname(posixpath.dirname(program))
    return (
        posixpath.join(above, "etc", "supervisord.conf"),
        posixpath.join(above, "supervisord.conf"),
        "supervisord.conf",
        "etc/supervisord.conf",
        "/etc/supervisord.conf",
        "/etc/supervisor/supervisord.conf",
    )


def load(
    path: str, surroundings: Surroundings, report: Report, *, follow: bool = True
) -> tuple[Ini, tuple[str, ...]]:
    """Read a file and what it includes; what an included file includes is not read.

    Args:
        path: of the main file.
        surroundings: where it is read.
        report: gets what is wrong or odd.
        follow: whether its includes are read too.

    Returns:
        The options of all, and the files that were read, the main one first.

    Raises:
        ConfigurationError: a file cannot be read, or has a line that cannot be.
    """
    ini = Ini()
    try:
        read_ini(surroundings.read(path), path, ini, report)
    except (OSError, UnicodeError) as error:
        why = why_unread(error, "name one that is there with -c")
        report.error(Place(path, 1), f"cannot read the file: {why}")
    report.settle()
    files = [path]
    if follow and "include" in ini.sections:
        here = posixpath.dirname(surroundings.absolute(path))
        ini.fix_here(here)
        for file in _included(ini, here, surroundings, report):
            if _add(file, ini, surroundings, report):
                files.append(file)
            ini.fix_here(posixpath.dirname(surroundings.absolute(file)))
    report.settle()
    return ini, tuple(files)


def _included(ini: Ini, here: str, surroundings: Surroundings, report: Report) -> list[str]:
    option = ini.option("include", "files")
    if option is None:
        place = ini.sections["include"].place
        report.error(place, "[include] has no files: write for example files = /etc/supervisor/conf.d/*.conf")
        return []
    names: Names = {"here": here, "host_node_name": surroundings.node}
    names |= {f"ENV_{name}": value for name, value in surroundings.environment.items()}
    try:
        patterns = expand(option.value, names).split()
    except ValueError as error:
        report.error(option.place, f"[include] files={option.value!r} {error}")
        return []
    files: list[str] = []
    for pattern in (posixpath.join(here, one) for one in patterns):
        found = sorted(surroundings.glob(pattern))
        if not found:
            report.warn(option.place, f"[include] files: nothing matches {pattern}; correct it or remove it")
        files += found
    return files


def _add(file: str, ini: Ini, surroundings: Surroundings, report: Report) -> bool:
    try:
        text = surroundings.read(file)
    except OSError as error:
        # supervisord passes over such a file without a word.
        why = why_unread(error, "correct its mode")
        report.warn(Place(file, 1), f"the included file is left out: {why}")
        return False
    except UnicodeError as error:
        report.error(Place(file, 1), f"cannot read the included file: {error}; save it as UTF-8")
        return False
    read_ini(text, file, ini, report)
    return True
