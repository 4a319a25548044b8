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
Show what `endwell up` would do with a file, without starting anything: who is
started after whom, who is told to stop when, and whether all of it is over
within the grace period even at the worst, when every service has to be killed.
If it is not, the last lines say what to change.

Without FILE it is looked for where `endwell up` looks."""

EXAMPLES = """\
examples:
  endwell plan                      the file that `endwell up` would take
  endwell plan supervisord.conf     would docker stop be over in its 10 seconds?
  endwell plan --grace 30s          and in Kubernetes, with its 30?
  endwell plan --json | jq .stop.fits

exit status:
  0  the stop fits into the grace
  1  it does not
  2  the file or the words cannot be used"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    add_file(parser)
    parser.add_argument(
        "--grace",
        metavar="TIME",
        help="how long a stop may take, as 30s or 1m30s (default: the file's, or 10s)",
    )
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
