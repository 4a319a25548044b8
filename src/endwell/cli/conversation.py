"""What the commands share that talk to a running `endwell up`: words, output, and what can go wrong."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from endwell.model.control import NO_SOCKET, VARIABLE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from endwell.system.conversation import Conversation, NobodyError

FAILED = 1
INTERRUPTED = 128 + 2
WHICH = "a service, one replica of it (web-2), GROUP:PROGRAM, GROUP:*, or all"


def configure(parser: argparse.ArgumentParser, *, json: bool = True) -> None:
    """Add the options that all of them have."""
    parser.add_argument(
        "--socket",
        metavar="PATH",
        help=f"where the supervisor listens (default: ${VARIABLE}, or where `endwell up` does by itself)",
    )
    if json:
        parser.add_argument("--json", action="store_true", help="print JSON")


def converse(name: str, options: argparse.Namespace, work: Callable[[Conversation], int]) -> int:
    """Do the work of a command in a conversation with the supervisor; returns the exit status.

    Args:
        name: of the command, for messages.
        options: with `socket`.
        work: returns the exit status.
    """
    from endwell.model.control import ControlError  # noqa: PLC0415  --help needs none of it
    from endwell.system.conversation import (  # noqa: PLC0415
        NobodyError,
        OverError,
        RefusedError,
        connect,
    )

    place = options.socket or os.environ.get(VARIABLE) or None
    if place == NO_SOCKET:
        return complain(name, f"cannot reach a supervisor at {place!r}: name the path of its socket")
    try:
        with connect(place) as conversation:
            return work(conversation)
    except NobodyError as error:
        return complain(name, _nobody(error, named=place is not None))
    except RefusedError as error:
        return complain(name, str(error), *error.problems)
    except OverError:
        return complain(name, "the supervisor has ended, or closed the connection, before it answered")
    except ControlError as error:
        return complain(name, f"what answers there is no supervisor: {error}; name another --socket")


def complain(name: str, *lines: str) -> int:
    """Say on stderr what cannot be done; returns the exit status for it."""
    from endwell.render.clean import clean  # noqa: PLC0415  for mistakes only

    put("".join(f"{name}: {clean(line)}\n" for line in lines), error=True)
    return FAILED


def put(text: str, *, error: bool = False) -> None:
    """Write text to stdout, or to stderr, and pass it on at once.

    Bytes of services that are no text come out as they were; the locale has no say in it.
    """
    stream = sys.stderr if error else sys.stdout
    if stream is None:  # whoever has started us has closed it
        return
    stream.buffer.write(text.encode(errors="surrogateescape"))
    stream.flush()


def put_json(value: Any) -> None:  # noqa: ANN401  whatever JSON can hold
    """Print a document."""
    put(json.dumps(value, indent=2) + "\n")


def put_json_lines(values: list[dict[str, Any]]) -> None:
    """Print objects, one a line."""
    put("".join(json.dumps(value) + "\n" for value in values))


def heard(name: str, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what has come but for the note that something is missing, which is told here."""
    lost = sum(one["lost"] for one in batch if "lost" in one)
    if lost:
        complain(name, f"{lost} lines are left out: they came faster than they were read")
    return [one for one in batch if "lost" not in one]


def width() -> int | None:
    """Return how wide the terminal is that stdout is; None if it is none."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError, AttributeError):  # closed, or a stream without a descriptor
        return None


def _nobody(error: NobodyError, *, named: bool) -> str:
    from endwell.system.conversation import elsewhere  # noqa: PLC0415  --help needs none of it

    if named:
        place, why = error.tried[0]
        why = why or "there is nothing"
        return f"cannot reach a supervisor at {place}: {why}; start one with `endwell up --socket {place}`"
    places = [f"{one.place} ({one.why})" if one.why else one.place for one in error.tried]
    tried = " and ".join(filter(None, (", ".join(places[:-1]), places[-1])))
    there = [place for place in elsewhere() if place not in {one.place for one in error.tried}]
    step = f"name with --socket the one at {' or '.join(there)}" if there else "start one with `endwell up`"
    return f"cannot reach a supervisor: tried {tried}; {step}"
