"""A call of execve, from the moment it is made until it is known whether it has succeeded."""

from __future__ import annotations

from contextlib import suppress

from endwell.probe import sight
from endwell.records import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who tried to become another program, when, which one, and how the program looked that called it."""

    at: float
    tid: int
    path: str
    argv: tuple[str, ...]
    image: tuple[str, ...]

    @classmethod
    def read(cls, host: int, tid: int, path: int, argv: int, at: float) -> Attempt:
        """Read what a thread `tid` of the process `host`, which is held, asks for."""
        asked, words = "", tuple[str, ...]()
        with suppress(PermissionError):  # another user's: then the command line will tell
            asked, words = sight.text(tid, path), sight.words(tid, argv)
        return cls(at, tid, asked, words, sight.image(host))

    def succeeded(self, host: int) -> tuple[str, ...] | None:
        """Return the command line that came of it; None as long as nothing has, or when nothing did."""
        image = sight.image(host)
        if image == self.image or image[-1] == "0":
            return None
        return self._command(sight.command(host))

    def failed(self, host: int, tid: int) -> bool:
        """Whether its thread has gone on to another call, with the image it had."""
        return tid == self.tid and sight.image(host) == self.image

    @property
    def wanted(self) -> tuple[str, ...]:
        """What it asked for."""
        return self.argv or (self.path,)

    def _command(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Return the command line it has, which names a script's interpreter too.

        But what it asked for, where it has put a title of its own there already.
        """
        if not self.path:
            return words
        tail = (self.path, *self.argv[1:])
        return words if words[-len(tail) :] == tail else self.wanted
