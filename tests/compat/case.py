"""A situation that an init is put into."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.compat.conversation import Conversation

Observation = dict[str, object]

OBSERVER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("guests") / "observer.py"))
LISTEN = (*OBSERVER, "listen")
# Where the init's own lines share stdout with the observer's, the two could cut into each other.
LISTEN_APART = ("sh", "-c", 'exec "$0" "$@" >&2', *LISTEN)
LOOK = (*OBSERVER, "look")
ORPHAN = ("sh", "-c", 'exec "$0" "$@" >&2', *OBSERVER, "orphan")
SPARE = 77  # a descriptor that the caller forgot to close; above those that the tests themselves have open


class Place(Enum):
    """Where the init runs: what it is to its process namespace and its terminal."""

    PLAIN = "a child of ours, without a terminal"
    PID_1 = "PID 1 of a fresh process namespace"
    LEADER = "leader of the session of a terminal"
    PID_1_LEADER = "PID 1 and leader of the session of a terminal, as in `docker run -t`"
    JOB = "in the foreground of a terminal that somebody else's session owns"
    GRANDCHILD = "a child of a shell of ours, which can be killed"


NAMESPACE = frozenset({Place.PID_1, Place.PID_1_LEADER})
TERMINAL = frozenset({Place.LEADER, Place.PID_1_LEADER, Place.JOB})
UNDER_SHELL = frozenset({Place.JOB, Place.GRANDCHILD})


@dataclass(frozen=True, kw_only=True)
class Case:
    """One situation: the command line, what the caller did to itself, and the talk with the running init."""

    name: str
    options: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    place: Place = Place.PLAIN
    argv0: str = ""
    under: tuple[str, ...] = ()  # words of a program that becomes the init
    script: str = ""  # run by a shell in the place of the init, which is "$0" to it
    ignored: frozenset[int] = frozenset()
    blocked: frozenset[int] = frozenset()
    closed: tuple[int, ...] = ()
    spare: bool = False
    screen: bool = False  # stdout is a terminal, though not our own: the real ones then write line by line
    files: tuple[str, ...] = ()  # to be made: NAME=TEXT, or NAME+=TEXT for an executable one
    talk: Callable[[Conversation], None] | None = None
