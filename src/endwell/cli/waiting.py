"""A loop that waits for a conversation and for signals at the same time, while a command needs both."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from endwell.system.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# What a program can do something about, and what it is sent to do something about it.
PASSED_ON = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


@contextmanager
def waiting(signals: Iterable[int], call: Callable[[int], None]) -> Iterator[Loop]:
    """Make a loop that is called for these signals; afterwards they do what they did before.

    What we were told to ignore (nohup) stays ignored.
    """
    before = {one: signal.getsignal(one) for one in signals}
    taken = [one for one, handler in before.items() if handler is not signal.SIG_IGN]
    loop = Loop()
    try:
        if taken:
            loop.handle(taken, call)
        yield loop
    finally:
        for one in taken:
            signal.signal(one, before[one])
        loop.close()
