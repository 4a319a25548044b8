"""What services write while they end, when the supervisor that has read it is no more.

Their pipes are still there, since each of their ends can be read as well (`logs.pipe`), and by way of
/proc/PID/fd anybody who may do so opens them once more. That they are ours, and not a pipe between two
programs of a service, which nobody may read from, is seen by just that: an end which is open in both
directions. Where the service runs as another user and we lack CAP_SYS_PTRACE, the kernel refuses; then there
is what the pipe holds, 64 KiB as a rule, for last words, and they are not shown.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from endwell.model.service import Stream
from endwell.records import replace
from endwell.supervise.logs.capture import Capture
from endwell.supervise.watcher import LoopWatcher
from endwell.system import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from endwell.model.service import ServiceSpec
    from endwell.system.loop import Loop

_ACCESS = 0o3
_BOTH_WAYS = 0o2


class LastWords:
    """Takes the output of services to where it belongs.

    Args:
        loop: for waiting.
        specs: all of them.
        say: told in one line what goes wrong.
    """

    def __init__(self, loop: Loop, specs: Collection[ServiceSpec], say: Callable[[str], None]) -> None:
        self._loop = loop
        watcher = LoopWatcher(loop)
        self._capture = Capture(watcher, loop.now, time.time, say)
        self.say = say
        watcher.tick = self._capture.tick
        self._capture.expect(specs)
        self._pipes: set[tuple[int, int]] = set()

    def hear(self, spec: ServiceSpec, pids: Iterable[int]) -> None:
        """Go on reading what these processes of a replica, and those below them, write."""
        err = None if spec.stderr is None else replace(spec.stderr, temporary=False)
        # A temporary file is emptied by whoever opens it first, which was another one.
        spec = replace(spec, stdout=replace(spec.stdout, temporary=False), stderr=err)
        for pid in tree.below(pids):
            for stream in Stream:
                with contextlib.suppress(OSError, ValueError):
                    self._hear(spec, stream, f"/proc/{pid}", stream.descriptor)

    def finish(self, by: float) -> tuple[str, ...]:
        """Pass on what was written, as long as there is time; returns sentences about what was lost."""
        self._capture.finish()
        timer = self._loop.at(by, lambda: None)
        while not self._capture.empty and self._loop.now() < by:
            self._loop.turn()
        timer.cancel()
        return self._capture.close()

    def _hear(self, spec: ServiceSpec, stream: Stream, process: str, number: int) -> None:
        with open(f"{process}/fdinfo/{number}", "rb") as info:  # noqa: PTH123  no pathlib in here
            flags = next(int(line.split()[1], 8) for line in info if line.startswith(b"flags:"))
        if flags & _ACCESS != _BOTH_WAYS or not os.readlink(f"{process}/fd/{number}").startswith("pipe:"):  # noqa: PTH115  likewise
            return
        reading = os.open(f"{process}/fd/{number}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        status = os.fstat(reading)
        if (status.st_dev, status.st_ino) in self._pipes:
            os.close(reading)
            return
        self._pipes.add((status.st_dev, status.st_ino))
        self._capture.adopt(spec, stream, reading)
