"""Ctrl-C, SIGQUIT, SIGTERM and SIGHUP raise an exception, anywhere; here is said where they may.

Between a container's making and its entry in the list of what is to be removed lie a few instructions, and an
exception that is raised just there leaves it behind; so does one that is raised in the midst of a removal. A
signal that comes at such a place is therefore noted, and acts when the place is left. What handles it
is asked for and put back, so that this holds under `endwell probe`, under pytest, and under anybody else.

The kernel gives a signal to any thread that does not block it, but Python's handlers run in the main one,
which does not wake up from its waiting for what another thread was given. So other threads block them all.

Two places are never left in haste. The few instructions of `threading` between having a lock and being sure
to give it back: an exception there would have the clean-up wait for that lock for ever. And a `__del__`, in
which an exception is printed and forgotten.
"""

from __future__ import annotations

import _thread
import errno
import linecache
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
# The code of threading.Condition that takes or lets go of its lock, in Python, and so can be interrupted.
CONDITION = frozenset(
    getattr(threading.Condition, name).__code__
    for name in ("__enter__", "__exit__", "wait", "_release_save", "_acquire_restore", "_is_owned")
)
WAITS = "waiter.acquire("
# A signal that came at such a place comes again in so many seconds.
SOON = 0.001


class HeldBack:
    """While it is entered the handlers of these signals do not run, but for `allowed`; they run at its end.

    In another thread than the main one, where Python runs no handlers, it does nothing. A signal without a
    handler of Python's, ignored or deadly, stays what it is.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, Callable[[int, FrameType | None], object]] = {}
        self._came: list[int] = []
        self._allowed = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            try:
                for number in SIGNALS:
                    handler = signal.getsignal(number)
                    if callable(handler):
                        self._handlers[number] = handler
                        signal.signal(number, self._handle)
            except BaseException:
                # One has come in the midst.
                self._put_back()
                raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._put_back()
        self._let_run()

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let them run, and those that have come by now: what is done within may be left at any place."""
        try:
            self._allowed = True
            self._let_run()
            yield
        finally:
            self._allowed = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._allowed:
            self._came.append(number)
        elif not put_off(number, frame):
            self._handlers[number](number, frame)

    def _let_run(self) -> None:
        while self._came:
            signal.raise_signal(self._came.pop(0))

    def _put_back(self) -> None:
        try:
            for number, handler in list(self._handlers.items()):
                signal.signal(number, handler)
                del self._handlers[number]
        except BaseException:
            self._put_back()
            raise


def put_off(number: int, frame: FrameType | None) -> bool:
    """Return whether a handler should not raise where it was called; then it is called again soon."""
    harm = _would_be_harm(frame)
    if harm:
        _thread.start_new_thread(_send_again, (number,))
    return harm


def _would_be_harm(frame: FrameType | None) -> bool:
    """Whether an exception would tear a condition's lock apart, or be lost.

    Waiting for a lock is no such place: there nothing is in hand, and there most of the time is spent.
    """
    if frame is None:
        return False
    if frame.f_code in CONDITION:
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        # Where there is no source it may be waiting.
        return bool(line) and WAITS not in line
    at: FrameType | None = frame
    while at is not None:
        if at.f_code.co_name == "__del__":
            return True
        at = at.f_back
    return False


def _send_again(number: int) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(SOON)
    signal.pthread_kill(threading.main_thread().ident or 0, number)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """While it is entered nothing interrupts this thread, and threads started within block every signal.

    What comes meanwhile acts at its end.
    """
    # To block alone would not do: another's thread may be given the signal, and the main one handles it.
    with HeldBack():
        # Asked for first: the call that blocks them may raise what came just before; then they are blocked.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        try:
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def for_threads() -> Iterator[None]:
    """As `uninterrupted`, for what starts threads: what is started and noted in here is so wholly.

    Raises:
        OSError: there may be no more threads.
    """
    with uninterrupted():
        try:
            yield
        except RuntimeError as error:
            if "new thread" not in str(error):
                raise
            raise OSError(errno.EAGAIN, "no more threads may be started") from error
