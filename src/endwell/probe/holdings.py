"""What processes had open when somebody looked, and what has become of those files at the end.

A descriptor of our own on each file, got through /proc/PID/fd, outlives process and container:
so the size and the last byte can be read when everybody has gone, from the very file and not from a name.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.model.timeline import Holding, OpenFile
from endwell.parse.procfs import is_open_for_writing, listening, read_status
from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

# A look has to cost the container little, and us no more descriptors than a process may have.
MOST_PROCESSES = 100
MOST_FILES = 200
# How much of a file's end decides whether it is text.
TAIL = 4096


@dataclass(slots=True)
class _Look:
    at: float
    pid: int
    files: list[tuple[str, int]] = field(default_factory=list)
    listening: tuple[str, ...] = ()


class Holdings:
    """The open files of a container's processes, looked at while they live and read when they have gone."""

    def __init__(self) -> None:
        self._looks: dict[int, _Look] = {}
        self._kept: dict[tuple[int, int], int] = {}

    def look(self, members: Iterable[int], first: int = 0) -> None:
        """Note what these processes, by host numbers, have open now; those that vanish are no error.

        `first` is PID 1, which in an approximation does not have that number itself.
        """
        for number in list(members)[:MOST_PROCESSES]:
            with suppress(OSError, ValueError):
                self._look_at(Path("/proc", str(number)), is_first=number == first)

    def settle(self) -> tuple[Holding, ...]:
        """Return what was seen last of each process, with the sizes that its files have now."""
        return tuple(
            Holding(look.at, look.pid, tuple(self._read(*file) for file in look.files), look.listening)
            for look in self._looks.values()
            if look.files or look.listening
        )

    def close(self) -> None:
        """Let the files go."""
        for descriptor in self._kept.values():
            os.close(descriptor)
        self._kept.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _look_at(self, process: Path, *, is_first: bool) -> None:
        status = read_status((process / "status").read_text())
        look = _Look(time.monotonic(), 1 if is_first else status.inside)
        sockets: set[int] = set()
        with os.scandir(process / "fd") as descriptors:
            for entry in descriptors:
                with suppress(OSError):
                    found = entry.stat()
                    if stat.S_ISSOCK(found.st_mode):
                        sockets.add(found.st_ino)
                    elif stat.S_ISREG(found.st_mode) and is_open_for_writing(
                        (process / "fdinfo" / entry.name).read_text()
                    ):
                        self._keep(look, entry, found)
        if sockets:
            look.listening = _listening(process, sockets)
        self._looks[look.pid] = look

    def _keep(self, look: _Look, entry: os.DirEntry[str], found: os.stat_result) -> None:
        """Open the file behind a descriptor; a name without a link has been deleted: nobody will miss it."""
        key = (found.st_dev, found.st_ino)
        if not found.st_nlink or (key not in self._kept and len(self._kept) >= MOST_FILES):
            return
        if key not in self._kept:
            self._kept[key] = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        look.files.append((os.readlink(entry.path), self._kept[key]))  # noqa: PTH115  as it was, no Path

    def _read(self, path: str, descriptor: int) -> OpenFile:
        size = os.fstat(descriptor).st_size
        tail = os.pread(descriptor, TAIL, max(0, size - TAIL))
        # What holds a NUL byte has no lines, of which the last one could be half.
        is_text = tail and b"\0" not in tail
        return OpenFile(path, size, tail.endswith(b"\n") if is_text else None)


def _listening(process: Path, inodes: set[int]) -> tuple[str, ...]:
    found: set[str] = set()
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            table = listening((process / "net" / name).read_text())
            found.update(f"tcp:{one.port}" for one in table if one.inode in inodes)
    return tuple(sorted(found))
