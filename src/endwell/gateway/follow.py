"""What is written to a log file, as it comes: through its being put aside, and its being emptied."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

INTERVAL = 0.1  # seconds, as supervisord's; only while somebody follows
TRUNCATED = b"==> File truncated <==\n"
_PIECE = 65536
_MOST_PIECES = 16


async def follow(path: str, head: int) -> AsyncGenerator[bytes, None]:
    """Go through the end of a file and whatever is added to it, for ever.

    Args:
        path: of the file; if it is not there, it is waited for.
        head: how many bytes of what is there already are shown.
    """
    while not os.path.exists(path):  # noqa: ASYNC110, ASYNC240, PTH110  a file has no event
        await asyncio.sleep(INTERVAL)
    with contextlib.suppress(OSError):
        following = _Following(path, head)
        try:
            while True:
                replaced = following.replaced()
                news = following.news()
                for piece in news:
                    yield piece
                if replaced and not news:  # nothing was left to read after it had been replaced
                    following.open_anew()
                await asyncio.sleep(0 if news else INTERVAL)
        finally:
            following.close()


def followed(path: str) -> float | None:
    """Return when a file was changed last, in seconds since the epoch; None if it cannot be followed."""
    try:
        status = os.stat(path)  # noqa: PTH116  as it stands in a row
    except OSError:
        return None
    return status.st_mtime if stat.S_ISREG(status.st_mode) else None


class _Following:
    def __init__(self, path: str, head: int) -> None:
        self._path = path
        self._descriptor = _open(path)
        size = os.fstat(self._descriptor).st_size
        self._position = size - head if size >= head else 0

    def news(self) -> list[bytes]:
        """Return what was added, in pieces; not more at once than others can wait for."""
        size = os.fstat(self._descriptor).st_size
        if size < self._position:
            self._position = 0
            return [TRUNCATED]
        pieces: list[bytes] = []
        while self._position < size and len(pieces) < _MOST_PIECES:
            piece = os.pread(self._descriptor, min(_PIECE, size - self._position), self._position)
            if not piece:
                break
            self._position += len(piece)
            pieces.append(piece)
        return pieces

    def replaced(self) -> bool:
        """Whether another file has its path now."""
        try:
            there = os.stat(self._path)  # noqa: PTH116  as it stands in a row
        except OSError:
            return False
        own = os.fstat(self._descriptor)
        return (there.st_dev, there.st_ino) != (own.st_dev, own.st_ino)

    def open_anew(self) -> None:
        with contextlib.suppress(OSError):
            descriptor = _open(self._path)
            self.close()
            self._descriptor, self._position = descriptor, 0

    def close(self) -> None:
        os.close(self._descriptor)


def _open(path: str) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no regular file")
    return descriptor
