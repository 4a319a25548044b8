"""`endwell plan`: how services would be started and stopped, without doing it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from endwell.cli.file_words import add_file, file_of
from endwell.cli.parser import USAGE_ERROR, fail

if TYPE_CHECKING:
    import argparse

NAME = "endwell plan"

DESCRIPTION = """\
Read a file of services and print in which order they are started, who is told
when at the stop, and whether that fits into the grace period at the worst: when
every service has to be killed. Nothing is started."""

EXAMPLES = """\
examples:
  endwell plan                      endwell.toml, supervisord.conf or Procfile
  endwell plan supervisord.conf     would a docker stop be over in time?
  endwell plan --grace 30s          and in Kubernetes, with its 30 seconds?
  endwell plan --json | jq .stop.fits

exit status: 0 it fits into the grace, 1 it does not, 2 it cannot be read"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    add_file(parser)
    parser.add_argument("--grace", metavar="TIME", help="instead of what the file says (default 10s)")
    parser.add_argument("--json", action="store_true", help="print JSON (endwell.plan/1)")


def run(options: argparse.Namespace) -> int:
    """Print the plan; returns 0 if it fits, 1 if it does not, 2 if it cannot be read."""
    from endwell.cli.services_file import open_services, order_of, say  # noqa: PLC0415
    from endwell.model.durations import parse_duration  # noqa: PLC0415
    from endwell.parse.problems import ConfigurationError  # noqa: PLC0415
    from endwell.records import replace  # noqa: PLC0415  --help needs none of it
    from endwell.render.plan import Plan, plan_json, plan_text  # noqa: PLC0415

    try:
        file = open_services(file_of(options))
        say(NAME, file.warnings, "warning: ")
        project = file.project
        if options.grace is not None:
            project = replace(project, grace=parse_duration(options.grace))
        plan = Plan(project, order_of(file), file.format)
    except ConfigurationError as error:
        say(NAME, error.problems)
        return USAGE_ERROR
    except ValueError as error:
        return fail(NAME, str(error))
    sys.stdout.write(plan_json(plan, file.path) if options.json else plan_text(plan, file.path))
    return 0 if plan.schedule.fits else 1
