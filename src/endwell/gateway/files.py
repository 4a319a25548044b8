"""Parts of a log file, counted as supervisord counts them."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from endwell.gateway.faults import FaultError
from endwell.model.faults import Fault

if TYPE_CHECKING:
    from typing import BinaryIO

# The whole of a file is asked for with two zeros, and then it is in memory several times.
LONGEST = 64 << 20


def part(size: int, offset: int, length: int) -> tuple[int, int]:
    """Return where a part of something begins and ends.

    Args:
        size: of the whole, in bytes.
        offset: from where; below zero, so many bytes before the end.
        length: how much; 0 for all there is, which it has to be with an offset below zero.

    Raises:
        FaultError: BAD_ARGUMENTS.
    """
    if length < 0 or (offset < 0 and length):
        raise FaultError(Fault.BAD_ARGUMENTS)
    begin = max(size + offset, 0) if offset < 0 else min(offset, size)
    return begin, min(begin + length, size) if length else size


def last_part(size: int, offset: int, length: int) -> tuple[int, int, bool]:
    """Return the end of something for somebody who has seen it up to an offset.

    Args:
        size: of the whole, in bytes.
        offset: where to go on.
        length: how much at the most.

    Returns:
        Where it begins and ends, and whether there is more than `length`.
    """
    seen_all = offset + length > size and offset >= size
    begin = size if seen_all else size - max(min(length, size), 0)
    return begin, size, size > offset + length


def read(path: str, offset: int, length: int) -> bytes:
    """Return a part of a file: as `part`.

    Raises:
        FaultError: BAD_ARGUMENTS, NO_FILE or FAILED.
    """
    part(0, offset, length)  # what is wrong with the question comes before what is with the file
    with _open(path) as file:
        return _between(file, *part(_size(file), offset, length))


def tail(path: str, offset: int, length: int) -> tuple[bytes, int, bool]:
    """Return the end of a file, the offset to go on with, and whether there was more: as `last_part`.

    Raises:
        FaultError: NO_FILE or FAILED.
    """
    with _open(path) as file:
        begin, end, overflow = last_part(_size(file), offset, length)
        return _between(file, begin, end), end, overflow


def _open(path: str) -> BinaryIO:
    try:
        # A FIFO would have us wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise FaultError(Fault.NO_FILE, path) from None
    except OSError:
        raise FaultError(Fault.FAILED) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FaultError(Fault.FAILED)
    return os.fdopen(descriptor, "rb", buffering=0)


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _between(file: BinaryIO, begin: int, end: int) -> bytes:
    """Read what there is between two offsets, which may have become less in the meantime."""
    if end - begin > LONGEST:
        # supervisord returns it all; several such requests at a time would be the end of a small container.
        raise FaultError(Fault.FAILED, f"more than {LONGEST >> 20} MiB at once: ask with offset and length")
    try:
        return os.pread(file.fileno(), end - begin, begin)
    except OSError:
        raise FaultError(Fault.FAILED) from None
