"""Parts of a log file, for those who ask as supervisord's clients do."""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH123

from __future__ import annotations

import os

from endwell.machine.tail import newest, part


def read_log(path: str, offset: int, length: int) -> bytes:
    """Return a part of a log file; see `machine.tail.part` for what the numbers mean.

    Raises:
        OSError: the file cannot be read.
        ValueError: the numbers do not go together.
    """
    with open(path, "rb", buffering=0) as file:
        begin, end = part(os.fstat(file.fileno()).st_size, offset, length)
        return os.pread(file.fileno(), end - begin, begin)


def tail_log(path: str, offset: int, length: int) -> tuple[bytes, int, bool]:
    """Return the newest part of a log file, the offset to ask with next time, and whether some was missed.

    A file that cannot be read has nothing new.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            begin, end, at, missed = newest(size, offset, length)
            return os.pread(file.fileno(), end - begin, begin), at, missed
    except OSError:
        return b"", offset, False
