"""The terminal somebody sits at, and one that is made for a program; man 3 termios, man 7 pty."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import termios
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZE = struct.Struct("4H")  # struct winsize: rows, columns, and two that nobody uses

Size = tuple[int, int]


@contextmanager
def raw(descriptor: int) -> Iterator[None]:
    """While it is entered every key is passed on as it is; then the terminal is as before, come what may."""
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield
    finally:
        # What was typed ahead is kept: it is for whoever reads next.
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextmanager
def as_it_is(descriptor: int) -> Iterator[None]:
    """While it is entered what is written is shown as it is, for another terminal has seen to its line ends.

    Where the descriptor is no terminal that is so anyway.
    """
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    shown: list[Any] = list(before)
    shown[1] &= ~termios.OPOST
    try:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, shown)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def size(*descriptors: int) -> Size | None:
    """Return the rows and columns of the first of these that is a terminal and knows; None if none is."""
    for descriptor in descriptors:
        try:
            found = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, b"\0" * _SIZE.size)
        except OSError:
            continue
        rows, wide = _SIZE.unpack(found)[:2]
        if rows and wide:
            return rows, wide
    return None


def resize(descriptor: int, new: Size) -> None:
    """Give a terminal a size: those who have it in the foreground are told by SIGWINCH."""
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, _SIZE.pack(*new, 0, 0))


def read(descriptor: int, most: int = 65536) -> bytes | None:
    """Return what there is; nothing at the end, also of a terminal that nobody holds; None: not now."""
    try:
        return os.read(descriptor, most)
    except BlockingIOError:
        return None
    except OSError as error:
        if error.errno == errno.EIO:  # the other end of a terminal is closed
            return b""
        raise


def write(descriptor: int, data: bytes) -> None:
    """Write all of it, waiting as long as it takes, also where somebody has made the descriptor non-blocking.

    Raises:
        BrokenPipeError: nobody reads it any more.
    """
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
