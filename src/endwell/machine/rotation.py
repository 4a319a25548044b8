"""When a log file is put aside, and which names those before it get then.

The names are supervisord's: `file.1` is the newest, `file.N` the oldest, and `file.1.gz` where it has been
compressed. A line is never divided between two files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection

COMPRESSED = ".gz"


def room(data: bytes, begin: int, size: int, limit: int | None, *, within: bool) -> int:
    """Return where in `data` the part ends that still goes to the file; the rest goes to the next one.

    The file stays within its limit, except for a line that is longer alone. `begin` as the answer means that
    the file is to be put aside first.

    Args:
        data: whole lines, but for a last one that may not be at its end.
        begin: where in it the part begins that is not written yet.
        size: bytes that are in the file.
        limit: bytes after which it is put aside; None: never.
        within: whether the file ends in the middle of a line.
    """
    if limit is None or size + len(data) - begin <= limit:
        return len(data)
    if fits := data.rfind(b"\n", begin, begin + max(limit - size, 0)) + 1:
        return fits
    if size and not within:
        return begin
    return data.find(b"\n", begin) + 1 or len(data)


def overdue(last: float, now: float, every: float | None, zone: float = 0.0) -> bool:
    """Return whether between two instants of the wall clock a file is to be put aside.

    That is at whole multiples of `every` by local time, so every day means midnight. A clock that is put
    back does nothing.

    Args:
        last: when the file was written last.
        now: later.
        every: seconds; None: never.
        zone: seconds that local time is ahead of UTC.
    """
    return every is not None and every > 0 and (now + zone) // every > (last + zone) // every


@dataclass(frozen=True, slots=True)
class Rename:
    """Give the file `old` the name `new`; whatever had it is gone."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove the file; that it is not there is no error."""

    name: str


def put_aside(name: str, there: Collection[str], keep: int) -> tuple[Rename | Remove, ...]:
    """Return what is to be done, in order, so that the name is free again.

    Args:
        name: of the file that is written.
        there: the names that exist in its directory.
        keep: how many are kept besides it; with 0 it is removed.
    """
    if keep < 1:
        return (Remove(name),)
    steps: list[Rename | Remove] = []
    for number in range(keep, 0, -1):
        for ending in ("", COMPRESSED):
            old = f"{name}.{number}{ending}"
            if old in there:
                new = f"{name}.{number + 1}{ending}"
                steps.append(Remove(old) if number == keep else Rename(old, new))
    return (*steps, Rename(name, f"{name}.1"))
