"""`endwell exec`: run a command beside the processes of a service of a running `endwell up`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from endwell.cli.conversation import complain, configure as configure_conversation, converse
from endwell.cli.parser import fail

if TYPE_CHECKING:
    from endwell.system.conversation import Conversation

NAME = "endwell exec"

DESCRIPTION = """\
Run a command as a service runs: with its user, its environment and its working
directory. Signals that come here are passed on to it, and when this ends it is
told SIGHUP. When the container is stopped, it is told at once."""

EXAMPLES = """\
examples:
  endwell exec web env               what does web see?
  endwell exec -it web bash          a shell with a terminal
  endwell exec -i db psql < dump.sql
  docker exec -it app endwell exec -it -u root web bash
      from outside, as root

exit status: the command's own; 126 it cannot be executed, 127 it is not there,
1 there is no supervisor or no such service, 2 the words make no sense"""

_OF_KINDS = {"no-file": 127, "not-executable": 126, "spawn-error": 126}


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.usage = "endwell exec [options] SERVICE CMD [ARG ...]"
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("service", metavar="SERVICE", help="a service, or one replica of it (web-2)")
    parser.add_argument("command", metavar="CMD", nargs=argparse.REMAINDER, help="what is run")
    parser.add_argument("-i", "--interactive", action="store_true", help="give it our standard input")
    parser.add_argument("-t", "--tty", action="store_true", help="give it a terminal")
    parser.add_argument("-u", "--user", metavar="USER[:GROUP]", help="not the service's")
    parser.add_argument("-w", "--workdir", metavar="DIRECTORY", help="not the service's")
    parser.add_argument(
        "-e",
        "--env",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="set a variable; without a value: as it is here. May be given again",
    )
    configure_conversation(parser, json=False)


def run(options: argparse.Namespace) -> int:
    """Run it; returns its exit status."""
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        return fail(NAME, "name a command, such as `endwell exec -it web sh`")
    if options.tty and options.interactive and not os.isatty(0):
        return fail(NAME, "cannot give it a terminal: standard input is none; leave -t out")
    try:
        environment = dict(_variables(options.env, terminal=options.tty))
    except ValueError as error:
        return fail(NAME, str(error))
    arguments = {
        "service": options.service,
        "command": command,
        "user": options.user,
        "directory": options.workdir,
        "environment": environment or None,
    }
    _open_what_is_closed()
    return converse(NAME, options, lambda conversation: _execute(conversation, options, arguments))


def _execute(conversation: Conversation, options: argparse.Namespace, arguments: dict[str, Any]) -> int:
    from endwell.cli.executing import Execution, HungUpError  # noqa: PLC0415  --help needs none of it
    from endwell.system.conversation import RefusedError  # noqa: PLC0415

    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        return Execution(conversation, arguments, interactive=options.interactive, tty=options.tty).run()
    except RefusedError as error:
        failed = complain(NAME, str(error), *error.problems)
        return _OF_KINDS.get(error.kind, failed)
    except HungUpError:
        return 128 + signal.SIGHUP


def _open_what_is_closed() -> None:
    """Have something at each of the three places, before a socket takes one of them and is handed over."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free


def _variables(words: list[str], *, terminal: bool) -> list[tuple[str, str]]:
    """Return the variables that are set: a program on a terminal has to know which one is in front of it."""
    found: list[tuple[str, str]] = []
    if terminal:
        found.append(("TERM", os.environ.get("TERM") or "xterm"))
    for word in words:
        name, equals, value = word.partition("=")
        if not name:
            raise ValueError(f"{word!r} sets no variable: use NAME=VALUE")
        if equals:
            found.append((name, value))
        elif name in os.environ:
            found.append((name, os.environ[name]))
    return found
