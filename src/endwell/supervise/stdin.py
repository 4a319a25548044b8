"""What is written to a service: a pipe of which its process has the other end as descriptor 0.

Only who may be written to has one. supervisord gives a pipe to every program, so those of a supervisord.conf
have it whatever may ever be written: a program that reads waits there, and would find the end of a file
otherwise, upon which some leave. A service of our own format says `stdin-open`, as in compose; without it
there is /dev/null, which costs no descriptor and leaves nobody waiting for words that cannot come.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from typing import TYPE_CHECKING

from endwell.supervise.logs.pipe import away

if TYPE_CHECKING:
    from endwell.system.loop import Loop

BOUND = 1 << 20  # bytes that wait while the process does not read


class Stdin:
    """The pipe to one process.

    Args:
        loop: for waiting until there is room in it.

    Attributes:
        reading: what the process gets; -1 once it has it.
        writing: what we keep; it does not wait. -1 once it is closed.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._waiting: deque[bytes] = deque()
        self._size = 0
        reading, writing = os.pipe2(os.O_CLOEXEC)
        self.reading, self.writing = away(reading), away(writing)
        os.set_blocking(self.writing, False)

    def started(self) -> None:
        """The process has it, or there is none: our copy of its end is closed."""
        if self.reading >= 0:
            os.close(self.reading)
            self.reading = -1

    def write(self, data: bytes) -> None:
        """Have this written, as soon as the process takes it.

        Raises:
            BrokenPipeError: it has closed its end.
            BufferError: it has not read what came before; nothing of this is written.
        """
        if self.writing < 0:
            raise BrokenPipeError
        if self._size + len(data) > BOUND:
            raise BufferError(f"{self._size} bytes wait there to be read")
        self._waiting.append(data)
        self._size += len(data)
        if len(self._waiting) == 1:
            self._pump()

    def close(self) -> None:
        """The process has ended, or is to find the end of its input; what waits is dropped."""
        self.started()
        if self.writing >= 0:
            self._loop.forget(self.writing)
            os.close(self.writing)
            self.writing = -1
        self._waiting.clear()
        self._size = 0

    def _pump(self) -> None:
        while self._waiting:
            data = self._waiting[0]
            try:
                written = os.write(self.writing, data)
            except BlockingIOError:
                self._loop.watch(self.writing, self._writable, writing=True)
                return
            except OSError:
                self.close()
                raise
            self._size -= written
            if written == len(data):
                self._waiting.popleft()
            else:
                self._waiting[0] = data[written:]
        self._loop.forget(self.writing)

    def _writable(self) -> None:
        with contextlib.suppress(OSError):  # nobody waits for an answer; who writes next is told
            self._pump()
