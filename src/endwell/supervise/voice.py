"""What the supervisor itself says: lines on the container's stderr, never at the cost of waiting."""

from __future__ import annotations

import os
import select

_MOST = 4096  # a pipe that can be written at all takes this much without waiting: PIPE_BUF, man 7 pipe


class Voice:
    """Says lines; those for which there is no room at once are counted and left out.

    Args:
        descriptor: where to.
        name: put before each line.
    """

    def __init__(self, descriptor: int = 2, name: str = "endwell: ") -> None:
        self._descriptor = descriptor
        self._name = name
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._left_out = 0

    def say(self, line: str) -> None:
        """Say a line, given without a newline."""
        try:
            # A closed or vanished reader is nobody's business here; nor is a full disk behind it.
            if any(mask & select.POLLOUT for _, mask in self._poll.poll(0)):
                if self._left_out:
                    line = f"{line} ({self._left_out} lines before this one were left out)"
                os.write(self._descriptor, f"{self._name}{line}\n".encode(errors="replace")[:_MOST])
                self._left_out = 0
                return
        except OSError:
            pass
        self._left_out += 1
