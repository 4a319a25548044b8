"""`endwell top`: the processes of the services of a running `endwell up`."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from endwell.cli.conversation import (
    WHICH,
    configure as configure_conversation,
    converse,
    put,
    put_json,
    put_json_lines,
    width,
)

if TYPE_CHECKING:
    import argparse

    from endwell.render.services_top import Process
    from endwell.system.conversation import Conversation

NAME = "endwell top"

DESCRIPTION = """\
List the processes of services: the main one of each replica, and below it all
that come from it, also those with a session of their own. %CPU is of the whole
life of a process; with -f, of the last second."""

EXAMPLES = """\
examples:
  endwell top               once, as docker top
  endwell top -f web        every second, as top; Ctrl-C ends it
  endwell top --json | jq '[.processes[].rss] | add'

exit status: 0, 130 Ctrl-C, 1 there is no supervisor or no such service, 2 the
words make no sense"""

_EVERY = 1.0
_HOME, _END_OF_LINE, _REST = "\x1b[H", "\x1b[K\n", "\x1b[J"


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("services", metavar="SERVICE", nargs="*", help=WHICH)
    parser.add_argument("-f", "--follow", action="store_true", help="again every second")
    configure_conversation(parser)


def run(options: argparse.Namespace) -> int:
    """Print them; returns the exit status."""
    return converse(NAME, options, lambda conversation: _top(conversation, options))


def _top(conversation: Conversation, options: argparse.Namespace) -> int:
    from endwell.render.services_top import top_text  # noqa: PLC0415  --help needs none of it

    before: tuple[list[Process], float] | None = None
    while True:
        processes: list[Process] = conversation.ask("top", {"services": options.services})["processes"]
        now = time.time()
        if options.json and options.follow:
            put_json_lines([{"time": now, "processes": processes}])
        elif options.json:
            put_json({"schema": "endwell.top/1", "processes": processes})
        else:
            wide = width()
            text = top_text(processes, now, before, width=wide)
            put(_on_screen(text) if options.follow and wide is not None else text)
        if not options.follow:
            return 0
        before = processes, now
        time.sleep(_EVERY)


def _on_screen(text: str) -> str:
    """Return it as what the whole screen shows, without flicker: written over what was there."""
    room = os.get_terminal_size(sys.stdout.fileno()).lines - 1
    lines = text.splitlines()[: room or None]
    return _HOME + "".join(line + _END_OF_LINE for line in lines) + _REST
