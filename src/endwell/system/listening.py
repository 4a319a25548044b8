"""A Unix socket that listens: made so that nobody else can connect, and put away again.

A file whose supervisor is gone is replaced, which takes three steps: to see that nobody listens, to remove
it, to bind. Of two that do so at once, the second would remove the first one's; so would one that binds while
another has bound and does not listen yet. Who looks, binds or removes therefore locks the directory
(flock(2)), which leaves nothing behind and needs no permission to write. Others may lock it too, for ever:
after a while they are not waited for any longer, as a start must not depend on strangers. The end waits for
nobody: as long as the socket listens, nobody takes its file for one that was left behind.

`_socket` is the part of the standard library's `socket` that is written in C, and all that is needed of it.
"""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH108, PTH120

from __future__ import annotations

import _socket
import contextlib
import errno
import fcntl
import os
import stat
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 107  # bytes of a path: man 7 unix
_BACKLOG = 1024
_OURS_ALONE = 0o600
_TRIES = 50  # of the lock, at a start: who has it for good reason needs no millisecond
_PAUSE = 0.01  # seconds between two
_FLAGS = getattr(_socket, "SOCK_NONBLOCK", 0) | getattr(_socket, "SOCK_CLOEXEC", 0)


class Listening:
    """A socket that takes connections, none of which ever waits.

    Args:
        place: a path, or `@` and a name in the abstract namespace.

    Raises:
        OSError: it cannot be made there. EADDRINUSE: somebody listens there already.
        ValueError: that is no path.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._file: tuple[int, int] | None = None
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _FLAGS)
        try:
            # Before it has a name: the file has this mode from its first moment on.
            os.fchmod(self._socket.fileno(), _OURS_ALONE)
            with _alone(place, _TRIES):
                self._bind()
                self._socket.listen(_BACKLOG)
        except Exception:
            self.close()
            raise

    def fileno(self) -> int:
        """Return its descriptor."""
        return self._socket.fileno()

    def accept(self) -> _socket.socket | None:
        """Return the next connection, or None.

        Raises:
            OSError: there is one, and there are no descriptors for it.
        """
        return accepted(self._socket)

    def close(self) -> None:
        """Close it, and remove its file if that is still ours."""
        if self._file is not None:
            with _alone(self.place, 1):
                # While it is open nobody takes it for stale, and its number means no other file.
                if _file(self.place) == self._file:
                    with contextlib.suppress(OSError):
                        os.unlink(self.place)
        self._socket.close()
        self._file = None

    def _bind(self) -> None:
        if self.place.startswith("@"):
            self._socket.bind(b"\0" + os.fsencode(self.place[1:]))
            return
        if len(os.fsencode(self.place)) > LONGEST:
            raise OSError(errno.ENAMETOOLONG, f"a socket's path has at most {LONGEST} bytes", self.place)
        try:
            self._socket.bind(self.place)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not _is_stale(self.place):
                raise
            os.unlink(self.place)
            self._socket.bind(self.place)
        self._file = _file(self.place)


def accepted(listening: _socket.socket) -> _socket.socket | None:
    """Do what `socket.accept` is made of: no connection is inherited by what we start, and none waits.

    Raises:
        OSError: there is one, and there are no descriptors for it.
    """
    try:
        descriptor: int = listening._accept()[0]  # type: ignore[attr-defined]  # noqa: SLF001  nor does it wait
    except (BlockingIOError, ConnectionAbortedError):
        return None
    return connected(descriptor, listening.family)


def connected(descriptor: int, family: int = _socket.AF_UNIX) -> _socket.socket:
    """Return the socket behind a descriptor, which it owns from now on; it does not wait."""
    connection = _socket.socket(family, _socket.SOCK_STREAM, 0, descriptor)
    connection.setblocking(False)  # noqa: FBT003  the standard library's
    return connection


@contextlib.contextmanager
def _alone(place: str, tries: int) -> Iterator[None]:
    """Keep others of us from changing who listens at a path, as far as that can be done in so many tries."""
    if place.startswith("@"):
        yield
        return
    try:
        directory = os.open(os.path.dirname(place) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError):
        yield  # what is wrong with it is said by bind(2)
        return
    try:
        for left in reversed(range(tries)):
            try:
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if left:
                    time.sleep(_PAUSE)
            except OSError:
                break  # there are file systems without
            else:
                break
        yield
    finally:
        os.close(directory)


def _is_stale(place: str) -> bool:
    """Whether a file is a socket that nobody listens to any more."""
    try:
        if not stat.S_ISSOCK(os.lstat(place).st_mode):
            return False
    except FileNotFoundError:
        return False
    asking = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _FLAGS)
    try:
        asking.connect(place)
    except ConnectionRefusedError:
        return True
    except OSError:
        return False  # its queue is full, say: there is somebody
    finally:
        asking.close()
    return False


def _file(place: str) -> tuple[int, int] | None:
    try:
        status = os.lstat(place)
    except OSError:
        return None
    return status.st_dev, status.st_ino
