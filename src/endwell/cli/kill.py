"""`endwell kill`: send a signal to services of a running `endwell up`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.cli.acting import act, add_services
from endwell.cli.parser import fail

if TYPE_CHECKING:
    import argparse

NAME = "endwell kill"

DESCRIPTION = """\
Send a signal to the main process of services, by default SIGKILL. One that ends
by it has ended by itself, and its restart policy says what is done: to end it
for good, stop it. Prints the names of those that got the signal."""

EXAMPLES = """\
examples:
  endwell kill -s HUP web      let it read its configuration again
  endwell kill -s USR1 web-2   one replica
  endwell kill worker          SIGKILL: does it come back?

exit status: 0 they have got it, 1 one of them has not, 2 the words make no
sense"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument(
        "-s", "--signal", metavar="SIGNAL", default="KILL", help="HUP, SIGHUP or 1 (default KILL)"
    )
    add_services(parser, wait=False)


def run(options: argparse.Namespace) -> int:
    """Send it; returns the exit status."""
    from endwell.model.signals import Signal  # noqa: PLC0415  --help needs none of it

    try:
        number = Signal.parse(options.signal)
    except ValueError as error:
        return fail(NAME, str(error))
    return act(NAME, "kill", options, signal=number.name)
