"""What `endwell start`, `stop`, `restart` and `kill` share: a line for each service, as docker prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from endwell.cli.conversation import FAILED, INTERRUPTED, WHICH, complain, configure, converse, put, put_json

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection

    from endwell.system.conversation import Conversation


def add_services(parser: argparse.ArgumentParser, *, wait: bool = True) -> None:
    """Add the words that all four have."""
    parser.add_argument("services", metavar="SERVICE", nargs="+", help=WHICH)
    if wait:
        parser.add_argument("--no-wait", action="store_true", help="only ask for it")
    configure(parser)


def act(
    name: str, do: str, options: argparse.Namespace, done_already: Collection[str] = (), **arguments: object
) -> int:
    """Do something to services and say to which it was done; returns 1 if it could not be done to all.

    Args:
        name: of the command, for messages.
        do: the request.
        options: of the command line.
        done_already: kinds of errors that mean that there is nothing to do; docker counts that as done.
        arguments: of the request.
    """

    def work(conversation: Conversation) -> int:
        answer = conversation.ask(do, {"services": options.services, **arguments})
        results: list[dict[str, Any]] = answer["results"]
        failed = [one for one in results if not one["ok"] and one["kind"] not in done_already]
        if options.json:
            put_json({"schema": f"endwell.{do}/1", "results": results})
        else:
            put("".join(f"{one['label']}\n" for one in results if one not in failed))
        for one in results:
            if one["ok"] and one["message"]:  # it is done, but not as it should be
                complain(name, f"{one['label']} {one['message']}")
        for one in failed:
            complain(name, f"{one['label']}: {one['message'] or one['kind']}")
        return FAILED if failed else 0

    try:
        return converse(name, options, work)
    except KeyboardInterrupt:
        put(f"{name}: interrupted: what was asked for goes on\n", error=True)
        return INTERRUPTED
