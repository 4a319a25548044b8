"""`endwell logs`: what the services of a running `endwell up` have written, and go on writing."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from endwell.cli.conversation import (
    WHICH,
    configure as configure_conversation,
    converse,
    heard,
    put,
    put_json_lines,
)
from endwell.cli.parser import fail, has_color

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from endwell.system.conversation import Conversation

NAME = "endwell logs"

DESCRIPTION = """\
Print what services have written: those with log files from their files, rotated
ones included, the others from what the supervisor has kept of them. Lines of
several services, or replicas, have a name in front as with docker compose;
those of a single one come as they were written, and to stderr what it wrote
there."""

EXAMPLES = """\
examples:
  endwell logs                      all services
  endwell logs -f --tail 20 web     the last 20 lines of each replica of web,
                                    and what follows
  endwell logs --since 10m -t web-2
  endwell logs --json | jq -r 'select(.stream == "stderr").text'

exit status: 0, 130 Ctrl-C, 1 there is no supervisor or no such service, 2 the
words make no sense"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("services", metavar="SERVICE", nargs="*", help=WHICH)
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is being written")
    parser.add_argument(
        "-n",
        "--tail",
        metavar="NUMBER",
        default="all",
        help="this many lines of each at the most (default all)",
    )
    parser.add_argument("--since", metavar="TIME", help="an instant, or how long ago as in 10m")
    parser.add_argument("-t", "--timestamps", action="store_true", help="say when each line was written")
    parser.add_argument("--no-log-prefix", action="store_true", help="no names in front")
    configure_conversation(parser)


def run(options: argparse.Namespace) -> int:
    """Print them; returns the exit status."""
    from endwell.cli.instants import parse_instant  # noqa: PLC0415  --help needs none of it

    try:
        wanted = {
            "services": options.services,
            "tail": _number(options.tail),
            "since": None if options.since is None else parse_instant(options.since, time.time()),
            "follow": options.follow,
        }
    except ValueError as error:
        return fail(NAME, str(error))
    return converse(NAME, options, lambda conversation: _logs(conversation, options, wanted))


def printer(
    name: str, labels: list[str], *, times: bool, names: bool = True, as_json: bool = False
) -> Callable[[list[dict[str, Any]]], None]:
    """Return what prints the lines of these replicas.

    Args:
        name: of the command, for messages.
        labels: of the replicas.
        times: whether each line says when it was written.
        names: whether lines of several replicas say who has written them.
        as_json: whether they are printed as JSON.
    """
    from endwell.render.services_lines import Prefixes, log_line  # noqa: PLC0415  --help needs none of it

    if as_json:
        return put_json_lines
    named = names and len(labels) > 1
    prefixes = Prefixes(labels, color=has_color(sys.stdout))

    def show(batch: list[dict[str, Any]]) -> None:
        lines: list[str] = []
        stderr = False
        for said in heard(name, batch):
            to_stderr = said["stream"] == "stderr" and len(labels) == 1
            if to_stderr != stderr:
                _flush(lines, stderr=stderr)
                stderr = to_stderr
            prefix = prefixes.of(said["label"]) if named else ""
            lines.append(log_line(said, prefix=prefix, times=times))
        _flush(lines, stderr=stderr)

    return show


def _logs(conversation: Conversation, options: argparse.Namespace, wanted: dict[str, Any]) -> int:
    from endwell.system.conversation import OverError  # noqa: PLC0415  --help needs none of it

    rows = conversation.ask("ps", {"services": options.services})["services"]
    labels = [row["label"] for row in rows]
    show = printer(
        NAME, labels, times=options.timestamps, names=not options.no_log_prefix, as_json=options.json
    )
    try:
        for batch in conversation.follow("logs", wanted):
            show(batch)
    except OverError:
        if not options.follow:
            raise
    return 0


def _flush(lines: list[str], *, stderr: bool) -> None:
    if lines:
        put("".join(f"{line}\n" for line in lines), error=stderr)
        lines.clear()


def _number(text: str) -> int | None:
    if text == "all":
        return None
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a number of lines: use for example 20, or all")
    return int(text)
