"""`endwell attach`: be the terminal of a service of a running `endwell up`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.cli.conversation import configure as configure_conversation, converse

if TYPE_CHECKING:
    import argparse

    from endwell.system.conversation import Conversation

NAME = "endwell attach"

DESCRIPTION = """\
Print what a service writes from now on, to where it writes it, and pass on to
it what is typed here, until its process has ended. Ctrl-C leaves it running,
unlike docker's: it is one of several services, not the container. What is typed
is passed on to a service with `stdin-open = true`."""

EXAMPLES = """\
examples:
  endwell attach web                 Ctrl-C leaves
  endwell attach --no-stdin web-2    look, and type nothing
  echo reload | endwell attach web   type one line, and see what comes of it
  endwell attach --sig-proxy web     Ctrl-C and SIGTERM go to the service

exit status: that of the service's process when it has ended; 130 Ctrl-C, 1
there is no supervisor or it does not run, 2 the words make no sense"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("service", metavar="SERVICE", help="a service, or one replica of it (web-2)")
    parser.add_argument("--no-stdin", action="store_true", help="pass on nothing that is typed")
    parser.add_argument("--sig-proxy", action="store_true", help="pass on signals, Ctrl-C too")
    configure_conversation(parser)


def run(options: argparse.Namespace) -> int:
    """Attach; returns the exit status."""
    return converse(NAME, options, lambda conversation: _attach(conversation, options))


def _attach(conversation: Conversation, options: argparse.Namespace) -> int:
    from endwell.cli.attaching import Attachment  # noqa: PLC0415  --help needs none of it

    attachment = Attachment(conversation, options.service, as_json=options.json)
    return attachment.run(stdin=not options.no_stdin, signals=options.sig_proxy)
