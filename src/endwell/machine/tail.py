"""Which part of a log file somebody wants who asks as supervisord's clients do."""

from __future__ import annotations


def part(size: int, offset: int, length: int) -> tuple[int, int]:
    """Return where the wanted part begins and where it ends.

    Args:
        size: bytes of the file.
        offset: where to begin; negative: so many bytes before the end, and `length` must be 0 then.
        length: how many; 0: all there are.

    Raises:
        ValueError: these two do not go together; supervisord answers BAD_ARGUMENTS.

    Source: supervisord's readProcessStdoutLog, readProcessStderrLog and readLog.
    """
    if offset < 0:
        if length:
            raise ValueError(f"cannot read {length} bytes from {-offset} before the end: length has to be 0")
        return max(size + offset, 0), size
    if length < 0:
        raise ValueError(f"cannot read {length} bytes: length must not be negative")
    begin = min(offset, size)
    return begin, min(begin + length, size) if length else size


def newest(size: int, offset: int, length: int) -> tuple[int, int, int, bool]:
    """Return begin and end of the newest part, the offset to ask with next time, and whether some was missed.

    Who has read up to `offset` gets the last `length` bytes at the most; he has missed some if there is more
    than that after it. Someone who is at the end gets nothing.

    Args:
        size: bytes of the file.
        offset: up to where somebody has read.
        length: how many bytes he takes at the most.

    Source: supervisord's tailProcessStdoutLog and tailProcessStderrLog.
    """
    missed = size > offset + length
    at_end = not missed and offset >= size and offset + length > size
    begin = max(size - length, 0)
    if at_end or length <= 0:
        return size, size, size, missed
    if offset + length == size:
        begin = max(offset, 0)
    return begin, min(begin + length, size), size, missed
