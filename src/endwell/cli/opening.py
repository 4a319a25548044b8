"""What `endwell up` says before it starts anything: which file it has, and whether its stop fits."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING

from endwell.machine.budget import Budget
from endwell.model.durations import format_duration
from endwell.model.project import Project
from endwell.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.machine.budget import Schedule
    from endwell.machine.order import Order
    from endwell.parse.project import ProjectFile


def opening(
    file: ProjectFile, project: Project, order: Order, grace: str | None, *, named: bool
) -> Iterator[str]:
    """Yield which file it is and what it has, and then what is odd about that, a line for each thing.

    Args:
        file: as it was read.
        project: as the command line wants it, with all of the grace that was written.
        order: of its services.
        grace: what the command line says about that; None: nothing.
        named: whether somebody has named the file; else it was found.
    """
    yield _what(file, project, named=named)
    if not project.services:
        yield "warning: " + _nothing(file.path, named=named)
    for line in doubts(file, project, order, grace, named=named):
        yield f"warning: {line}"


def doubts(
    file: ProjectFile, project: Project, order: Order, grace: str | None, *, named: bool
) -> Iterator[str]:
    """Yield what is to be told about the stop, at the start and whenever the file was read again.

    The arguments are those of `opening`.
    """
    if (schedule := too_long(file, project, order)) is not None:
        words = ["endwell", "plan", *([file.path] if named else []), *(["--grace", grace] if grace else [])]
        yield does_not_fit(schedule, shlex.join(words))


def too_long(file: ProjectFile, project: Project, order: Order) -> Schedule | None:
    """Return the stop if it does not fit into the grace, and somebody has asked for what does not.

    Ten seconds are what everybody has who has said nothing. With them hardly any chain of two fits, and
    whoever has asked for nothing is content with what is left.
    """
    schedule = Budget(project, order).schedule()
    if schedule.fits:
        return None
    from endwell.parse.services.policies import usual_stop_timeout  # noqa: PLC0415  most stops fit

    usual = {Project().grace, usual_stop_timeout(file.project.grace)}
    asked = tuple(
        replace(spec, stop_timeout=0.0) if spec.stop_timeout in usual else spec for spec in project.services
    )
    return None if Budget(replace(project, services=asked), order).schedule().fits else schedule


def does_not_fit(schedule: Schedule, command: str) -> str:
    """Return by how much a stop is too long, and which command shows more.

    Args:
        schedule: of the stop.
        command: that prints it.
    """
    wanted, missing, grace = (
        format_duration(round(seconds, 1))
        for seconds in (schedule.wanted, schedule.wanted - schedule.budget, schedule.grace)
    )
    return (
        f"the stop does not fit: at the worst it takes {wanted}, {missing} more than the grace of {grace} "
        f"leaves; `{command}` shows who is cut short, and what to change"
    )


def _what(file: ProjectFile, project: Project, *, named: bool) -> str:
    services, processes = len({spec.name for spec in project.services}), len(project.services)
    count = f"{services} service{'' if services == 1 else 's'}"
    if processes != services:
        count += f", {processes} processes,"
    path = file.path if named or file.path.startswith("/") else f"./{file.path}"
    grace = (
        "no limit to the grace" if math.isinf(project.given) else f"grace {format_duration(project.given)}"
    )
    return f"{count} from {path}, {grace}"


def _nothing(path: str, *, named: bool) -> str:
    if named:
        return f"{path} has no service, so nothing will run: write some, then `endwell reload`"
    return (
        f"{path} was found where files of services usually are, and has no service, so nothing will run: "
        "name your own, `endwell up FILE`"
    )
