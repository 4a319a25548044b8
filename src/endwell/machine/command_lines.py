"""Which program had which command line.

Only /proc has it, and a program that is over at once has gone before it is read. What was read is a program's
when the process was that program from the beginning of the reading to its end. Where nothing was, the words
count that it was told to execute, for the first program of PID 1 or of a command run inside, whose words
somebody knows; the kernel's path has to agree with them. (A script then goes without its interpreter, which
the kernel would put in front.) What remains is counted.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from endwell.machine.actor import Actor


class Reading(NamedTuple):
    """A command line, read between two instants."""

    since: float
    until: float
    argv: tuple[str, ...]


class Order(NamedTuple):
    """What a process was told to execute, at an instant before it did; `host` is its number on the host."""

    at: float
    host: int
    argv: tuple[str, ...]


class CommandLines:
    """What is known of the command lines in a story; `unread` is how many programs have none, at the end."""

    def __init__(self) -> None:
        self.unread = 0
        self._readings: dict[int, list[Reading]] = defaultdict(list)

    def read(self, tid: int, one: Reading) -> None:
        """Take what /proc said of a process, by its number on the host."""
        if one.argv:
            self._readings[tid].append(one)

    def settle(self, actors: Sequence[Actor], orders: Iterable[Order]) -> None:
        """Give every program the first command line read while it ran, otherwise what was ordered."""
        for actor in actors:
            _name(actor, self._readings.get(actor.host, ()))
        for one in orders:
            _obey(actors, one)
        self.unread = sum(
            not program.argv for actor in actors if actor.pid is not None for program in actor.programs
        )


def _name(actor: Actor, readings: Iterable[Reading]) -> None:
    ends = [*(program.at for program in actor.programs[1:]), actor.died.at if actor.died else math.inf]
    for program, end in zip(actor.programs, ends, strict=False):
        its = (one.argv for one in readings if program.at < one.since and one.until < end)
        program.argv = next(its, ())


def _obey(actors: Sequence[Actor], one: Order) -> None:
    """Put in what was ordered; a number may come round: the first from outside that lived on is meant."""
    entered = (
        actor
        for actor in actors
        if actor.host == one.host
        and actor.parent is actor.sibling is None
        and (actor.died is None or actor.died.at > one.at)
    )
    if (actor := next(entered, None)) is not None and actor.programs and one.argv:
        program = actor.programs[0]
        if not program.argv and _base(program.path) == _base(one.argv[0]):
            program.argv = one.argv


def _base(path: str) -> str:
    return path.rpartition("/")[2]
