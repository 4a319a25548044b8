"""A log file that is put aside when it is big or old enough; never within a line.

Linux writes to files as fast as the disk takes it, and a disk that hangs makes us wait: O_NONBLOCK means
nothing to a file. A log that may hang (NFS) is better read from the container's output.
"""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH108, PTH123

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from typing import TYPE_CHECKING

from endwell.machine.rotation import overdue, room
from endwell.supervise.logs.compressor import PART

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.model.service import Rotation
    from endwell.supervise.logs.compressor import Compressor

_FLAGS = os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
_BREAK = 0x0A


def local(now: float) -> float:
    """Return how many seconds local time is ahead of UTC."""
    return float(time.localtime(now).tm_gmtoff)


class LogFile:
    """An `Output` into a file, which is opened when something is to be written.

    Args:
        path: of the file.
        rotation: when it is put aside.
        wall: the wall clock.
        compressor: renames, and compresses what was put aside.
        say: told in one line what went wrong and is not the writer's business.
        zone: seconds that local time is ahead of UTC at an instant of the wall clock.
        temporary: whatever has this name at first is removed, and nobody else may read the file.
    """

    writing = True

    def __init__(  # noqa: PLR0913  clocks and chance are arguments
        self,
        path: str,
        rotation: Rotation,
        wall: Callable[[], float],
        compressor: Compressor,
        say: Callable[[str], None],
        *,
        zone: Callable[[float], float] = local,
        temporary: bool = False,
    ) -> None:
        self.path = path
        self.descriptor = -1
        self._rotation = rotation
        self._limit = rotation.size
        self._wall = wall
        self._zone = zone
        self._compressor = compressor
        self._say = say
        self._size = 0
        self._last = 0.0
        self._within = False
        self._regular = True
        self._temporary = temporary
        self._fresh = temporary

    @property
    def within(self) -> bool:
        """Whether the file ends in the middle of a line."""
        return self._within

    def open(self) -> None:
        """Open the file, or create it, if that is not done.

        Raises:
            OSError: that cannot be done.
        """
        if self.descriptor >= 0:
            return
        self.descriptor = self._opened()
        status = os.fstat(self.descriptor)
        self._regular = stat.S_ISREG(status.st_mode)
        self._size, self._last = status.st_size, status.st_mtime
        self._within = self._regular and _ends_within(self.path, status.st_size)
        if self._rotation.compress and not self._compressor.busy:
            with contextlib.suppress(OSError):
                os.unlink(self.path + PART)

    def write(self, data: bytes, begin: int) -> int:
        """As `Output.write`: at most up to where the file has to be put aside."""
        self.open()
        end = len(data)
        if self._regular and (self._limit is not None or self._rotation.every is not None):
            end = self._room(data, begin)
        piece = data if not begin and end == len(data) else memoryview(data)[begin:end]
        try:
            written = os.write(self.descriptor, piece)
        except BlockingIOError:
            return begin
        self._size += written
        self._within = data[begin + written - 1] != _BREAK
        return begin + written

    def pending(self) -> int:
        """As `Output.pending`."""
        return 0

    def reopen(self) -> None:
        """Open the file by its name anew: somebody has put it aside."""
        self.close()

    def clear(self) -> None:
        """Empty the file.

        Raises:
            OSError: that cannot be done.
        """
        self.close()
        self.open()
        if self._regular:
            os.ftruncate(self.descriptor, 0)
            self._size, self._within = 0, False

    def close(self) -> None:
        """As `Output.close`; it is opened again when something is written."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
            self._limit = self._rotation.size

    def _room(self, data: bytes, begin: int) -> int:
        now = self._wall()
        if self._size and not self._within:
            every = self._rotation.every
            if every is not None and overdue(self._last, now, every, self._zone(now)):
                self._rotate()
        self._last = now
        end = room(data, begin, self._size, self._limit, within=self._within)
        if end == begin:
            self._rotate()
            end = room(data, begin, self._size, self._limit, within=self._within)
        return end if end > begin else len(data)

    def _rotate(self) -> None:
        size = os.fstat(self.descriptor).st_size
        if size < self._size:
            # Somebody has emptied it, as `logrotate` does with `copytruncate`.
            self._size = size
            return
        keep = self._rotation.keep
        try:
            if keep < 1:
                os.ftruncate(self.descriptor, 0)
            else:
                self._put_aside(keep)
        except OSError as error:
            # It goes on growing: to try before every line would only make a bad disk worse.
            self._limit = None if self._rotation.size is None else self._size + self._rotation.size
            self._say(f"cannot put {self.path} aside: {error.strerror}; it goes on growing")
            return
        self._size, self._limit = 0, self._rotation.size

    def _put_aside(self, keep: int) -> None:
        self._compressor.put_aside(self.path, keep)
        opened = self._opened()
        os.close(self.descriptor)
        self.descriptor = opened
        if self._rotation.compress:
            if self._compressor.failure:
                failure, self._compressor.failure = self._compressor.failure, ""
                self._say(f"{failure}; it stays as it is until the next one is put aside")
            backups = (f"{self.path}.{number}" for number in range(1, keep + 1))
            self._compressor.compress(name for name in backups if os.path.lexists(name))

    def _opened(self) -> int:
        flags, mode = _FLAGS, 0o666
        if self._temporary:
            # Its name can be guessed, and its directory is often one where everybody may write.
            flags, mode = flags | os.O_NOFOLLOW, 0o600
            if self._fresh:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.path)
                flags |= os.O_EXCL
        try:
            descriptor = os.open(self.path, os.O_WRONLY | flags, mode)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            # A FIFO that nobody reads yet: held open at both ends, it takes what fits.
            descriptor = os.open(self.path, os.O_RDWR | flags, mode)
        self._fresh = False
        return descriptor


def _ends_within(path: str, size: int) -> bool:
    """Whether the last byte is none of a line's end; what cannot be read ends as it should."""
    if not size:
        return False
    try:
        with open(path, "rb", buffering=0) as file:
            file.seek(size - 1)
            return file.read(1) not in {b"", b"\n"}
    except OSError:
        return False
