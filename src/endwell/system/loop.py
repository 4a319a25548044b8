"""One thread that sleeps until a descriptor can be read or written, a signal has come, or it is time.

The standard library alone: epoll, and the descriptor into which the interpreter's C handler writes the number
of each signal (`signal.set_wakeup_fd`). That write is what ends the sleep: since PEP 475 a wait that was
interrupted by a signal goes on sleeping. Nothing wakes the loop at rest, whatever it watches.

A signal goes before everything else: it waits for the callback that is running, and for no other, however
many descriptors can be read. So no callback may do more than a few milliseconds' work.
"""

from __future__ import annotations

import heapq
import itertools
import math
import os
import select
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

from endwell.system import held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Signals of one pass; a full pipe holds more than can be delivered between two.
_MOST_SIGNALS = 65536
# Descriptors of one pass: timers are not to wait for more. Who is left out comes first in the next one, since
# epoll puts those whom it has named at the end of its list.
_MOST_EVENTS = 32
_LONGEST = 20 * 86400.0  # epoll counts milliseconds in 31 bits; then it is just asked again


class Timer:
    """A call that was asked for; it can be taken back.

    Args:
        call: what is called; None once it was, or is not to be.
    """

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], None] | None) -> None:
        self.call = call

    def cancel(self) -> None:
        """Do not call; that it was called already is no error."""
        self.call = None


class Loop:
    """What to watch, what to do about it, and the waiting.

    Callbacks are called one after another, and must not block. What they raise ends `run`.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._calls: dict[int, Callable[[], None]] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._count = itertools.count()
        self._stopped = False
        self._signals: tuple[int, int] | None = None
        self._signalled = False
        self._deliver: Callable[[], None] = _nothing

    @staticmethod
    def now() -> float:
        """Seconds on the monotonic clock."""
        return time.monotonic()

    # ---------------------------------------------------------------------------------------- what is watched

    def watch(
        self,
        descriptor: int,
        call: Callable[[], None],
        *,
        writing: bool = False,
        reading: bool | None = None,
    ) -> None:
        """Call whenever the descriptor can be read, or written, for as long as that is so.

        There is one watch for each; another call for the same descriptor takes its place. An end
        of file and an error are for the one who reads or writes to find. Without `reading` it is
        either the one or the other.

        Raises:
            OSError: EPERM for a regular file, which can always be read and written.
        """
        mask = select.EPOLLOUT if writing else 0
        if reading or (reading is None and not writing):
            mask |= select.EPOLLIN
        if descriptor in self._calls:
            self._epoll.modify(descriptor, mask)
        else:
            self._epoll.register(descriptor, mask)
        self._calls[descriptor] = call

    def forget(self, descriptor: int) -> None:
        """Watch it no longer; to be called before it is closed. One that is not watched is no error."""
        if self._calls.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def at(self, when: float, call: Callable[[], None]) -> Timer:
        """Call once at this instant of the monotonic clock; infinity is never, what is past is at once."""
        timer = Timer(call)
        if when < math.inf:
            heapq.heappush(self._timers, (when, next(self._count), timer))
        return timer

    def after(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call once when so many seconds have passed."""
        return self.at(self.now() + seconds, call)

    def handle(self, signals: Iterable[int], call: Callable[[int], None]) -> None:
        """Call with the number of each of these signals that comes, from the loop and not in between.

        To be called once, from the main thread. Signals of the same number that come together may be one.
        """
        reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._signals = reading, writing
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in signals:
            signal.signal(number, self._noted)
        self._deliver = partial(_deliver, reading, call)
        held.take()
        self.watch(reading, self._deliver)

    # ------------------------------------------------------------------------------------------------ waiting

    def run(self) -> None:
        """Wait and call, until `stop`."""
        self._stopped = False
        while not self._stopped:
            self.turn()

    def stop(self) -> None:
        """Let `run` return when the present callback is done."""
        self._stopped = True

    def turn(self) -> None:
        """Wait once, and call for everything that has come."""
        # Rounded up to whole milliseconds by epoll: a timer is never early.
        for descriptor, _ in self._epoll.poll(self._patience(), _MOST_EVENTS):
            self._hear()
            call = self._calls.get(descriptor)
            if call is not None and not self._stopped:  # nobody has forgotten it in this very turn
                call()
        now = self.now()
        self._hear()
        while self._timers and self._timers[0][0] <= now and not self._stopped:
            timer = heapq.heappop(self._timers)[2]
            if timer.call is not None:
                due, timer.call = timer.call, None
                due()
            self._hear()

    def close(self) -> None:
        """Give back what it holds; signals do what they do by default again in new programs only."""
        if self._signals is not None:
            signal.set_wakeup_fd(-1)
            for descriptor in self._signals:
                os.close(descriptor)
            self._signals = None
        self._calls.clear()
        self._epoll.close()

    def _patience(self) -> float | None:
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        return min(max(0.0, self._timers[0][0] - self.now()), _LONGEST) if self._timers else None

    def _hear(self) -> None:
        if self._signalled and not self._stopped:
            self._signalled = False
            self._deliver()

    def _noted(self, _number: int, _frame: object) -> None:
        """Take note that there is one to be delivered; its number is in the pipe already."""
        self._signalled = True


def _deliver(reading: int, call: Callable[[int], None]) -> None:
    try:
        numbers = os.read(reading, _MOST_SIGNALS)
    except BlockingIOError:
        return
    mistake: Exception | None = None
    for number in dict.fromkeys(numbers):
        try:
            call(number)
        except Exception as error:  # noqa: BLE001  the others have come as well, and will not come again
            mistake = mistake or error
    if mistake is not None:
        raise mistake


def _nothing() -> None:
    pass
