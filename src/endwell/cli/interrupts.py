"""Ctrl-C, SIGQUIT, SIGTERM and SIGHUP as one exception of the main thread, raised once.

A second one while the clean-up runs would tear it apart and leave behind what the first one was to end: so
they are ignored from the first one on, until the program has ended. Whoever cannot wait has SIGKILL, and then
the kernel cleans up.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from endwell.engine.interruptions import SIGNALS, put_off

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class InterruptedByUser(BaseException):
    """Somebody has asked us to end; `number` is the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def raising() -> Iterator[None]:
    """Raise InterruptedByUser in the main thread for the first of these signals; ignore those that follow.

    Left without one, everything is as before.
    """
    # To ignore them from the first one on would make Python complain of one that has come just before.
    raised = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal raised
        if not raised and not put_off(number, frame):
            raised = True
            raise InterruptedByUser(number)

    # What we were told to ignore (nohup) stays so.
    before = {one: signal.getsignal(one) for one in SIGNALS}
    try:
        for one, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(one, interrupt)
        yield
    finally:
        if raised:
            # Python gives back its handlers when it exits, and one that came then would end it after all.
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        else:
            for one, handler in before.items():
                if handler is not None:
                    signal.signal(one, handler)
