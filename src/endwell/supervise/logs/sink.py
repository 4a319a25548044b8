"""One place that output goes to: writes what waits for it as far as that can be done without waiting."""

from __future__ import annotations

import errno
import math
from typing import TYPE_CHECKING

from endwell.machine.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.machine.outbox import Writer
    from endwell.supervise.streams import Watcher
    from endwell.system.output import Output

# Nobody will ever read what is written: it makes no sense to keep it, or to let anybody wait.
_GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.ESHUTDOWN, errno.ENOTCONN, errno.EBADF})
UNWRITTEN = "nobody has taken them in time"
_FIRST_RETRY = 0.5
_LAST_RETRY = 5.0


class Sink:
    """One place, whoever writes there.

    Args:
        name: for people.
        output: how it is written.
        watcher: of the loop.
        now: the monotonic clock.
        say: told in one line when the place fails, and when it works again.
        within: whether what is there already ends in the middle of a line.
    """

    def __init__(  # noqa: PLR0913  one who writes needs to know all of this
        self,
        name: str,
        output: Output,
        watcher: Watcher,
        now: Callable[[], float],
        say: Callable[[str], None],
        *,
        within: bool = False,
    ) -> None:
        self.name = name
        self.output = output
        self.outbox = Outbox(within=within)
        self.retry_at = math.inf  # when to call `pump` again, should nothing happen before
        self.readers = 0
        self.written = 0
        self.waiting: set[Callable[[], None]] = set()  # to be called when there may be room again
        self.on_alarm: Callable[[], None] = _nothing  # `retry_at` has changed
        self._watcher = watcher
        self._now = now
        self._say = say
        self._delay = _FIRST_RETRY
        self._watched = -1
        self._gone = False

    @property
    def empty(self) -> bool:
        """Whether all of it is written, or never will be."""
        return self.outbox.empty and (self._gone or not self.output.pending())

    def add(self, writer: Writer, data: bytes, at: float) -> None:
        """Take what a writer has; see `Outbox.add`."""
        self.outbox.add(writer, data, at)
        if self._watched < 0 and (self.retry_at == math.inf or self._now() >= self.retry_at):
            self.pump()

    def end(self, writer: Writer, at: float) -> None:
        """Take note that a writer adds nothing more."""
        self.outbox.end(writer, at)
        if self._watched < 0 and self.retry_at == math.inf:
            self.pump()

    def pump(self) -> None:
        """Write as much as is taken now."""
        outbox, output = self.outbox, self.output
        while not outbox.empty:
            data, begin = outbox.peek()
            try:
                end = output.write(data, begin)
            except OSError as error:
                self._fail(error)
                return
            if end == begin:
                self._watch(output.descriptor)
                return
            outbox.sent(end)
            self.written += end - begin
            if outbox.failure or self._gone:
                self._recover()
        if output.pending():
            self._watch(output.descriptor)
        else:
            self._watch(-1)
        self._wake()

    def detach(self) -> None:
        """Watch the descriptor no longer, as it is going to be another one; call `pump` then."""
        self._watch(-1)

    def close(self) -> int:
        """Write what is taken now and give the place up; return how many bytes a thread still had."""
        self.retry_at = math.inf
        self.pump()
        self._watch(-1)
        self.outbox.discard(self.outbox.failure or UNWRITTEN)
        left = self.output.pending()
        self.output.close()
        return left

    def _watch(self, descriptor: int) -> None:
        if descriptor == self._watched:
            return
        if self._watched >= 0:
            self._watcher.forget(self._watched)
        self._watched = descriptor
        if descriptor >= 0:
            self._watcher.watch(descriptor, self._ready, writing=self.output.writing)

    def _ready(self) -> None:
        self.pump()
        # Whoever waits may go on as soon as half of what it has here is written.
        self._wake()

    def _wake(self) -> None:
        for call in tuple(self.waiting):
            call()

    def _fail(self, error: OSError) -> None:
        self._watch(-1)
        why = error.strerror or str(error)
        if error.errno in _GONE:
            if not self._gone:
                self._gone = True
                self._say(f"cannot write to {self.name}: {why}; what goes there is dropped and counted")
            self.outbox.discard(why)
            self._wake()
            return
        if not self.outbox.failure:
            self._say(f"cannot write to {self.name}: {why}; lines are dropped and counted until it can be")
        self.outbox.failure = why
        self.retry_at = self._now() + self._delay
        self._delay = min(self._delay * 2, _LAST_RETRY)
        self.on_alarm()
        self._wake()

    def _recover(self) -> None:
        self.outbox.failure, self._gone = "", False
        self._delay, self.retry_at = _FIRST_RETRY, math.inf
        self._say(f"{self.name} can be written to again")
        self.on_alarm()


def _nothing() -> None:
    """Nobody wants to know."""
