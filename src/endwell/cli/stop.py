"""`endwell stop`: stop services of a running `endwell up`, each in its own way and time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.cli.acting import act, add_services

if TYPE_CHECKING:
    import argparse

DESCRIPTION = """\
Stop services: drain, before-stop hooks, stop signal, and SIGKILL for those who
are still there after their stop timeout. They stay stopped until they are
started again; the others go on. One that does not run is no error. Prints the
names of those that have stopped, and to stderr who had to be killed."""

EXAMPLES = """\
examples:
  endwell stop web             web, all its replicas
  endwell stop web-2 worker    one replica of it, and another service
  endwell stop all             all services; the supervisor goes on
  endwell stop --no-wait web   do not wait for its end

To end the container, stop the container: docker stop.

exit status: 0 they have stopped, 1 one of them has not, 2 the words make no
sense"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    add_services(parser)


def run(options: argparse.Namespace) -> int:
    """Stop them; returns the exit status."""
    return act("endwell stop", "stop", options, {"not-running"}, wait=not options.no_wait)
