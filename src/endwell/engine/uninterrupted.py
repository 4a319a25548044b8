"""A few instructions that no signal handler of Python's can cut in two, by an exception it raises.

Between making a descriptor, a process or a thread and writing down that it is ours there is always a gap.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold signals back from this thread while it is entered: what comes meanwhile acts at its end."""
    # Asked for first: the call that blocks them may raise what came just before, and has blocked them then.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
