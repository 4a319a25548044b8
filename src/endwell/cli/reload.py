"""`endwell reload`: apply a changed file to a running `endwell up`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.cli.conversation import complain, configure as configure_conversation, converse, put, put_json

if TYPE_CHECKING:
    import argparse

    from endwell.system.conversation import Conversation

NAME = "endwell reload"

# Adjusted are those of which there are more or fewer now; the others of them were not touched.
_CHANGES = ("added", "changed", "adjusted", "removed")

DESCRIPTION = """\
Read the file again that `endwell up` was started with, and apply what has
changed: services that are new are started, those that have changed are
restarted, those that are gone are stopped. Those that have not changed are not
touched. When anything is wrong with the file, nothing is changed at all."""

EXAMPLES = """\
examples:
  endwell reload                         apply it
  endwell up --check && endwell reload   look first; a broken file does no harm
  endwell reload --json | jq .changed    which ones were restarted

exit status: 0 it is applied, 1 it is not and nothing has changed, 2 the words
make no sense"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    configure_conversation(parser)


def run(options: argparse.Namespace) -> int:
    """Apply it; returns the exit status."""
    return converse(NAME, options, lambda conversation: _reload(conversation, options))


def _reload(conversation: Conversation, options: argparse.Namespace) -> int:
    answer = conversation.ask("reload")
    if options.json:
        put_json({"schema": "endwell.reload/1", **answer})
        return 0
    if answer.get("warnings"):
        complain(NAME, *(f"warning: {one}" for one in answer["warnings"]))
    changes = [f"{what} {', '.join(answer[what])}\n" for what in _CHANGES if answer.get(what)]
    put("".join(changes) or "nothing has changed\n")
    return 0
