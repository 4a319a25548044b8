"""`endwell start`: start services of a running `endwell up`, and those they wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.cli.acting import act, add_services

if TYPE_CHECKING:
    import argparse

DESCRIPTION = """\
Start services that do not run, and those they wait for. It is done when they
count as started: when they are ready, if they can say so. One that runs already
is no error. Prints the names of those that run."""

EXAMPLES = """\
examples:
  endwell start web            web, all its replicas, and what it waits for
  endwell start web-2          one replica
  endwell start all            whatever does not run
  endwell start --no-wait web  do not wait until it is ready

exit status: 0 they run, 1 one of them does not, 2 the words make no sense"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    add_services(parser)


def run(options: argparse.Namespace) -> int:
    """Start them; returns the exit status."""
    return act("endwell start", "start", options, {"already-started"}, wait=not options.no_wait)
