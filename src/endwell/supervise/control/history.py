"""What services have written to files, the oldest first: the file, and those that were put aside before it.

All files are opened at once, so that none of them is missed or read twice when one is put aside meanwhile.
Everything else is done in pieces, since there may be a lot of it.
"""

# pathlib brings urllib along, which has no place in PID 1.

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from endwell.machine.rotation import COMPRESSED

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_MOST_FILES = 100
_PIECE = 64 * 1024


class History:
    """A log file and those before it.

    Args:
        path: of the file.
        since: files that were written last before this instant of the wall clock are left out.
    """

    def __init__(self, path: str, since: float | None = None) -> None:
        self._files: list[_File] = []
        self._open(path)
        for number in range(1, _MOST_FILES):
            if not self._open(f"{path}.{number}") and not self._open(f"{path}.{number}{COMPRESSED}"):
                break
        self._files.reverse()
        if since is not None:
            for file in [one for one in self._files if one.written < since]:
                self._files.remove(file)
                file.close()

    def lines(self, tail: int | None, *, whole: bool) -> Iterator[list[bytes]]:
        """Yield lines as they are in the files, without their ends; nothing while more work is to be done.

        Args:
            tail: how many there are to be at the most; None: all.
            whole: whether a last line that is not at its end is left out: whoever follows gets it then.
        """
        try:
            skip = 0
            if tail is not None:
                skip = yield from self._skipped(tail)
            rest = b""
            while self._files:
                with contextlib.closing(self._files[0]) as file:
                    for data in file.pieces():
                        *texts, rest = (rest + data).split(b"\n")
                        if skip:
                            skipped = min(skip, len(texts))
                            del texts[:skipped]
                            skip -= skipped
                        yield texts
                self._files.pop(0)
            if rest and not skip and not whole:
                yield [rest]
        finally:
            self.close()

    def close(self) -> None:
        """Give back what it holds."""
        for file in self._files:
            file.close()
        self._files.clear()

    def _open(self, path: str) -> bool:
        try:
            # A FIFO would have us wait for its other end.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return False
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            return False
        self._files.append(_File(descriptor, status.st_size, status.st_mtime, path.endswith(COMPRESSED)))
        return True

    def _skipped(self, tail: int) -> Generator[list[bytes], None, int]:
        """Leave out files, and return how many lines of the first that stays, so that `tail` lines stay."""
        count = 0
        for at in range(len(self._files) - 1, -1, -1):
            file = self._files[at]
            inside = 0
            within = False  # whether its last line is not at its end: it is a line all the same
            for data in file.pieces():
                inside += data.count(b"\n")
                within = not data.endswith(b"\n")
                yield []
            inside += within and at == len(self._files) - 1
            count += inside
            if count >= tail:
                for older in self._files[:at]:
                    older.close()
                del self._files[:at]
                return count - tail
        return 0


class _File:
    def __init__(self, descriptor: int, size: int, written: float, compressed: bool) -> None:  # noqa: FBT001  as it is
        self.descriptor = descriptor
        self.written = written
        self._size = size
        self._compressed = compressed

    def pieces(self) -> Iterator[bytes]:
        """Yield what was in it when it was opened."""
        if not self._compressed:
            yield from self._raw()
            return
        import zlib  # noqa: PLC0415  for files that were compressed only

        unpacker = zlib.decompressobj(wbits=31)
        for raw in self._raw():
            data = unpacker.decompress(raw, _PIECE)
            while data:
                yield data
                data = unpacker.decompress(unpacker.unconsumed_tail, _PIECE)

    def close(self) -> None:
        """Close it; once is enough."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _raw(self) -> Iterator[bytes]:
        at = 0
        while at < self._size and self.descriptor >= 0:
            data = os.pread(self.descriptor, min(_PIECE, self._size - at), at)
            if not data:
                return
            at += len(data)
            yield data
