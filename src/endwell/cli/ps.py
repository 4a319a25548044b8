"""`endwell ps`: the services of a running `endwell up`, and what each of them does."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from endwell.cli.conversation import (
    WHICH,
    configure as configure_conversation,
    converse,
    put,
    put_json,
    width,
)
from endwell.cli.parser import has_color

if TYPE_CHECKING:
    import argparse

    from endwell.system.conversation import Conversation

NAME = "endwell ps"

DESCRIPTION = """\
List the services, each replica in a line: whether it runs, since when, and if
not, why. Those that do not run are listed too: unlike docker's containers they
are all in the file, and one that is not there is what one looks for."""

EXAMPLES = """\
examples:
  endwell ps                   all of them
  endwell ps web worker        all replicas of these
  docker exec app endwell ps   from outside
  endwell ps --json | jq '.services[] | select(.state == "FATAL")'

exit status: 0, 1 there is no supervisor or no such service, 2 the words make no
sense"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("services", metavar="SERVICE", nargs="*", help=WHICH)
    parser.add_argument("-a", "--all", action="store_true", help="those too that do not run, as without it")
    parser.add_argument("-q", "--quiet", action="store_true", help="print names only")
    parser.add_argument("--no-trunc", action="store_true", help="cut nothing")
    configure_conversation(parser)


def run(options: argparse.Namespace) -> int:
    """Print the list; returns the exit status."""
    return converse(NAME, options, lambda conversation: _ps(conversation, options))


def _ps(conversation: Conversation, options: argparse.Namespace) -> int:
    answer = conversation.ask("ps", {"services": options.services})
    rows = answer["services"]
    if options.json:
        put_json({"schema": "endwell.ps/1", **answer})
    elif options.quiet:
        put("".join(f"{row['label']}\n" for row in rows))
    else:
        from endwell.render.services_ps import ps_text  # noqa: PLC0415  --json and -q need none of it

        color = has_color(sys.stdout)
        put(ps_text(rows, time.time(), width=width(), color=color, whole=options.no_trunc))
    return 0
