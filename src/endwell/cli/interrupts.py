"""Ctrl-C, SIGTERM and SIGHUP as one exception of the main thread, raised once.

A second one while the clean-up runs would tear it apart and leave behind what the first one was to end: so
they are ignored from the first one on. Whoever cannot wait has SIGKILL, and then the kernel cleans up.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InterruptedByUser(BaseException):
    """Somebody has asked us to end; `number` is the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def raising() -> Iterator[None]:
    """Raise InterruptedByUser in the main thread for the first of these signals; ignore those that follow."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for one in SIGNALS:
            signal.signal(one, signal.SIG_IGN)
        raise InterruptedByUser(number)

    # What we were told to ignore (nohup) stays so.
    before = {one: signal.getsignal(one) for one in SIGNALS}
    for one, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(one, interrupt)
    try:
        yield
    finally:
        for one, handler in before.items():
            if handler is not None:
                signal.signal(one, handler)
