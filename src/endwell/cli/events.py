"""`endwell events`: what happens to the services of a running `endwell up`, as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.cli.conversation import configure as configure_conversation, converse, heard, put, put_json_lines

if TYPE_CHECKING:
    import argparse

    from endwell.system.conversation import Conversation

NAME = "endwell events"

DESCRIPTION = """\
Print what happens to services, one line for each change, from now on until
Ctrl-C or the end of the supervisor: started, ready, unhealthy, ended, tried
again, given up, stopped. The states are those of supervisord."""

EXAMPLES = """\
examples:
  endwell events                                     watch
  endwell events --json | jq 'select(.to == "FATAL")'
      one JSON object for each, as it happens

exit status: 0 the supervisor has ended, 130 Ctrl-C, 1 there is no supervisor"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    configure_conversation(parser)


def run(options: argparse.Namespace) -> int:
    """Print them; returns the exit status."""
    return converse(NAME, options, lambda conversation: _events(conversation, options))


def _events(conversation: Conversation, options: argparse.Namespace) -> int:
    from endwell.render.clean import clean  # noqa: PLC0415  --help needs none of it
    from endwell.render.services_lines import event_line  # noqa: PLC0415
    from endwell.system.conversation import OverError  # noqa: PLC0415

    try:
        for batch in conversation.follow("events"):
            if options.json:
                put_json_lines(batch)
            else:
                put("".join(f"{clean(event_line(event))}\n" for event in heard(NAME, batch)))
    except OverError:
        pass  # there will be no more of them
    return 0
