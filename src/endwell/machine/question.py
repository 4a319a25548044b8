"""What a story asks /proc for, and what it is told."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Ask(Enum):
    """What only /proc can tell."""

    ARGV = "argv"  # what a process executed: `named`
    MASKS = "masks"  # what it ignores and what waits for it: `looked`
    MEMBER = "member"  # whether it is in the container's PID namespace: `found`
    VISITOR = "visitor"  # the same of one just born, and its number there: `visitors.know`


class Want(NamedTuple):
    """A question about one process, by its number on the host."""

    ask: Ask
    tid: int


class Found(NamedTuple):
    """A process that /proc shows in the container's PID namespace.

    Args:
        born: when it began, or was first seen, in seconds.
        tid: its number on the host.
        inside: its number in the container.
        parent: its parent's number on the host; one that is no member counts as outside.
        threads: the numbers of its threads on the host.
        path: what it executed, if its command line cannot be read.
        argv: its command line.
    """

    born: float
    tid: int
    inside: int
    parent: int
    threads: tuple[int, ...]
    path: str
    argv: tuple[str, ...]
