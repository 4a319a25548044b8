"""Signals that must not be lost, or end us, before we are ready to take them.

What PID 1 has no handler for the kernel throws away, and a container may be stopped while its first process
still reads its files: nobody would ever tell the services then. And whoever asks too early for a reload would
end a supervisor that is not PID 1. A signal that is blocked is kept.
"""

from __future__ import annotations

import os
import signal

_STOP = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
_WISHES = frozenset({signal.SIGHUP, signal.SIGUSR2})
_held: set[int] = set()


def hold() -> None:
    """Keep wishes until `Loop.handle` takes them; a wish to stop ends us at once, unless we are PID 1."""
    _held.update(_WISHES | _STOP if os.getpid() == 1 else _WISHES)
    signal.pthread_sigmask(signal.SIG_BLOCK, _held)


def held() -> frozenset[int]:
    """Return the signals that are held."""
    return frozenset(_held)


def take() -> None:
    """Hold none any longer: there are handlers for them now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _held)
    _held.clear()


def release() -> int:
    """Hold none any longer, for a program that takes our place.

    Returns:
        a wish to stop that has come meanwhile, of which nobody will hear any more; 0: none has.
    """
    came = signal.sigpending() & _STOP & _held
    if not came:
        take()
    return min(came, default=0)
