"""Write to an inherited descriptor without ever waiting, and without changing it for those who share it.

Whether a write waits is a property of the open file description (O_NONBLOCK), and that of our stdout belongs
to others too: to the engine, to a shell, to our own children. So it is left as it is, and what is done
depends on what it is:

- A pipe or a terminal is opened a second time through /proc/self/fd: a description of our own.
- A socket takes MSG_DONTWAIT for each message.
- A file never makes anybody wait longer than the disk; opened again it would have a position of its own, and
  others' output would be overwritten.
- Where none of this works (a pipe of another user, no /proc), a thread does the waiting.
"""

from __future__ import annotations

import _thread
import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import socket

_PIECE = 64 * 1024


class Output(Protocol):
    """Something that takes bytes and never makes its caller wait."""

    @property
    def descriptor(self) -> int:
        """What to watch while it takes nothing."""

    @property
    def writing(self) -> bool:
        """Whether to watch for that it can be written, or that it can be read."""

    def write(self, data: bytes, begin: int) -> int:
        """Write of `data` what comes after `begin`; return the end of what was taken, `begin` for nothing.

        Raises:
            OSError: it cannot be written, for another reason than that it is full.
        """

    def pending(self) -> int:
        """Return how many of the bytes taken are not written yet; that cannot be known before."""

    def close(self) -> None:
        """Give it up; what is inherited stays open."""


def open_output(descriptor: int) -> Output:
    """Return what writes to an inherited descriptor without waiting; if it is closed, each write fails."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return PlainOutput(-1)
    if stat.S_ISSOCK(status.st_mode):
        return SocketOutput(descriptor)
    if stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode):
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        with contextlib.suppress(OSError):
            return PlainOutput(os.open(f"/proc/self/fd/{descriptor}", flags))
        if os.get_blocking(descriptor):
            return ThreadOutput(descriptor)
    return PlainOutput(os.dup(descriptor))


class PlainOutput:
    """A descriptor of ours that does not wait, or never has to."""

    writing = True

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def write(self, data: bytes, begin: int) -> int:
        """As `Output.write`."""
        try:
            return begin + os.write(self.descriptor, memoryview(data)[begin:] if begin else data)
        except BlockingIOError:
            return begin

    def pending(self) -> int:
        """As `Output.pending`."""
        return 0

    def close(self) -> None:
        """As `Output.close`."""
        if self.descriptor >= 0:
            os.close(self.descriptor)


class SocketOutput:
    """A stream socket that others share."""

    writing = True

    def __init__(self, descriptor: int) -> None:
        import socket  # noqa: PLC0415  not needed where stdout is none

        self._socket: socket.socket = socket.socket(fileno=os.dup(descriptor))
        self._flags = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
        self.descriptor = self._socket.fileno()

    def write(self, data: bytes, begin: int) -> int:
        """As `Output.write`."""
        try:
            return begin + self._socket.send(memoryview(data)[begin:], self._flags)
        except BlockingIOError:
            return begin

    def pending(self) -> int:
        """As `Output.pending`."""
        return 0

    def close(self) -> None:
        """As `Output.close`."""
        self._socket.close()


class ThreadOutput:
    """A descriptor on which writing has to wait: a thread does it, one piece at a time."""

    writing = False

    def __init__(self, descriptor: int) -> None:
        self._target = os.dup(descriptor)
        self.descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._work = _thread.allocate_lock()
        self._work.acquire()
        self._piece: bytes | None = None
        self._rest = b""
        self._done = 0
        self._failed = 0
        self._started = False
        self._closed = False

    def write(self, data: bytes, begin: int) -> int:
        """As `Output.write`; a failure is that of the piece before, which is tried again."""
        if self._piece is not None:
            return begin
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.descriptor)
        if self._failed:
            failed, self._failed = self._failed, 0
            raise OSError(failed, os.strerror(failed))
        if not self._started:
            try:
                _thread.start_new_thread(self._run, ())
            except RuntimeError:
                raise OSError(errno.EAGAIN, "no thread can be started") from None
            self._started = True
        end = begin if self._rest else min(begin + _PIECE, len(data))
        piece, self._rest = self._rest or data[begin:end], b""
        self._done, self._piece = 0, piece
        self._work.release()
        return end

    def pending(self) -> int:
        """As `Output.pending`."""
        piece = self._piece
        return len(self._rest) if piece is None else len(piece) - self._done

    def close(self) -> None:
        """As `Output.close`; a thread that was started closes what it uses when it is done with its piece.

        It may be in a write for as long as nobody reads: to close it here would be to pull the rug.
        """
        if not self._started:
            self._close()
            return
        self._closed = True
        if self._piece is None:
            self._work.release()

    def _run(self) -> None:
        while True:
            self._work.acquire()
            piece = self._piece or b""
            try:
                while self._done < len(piece):
                    self._done += os.write(self._target, memoryview(piece)[self._done :])
            except OSError as error:
                self._rest = piece[self._done :]
                self._failed = error.errno or errno.EIO
            self._piece = None
            os.eventfd_write(self.descriptor, 1)
            # After the piece is given up: `close` does it the other way round, so that one of both sees it.
            if self._closed:
                self._close()
                return

    def _close(self) -> None:
        os.close(self._target)
        os.close(self.descriptor)
