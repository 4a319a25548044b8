"""A terminal with somebody in front of it, who types and reads."""

from __future__ import annotations

import os
import pty
import select
import time
from typing import TYPE_CHECKING, Final, Self

from tests.init.builds import shipped
from tests.init.support import PATIENCE, Init

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPT: Final = "\x03"
SUSPEND: Final = "\x1a"
BASH: Final = ("--norc", "--noprofile", "-i")


class Terminal:
    """What is started on it leads its session; `device` is its end of the line."""

    def __init__(self) -> None:
        self._keyboard, self.device = pty.openpty()
        self.screen = ""
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.hang_up()
        os.close(self.device)

    def hang_up(self) -> None:
        """Pull the plug."""
        if self._keyboard >= 0:
            os.close(self._keyboard)
            self._keyboard = -1

    def type(self, keys: str) -> None:
        """Type these keys."""
        os.write(self._keyboard, keys.encode())

    def shows(self, words: str) -> None:
        """Wait until these words come on the screen, after those that were waited for before."""
        deadline = time.monotonic() + PATIENCE
        poll = select.poll()
        poll.register(self._keyboard, select.POLLIN)
        while words not in self.screen[self._seen :]:
            events = poll.poll(max(0, deadline - time.monotonic()) * 1000)
            assert events, f"{words!r} did not come: {self.screen!r}"
            self.screen += os.read(self._keyboard, 65536).decode(errors="replace")
        self._seen = self.screen.index(words, self._seen) + len(words)

    def bash(self, *words: str, environment: Sequence[tuple[str, str]] = ()) -> Init:
        """A bash on it, interactive or with these arguments; it is PID 1 and knows the init as $INIT."""
        variables = {"PS1": "$ ", "INIT": str(shipped()), "TERM": "dumb", **dict(environment)}
        return Init(*(words or BASH), program="/bin/bash", terminal=self.device, environment=variables)
