"""What to start, and what it finds: everything `system.spawn` needs to know."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING

from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

# prlimit(1)'s names to the kernel's numbers (asm-generic/resource.h).
LIMITS = MappingProxyType(
    {
        "cpu": 0,
        "fsize": 1,
        "data": 2,
        "stack": 3,
        "core": 4,
        "rss": 5,
        "nproc": 6,
        "nofile": 7,
        "memlock": 8,
        "as": 9,
        "locks": 10,
        "sigpending": 11,
        "msgqueue": 12,
        "nice": 13,
        "rtprio": 14,
        "rttime": 15,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to start, and what it finds.

    Args:
        command: its words; the first one is looked for on the PATH of `environment` unless it has a slash.
        environment: all of it.
        directory: where it starts; None: where we are.
        user: the numbers of the user, the group and further groups it runs as; None: as we do.
        umask: of its files; None: ours.
        nice: added to ours.
        limits: soft and hard, by the names of `LIMITS`; -1 is no limit.
        stdin: its descriptor 0; likewise `stdout` and `stderr`.
        stdout: its descriptor 1.
        stderr: its descriptor 2.
        descriptors: further ones: its number to ours.
        soft: soft limits that are set if they may be, by the same names: no error if not, and hard ones stay.
        terminal: whether it leads a session of its own, whose terminal is its descriptor 0.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str | None = None
    user: tuple[int, int, tuple[int, ...]] | None = None
    umask: int | None = None
    nice: int = 0
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    stdin: int = 0
    stdout: int = 1
    stderr: int = 2
    descriptors: Mapping[int, int] = field(default_factory=dict)
    soft: Mapping[str, int] = field(default_factory=dict)
    terminal: bool = False


def search(command: str, environment: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the paths at which a program may be, in order."""
    name = os.fsencode(command)
    if b"/" in name:
        return (name,)
    return tuple(os.path.join(os.fsencode(place), name) for place in os.get_exec_path(environment))  # noqa: PTH118  bytes, for hundreds
