"""`endwell up`: several services in one container, started in order and ended well."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from endwell.cli.parser import USAGE_ERROR, fail

if TYPE_CHECKING:
    import argparse

    from endwell.model.project import Project

NAME = "endwell up"

DESCRIPTION = """\
Run the services of a file, one container's, until they are told to stop: in the
order they need, restarted as they ask for, and ended within one grace period. The
file is an endwell.toml, a supervisord.conf as it is, or a Procfile."""

EXAMPLES = """\
examples:
  CMD ["endwell", "up"]
      in a Dockerfile: endwell.toml, supervisord.conf or Procfile, where they
      usually are

  endwell up -c supervisord.conf --grace 30s
      in Kubernetes, whose grace period is 30 seconds

  endwell up --exit-code-from tests
      stop when that service has ended, and exit as it did

  endwell up --check
      read the file, say what is wrong with it, and start nothing

  endwell up --report /dev/stderr
      tell as JSON who was told when, who ended how, who had to be killed

signals: TERM, INT and QUIT stop everything within the grace; each further one
takes the next step at once: while some are not yet told, all are told; then those
who are left are killed. USR2 opens the log files anew

exit status: 0 all have ended by themselves; 124 somebody had to be killed; 2 the
file cannot be used; else that of the service that `exit-when` or
--exit-code-from is about"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("-c", "--file", metavar="FILE", help="the file of services (default: the nearest)")
    parser.add_argument("--grace", metavar="TIME", help="from the stop signal to the end (default 10s)")
    parser.add_argument("--check", action="store_true", help="read the file only")
    parser.add_argument("--report", metavar="FILE", default="", help="write the account of the stop as JSON")
    parser.add_argument(
        "--exit-code-from", metavar="SERVICE", default="", help="stop when it ends, and exit as it did"
    )


def run(options: argparse.Namespace) -> int:
    """Run the services; returns the exit status of the container."""
    from endwell.cli.services_file import open_services, order_of, say  # noqa: PLC0415  --help needs none
    from endwell.parse.problems import ConfigurationError  # noqa: PLC0415

    try:
        file = open_services(options.file)
        say(NAME, file.warnings, "warning: ")
        order_of(file)
        project = _wanted(file.project, options)
    except ConfigurationError as error:
        say(NAME, error.problems)
        return USAGE_ERROR
    except ValueError as error:
        return fail(NAME, str(error))
    if options.check:
        return 0
    from endwell.supervise.session import Wishes, run as run_project  # noqa: PLC0415

    sys.stdout.flush()
    return run_project(project, Wishes(report=options.report, exit_code_from=options.exit_code_from))


def _wanted(project: Project, options: argparse.Namespace) -> Project:
    """Return the project as the command line wants it.

    Raises:
        ValueError: it cannot be so.
    """
    from dataclasses import replace  # noqa: PLC0415  --help needs none of it

    from endwell.model.durations import parse_duration  # noqa: PLC0415
    from endwell.model.project import ExitWhen, When  # noqa: PLC0415

    if options.grace is not None:
        project = replace(project, grace=parse_duration(options.grace))
    wanted = options.exit_code_from
    if wanted:
        names = sorted({spec.name for spec in project.services})
        if wanted not in names:
            raise ValueError(f"--exit-code-from names {wanted!r}, which is no service: there are {names}")
        project = replace(project, exit_when=ExitWhen(When.SERVICE_EXITS, wanted))
    return project
