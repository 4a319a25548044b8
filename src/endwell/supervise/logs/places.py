"""Which place a stream of a service goes to, known by what it is and not by how it is written."""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH100, PTH116, PTH118

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from endwell.model.service import Stream

if TYPE_CHECKING:
    from endwell.model.service import Log

    # The container's own, or the path of a file.
    Place = Stream | str


class Places:
    """The places of a project.

    Args:
        standard: the container's own stdout and stderr.
    """

    def __init__(self, standard: tuple[int, int]) -> None:
        self._own = tuple(_identity(number) for number in standard)
        self._same = self._own[0] == self._own[1]
        self._directories: dict[str, tuple[tuple[int, int], str]] = {}

    def of(self, log: Log, stream: Stream) -> Place | None:
        """Return where a stream goes; None for nowhere."""
        if log.discard:
            return None
        found: Place | None = log.of_container(stream)
        if found is None:
            path = os.path.abspath(log.path)
            # The name of a temporary one can be guessed: a link is not followed.
            found = path if log.temporary else self._behind(path)
        return Stream.STDOUT if self._same and isinstance(found, Stream) else found

    def _behind(self, path: str) -> Place:
        """Return the file that a path leads to, without links on the way, or which of the container's own."""
        link = False
        with contextlib.suppress(OSError):
            status = os.lstat(path)
            link = stat.S_ISLNK(status.st_mode)
            if link:
                status = os.stat(path)
            # A file may be a link to /dev/stdout: two hands at one pipe would mix lines.
            if (found := (status.st_dev, status.st_ino)) in self._own:
                return Stream.STDOUT if self._own.index(found) == 0 else Stream.STDERR
        return os.path.realpath(path) if link else self._without_links(path)

    def _without_links(self, path: str) -> str:
        """As os.path.realpath for what is no link itself: that is asked for every start of every service."""
        directory, name = os.path.split(path)
        try:
            status = os.stat(directory)
        except OSError:
            return os.path.realpath(path)
        identity = status.st_dev, status.st_ino
        known = self._directories.get(directory)
        if known is None or known[0] != identity:
            self._directories[directory] = known = identity, os.path.realpath(directory)
        return os.path.join(known[1], name)


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino
