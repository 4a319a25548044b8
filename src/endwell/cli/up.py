"""`endwell up`: several services in one container, started in order and ended well."""

from __future__ import annotations

import gc
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from endwell.cli.file_words import add_file, file_of
from endwell.cli.saying import USAGE_ERROR, fail

if TYPE_CHECKING:
    import argparse

    from endwell.model.project import Project

NAME = "endwell up"

DESCRIPTION = """\
Start the services of a file, restart those that ask for it, pass on what they
write, and stay in the foreground until told to stop: the command of a container
that runs several programs. The stop is one for all, in reverse order, and over
within the grace period, so that `docker stop` has nothing left to kill.

FILE is an endwell.toml, a supervisord.conf as it is, or a Procfile. Without one
the first of these is taken: endwell.toml, supervisord.conf,
etc/supervisord.conf, Procfile, /etc/endwell.toml, /etc/supervisord.conf and
/etc/supervisor/supervisord.conf."""

EXAMPLES = """\
examples:
  CMD ["endwell", "up"]
      in a Dockerfile, with an endwell.toml in its WORKDIR

  endwell up supervisord.conf --grace 30s
      in Kubernetes, whose grace period is 30 seconds

  endwell up --exit-code-from tests
      stop all when that service has ended, and exit as it did, as compose does

  endwell up --check
      in CI, in the image: is the file right, and is all there that it needs?

  endwell up --report /dev/stderr
      tell as JSON who was told when, who ended how, who had to be killed

while it runs: `endwell ps`, `logs`, `stop`, `restart`, `exec`, ... do for
services what docker's do for containers; `endwell plan` shows how a stop goes

signals:
  TERM INT QUIT  stop everything within the grace. Each further one takes the
                 next step at once: all are told, then who is left is killed
  HUP            apply the changed file, as `endwell reload` does; of a
                 supervisord.conf everything is stopped and started anew
  USR2           open the log files anew

exit status:
  0    all services have ended by themselves
  124  somebody had to be killed
  2    nothing was started: the file or the words cannot be used
  else that of the service that `exit-when` or --exit-code-from is about"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    add_file(parser)
    parser.add_argument(
        "--grace",
        metavar="TIME",
        help="how long a stop may take, as 30s or 1m30s: what docker stop --time and "
        "terminationGracePeriodSeconds say (default: the file's, or 10s)",
    )
    parser.add_argument(
        "--socket",
        metavar="PATH",
        default="",
        help="where `endwell ps` and the like connect; `none`: nowhere (default: they find it by themselves)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="start nothing: say what is wrong with the file, and which of its programs, users and "
        "directories are not on this machine",
    )
    parser.add_argument(
        "--report", metavar="FILE", default="", help="write into FILE, as JSON, how the stop went"
    )
    parser.add_argument(
        "--exit-code-from",
        metavar="SERVICE",
        default="",
        help="stop all when SERVICE has ended, and exit as it did",
    )
    parser.add_argument(
        "--init",
        action="store_true",
        default=None,
        help="run under endwell-init, so that services end well even if the supervisor is killed "
        "(default: when it is PID 1)",
    )
    parser.add_argument(
        "--no-init", dest="init", action="store_false", default=None, help="do not, not even as PID 1"
    )


def run(options: argparse.Namespace) -> int:
    """Run the services; returns the exit status of the container."""
    from endwell.system.held import hold  # noqa: PLC0415  the other commands need none of it

    if not options.check:
        hold()
    # What is read is no garbage, and to look for some takes a third of the time until all have started.
    gc.disable()
    try:
        return _run(options)
    finally:
        gc.enable()


def _run(options: argparse.Namespace) -> int:
    from endwell.cli.opening import doubts, opening  # noqa: PLC0415  --help needs none of it
    from endwell.cli.rereading import Rereader  # noqa: PLC0415  likewise
    from endwell.cli.services_file import open_services, order_of, say  # noqa: PLC0415  likewise
    from endwell.cli.under_init import become_init, is_wanted, place  # noqa: PLC0415  likewise
    from endwell.parse.problems import ConfigurationError  # noqa: PLC0415

    as_init = is_wanted(options.init) and not options.check
    here = place(options.report)
    try:
        name = file_of(options)
        file = open_services(name)
        order = order_of(file)
        odd = partial(doubts, grace=options.grace, named=name is not None)
        read = Rereader(file, partial(_wanted, options=options), here.shortened, odd)
        if as_init:
            become_init(read.first.project.grace, NAME)
        say(NAME, file.warnings, "warning: ")
    except ConfigurationError as error:
        say(NAME, error.problems)
        return USAGE_ERROR
    except ValueError as error:
        return fail(NAME, str(error))
    wanted = _wanted(file.project, options)
    lines = opening(file, wanted, order, options.grace, named=name is not None)
    if options.check:
        from endwell.cli.whereabouts import missing  # noqa: PLC0415  for this only

        say(NAME, missing(file, os.environ), "warning: ")
        sys.stderr.writelines(f"{NAME}: {line}\n" for line in lines)
        return 0
    from endwell.supervise.manner import Plain  # noqa: PLC0415  --check needs none of it
    from endwell.supervise.session import Wishes, run as run_project  # noqa: PLC0415

    sys.stdout.flush()
    wishes = Wishes(
        report=options.report,
        exit_code_from=options.exit_code_from,
        read=read,
        last_plan=here.last_plan,
        identifier=file.supervisord.identifier if file.supervisord else "supervisor",
        socket=options.socket,
    )
    return run_project(read.first.project, wishes, Plain(tuple(lines)))


def _wanted(project: Project, options: argparse.Namespace) -> Project:
    """Return the project as the command line wants it.

    Raises:
        ValueError: it cannot be so.
    """
    from endwell.model.durations import parse_duration  # noqa: PLC0415
    from endwell.model.project import ExitWhen, When  # noqa: PLC0415
    from endwell.records import replace  # noqa: PLC0415  --help needs none of it

    if options.grace is not None:
        project = replace(project, grace=parse_duration(options.grace))
    wanted = options.exit_code_from
    if wanted:
        names = sorted({spec.name for spec in project.services})
        if wanted not in names:
            raise ValueError(
                f"--exit-code-from names {wanted!r}, which is no service: there are {', '.join(names)}"
            )
        project = replace(project, exit_when=ExitWhen(When.SERVICE_EXITS, wanted))
    return project
