"""Servers that do to a request what a test asks for, over HTTP/1.1, HTTP/2 or plain TCP.

A server is a process: `server.py PROTOCOL [MODE]`. It prints `port N`, then a line for every request it gets
(`asked MODE PATH`), and obeys lines on its standard input, each of which it repeats when done: `mode NAME`
changes what it does to requests from now on, `deaf` closes the listening socket, `farewell` and
`farewell-rst` close idle connections, `release` answers what is asked for at /slow. It ends with its input.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_PATIENCE = 20.0


class Server:
    """A running server; `port` is where, on 127.0.0.1."""

    def __init__(self, *words: str) -> None:
        script = Path(__file__).with_name("server.py")
        self._child = subprocess.Popen(
            [sys.executable, str(script), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._lines: list[str] = []
        self._rest = b""
        self.port = int(self.expect("port ").split()[1])

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._child.pid

    def expect(self, start: str, times: int = 1) -> str:
        """Return the last of `times` lines that begin with `start`, counted from the last call on."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            while self._lines:
                line = self._lines.pop(0)
                times -= line.startswith(start)
                if not times:
                    return line
            self._more(deadline, start)

    def _more(self, deadline: float, what: str) -> None:
        assert self._child.stdout is not None
        ready, _, _ = select.select([self._child.stdout], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"the server did not print {what!r} in time"
        piece = os.read(self._child.stdout.fileno(), 65_536)
        assert piece, f"the server ended before it printed {what!r}"
        *whole, self._rest = (self._rest + piece).split(b"\n")
        self._lines += [line.decode() for line in whole]

    def tell(self, order: str) -> None:
        """Give an order, and return when it has been carried out."""
        assert self._child.stdin is not None
        self._child.stdin.write(order.encode() + b"\n")
        self.expect(order)

    def kill(self) -> None:
        """End the server with SIGKILL and wait for it."""
        self._child.kill()
        self._child.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.stdout.close()
        self.kill()
