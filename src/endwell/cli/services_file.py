"""The file of services that a command line means: found, read and brought into its order."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from endwell.cli.surroundings import surroundings
from endwell.machine.order import Order, OrderError, order
from endwell.parse.problems import ConfigurationError
from endwell.parse.project import SEARCH_PATH, ProjectFile, find_project, read_project

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endwell.parse.problems import Problem


def open_services(path: str | None) -> ProjectFile:
    """Read the file that is named, or the nearest one.

    Args:
        path: of the file; None: it is looked for.

    Raises:
        ConfigurationError: it cannot be used; a line for each thing, with file and line.
        ValueError: there is none.
    """
    found = find_project(os.path.isfile) if path is None else path
    if found is None:
        raise ValueError(f"there is no file of services: name one; looked for {', '.join(SEARCH_PATH)}")
    return read_project(found, surroundings())


def order_of(file: ProjectFile) -> Order:
    """Return the order of its services.

    Raises:
        ConfigurationError: there is none; says why, with file and line.
    """
    try:
        return order(file.project)
    except OrderError as error:
        raise ConfigurationError((file.problem(error.service, str(error)),)) from None


def say(program: str, problems: Iterable[Problem], kind: str = "") -> None:
    """Print problems on stderr, one in a line.

    Args:
        program: who says it.
        problems: what there is to say.
        kind: put before each of them, as `warning: `.
    """
    for one in problems:
        print(f"{program}: {kind}{one}", file=sys.stderr)
