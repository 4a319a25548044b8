"""`endwell restart`: restart services of a running `endwell up`, replicas one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.cli.acting import act, add_services

if TYPE_CHECKING:
    import argparse

DESCRIPTION = """\
Restart services. Replicas of a service are restarted one by one: the next one
is stopped when the one before is ready again, and if it does not come back the
rest is left alone. One that does not run is started. Prints the names of those
that run again, and to stderr who had to be killed for it."""

EXAMPLES = """\
examples:
  endwell restart web            without a moment in which no replica serves
  endwell restart web-2          one replica
  endwell restart --no-wait web  do not wait until it is done

A changed file is applied by `endwell reload`, which restarts what has changed.

exit status: 0 they run again, 1 one of them does not, 2 the words make no sense"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    add_services(parser)


def run(options: argparse.Namespace) -> int:
    """Restart them; returns the exit status."""
    return act("endwell restart", "restart", options, wait=not options.no_wait)
