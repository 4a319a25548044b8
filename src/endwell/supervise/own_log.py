"""The supervisor's own log, as supervisord writes it: time, level and message, to a file and to stdout.

    2026-11-21 15:40:30,123 INFO success: web entered RUNNING state, ...

Tools wait for such lines in the output of containers, so their form is supervisord's.
"""

from __future__ import annotations

import time
from enum import IntEnum
from typing import TYPE_CHECKING

from endwell.model.service import Rotation
from endwell.supervise.logs.compressor import Compressor
from endwell.supervise.logs.file import LogFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.supervise.voice import Voice


class Level(IntEnum):
    """How much a line matters; the names are those that stand in it."""

    CRIT = 50
    ERRO = 40
    WARN = 30
    INFO = 20
    DEBG = 10
    TRAC = 5
    BLAT = 3


class OwnLog:
    """Writes lines; what cannot be written at once is counted and left out, as nobody may wait for it.

    Args:
        path: of its file; empty: none.
        level: lines that matter less are left out.
        size: at which the file is put aside; 0: never.
        keep: how many of those are kept.
        voices: where lines go besides.
        wall: the wall clock.
    """

    def __init__(  # noqa: PLR0913  what a log is
        self,
        path: str,
        level: int = Level.INFO,
        *,
        size: int = 0,
        keep: int = 10,
        voices: tuple[Voice, ...] = (),
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._level = level
        self._voices = voices
        self._wall = wall
        self._left_out = 0
        rotation = Rotation(size=size if size > 0 else None, keep=keep)
        self._file = LogFile(path, rotation, wall, Compressor(), self._aside) if path else None

    def open(self) -> None:
        """Open the file, so that it is known whether that can be done.

        Raises:
            OSError: it cannot; nothing is written to it then.
        """
        if self._file is None:
            return
        try:
            self._file.open()
        except OSError:
            self._file, self.path = None, ""
            raise

    def write(self, level: int, message: str) -> None:
        """Write a line."""
        if level < self._level:
            return
        now = self._wall()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        line = f"{stamp},{int(now * 1000) % 1000:03d} {Level(level).name} {message}"
        for voice in self._voices:
            voice.say(line)
        self._append(line)

    def reopen(self) -> None:
        """Open the file by its name anew: somebody has put it aside."""
        if self._file is not None:
            self._file.reopen()

    def clear(self) -> None:
        """Empty the file.

        Raises:
            OSError: that cannot be done.
        """
        if self._file is not None:
            self._file.clear()

    def close(self) -> None:
        """Write nothing more."""
        if self._file is not None:
            self._file.close()

    def _append(self, line: str) -> None:
        if self._file is None:
            return
        if self._left_out:
            line = f"{line} ({self._left_out} lines before this one were left out)"
        data, begin = f"{line}\n".encode(errors="replace"), 0
        try:
            while begin < len(data):
                end = self._file.write(data, begin)
                if end == begin:
                    break
                begin = end
        except OSError:
            pass  # a full disk, a place that is gone: who runs has to go on running
        self._left_out = self._left_out + 1 if begin < len(data) else 0

    def _aside(self, line: str) -> None:
        """Say to others what is wrong with the file."""
        for voice in self._voices:
            voice.say(line)
