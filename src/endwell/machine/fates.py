"""What becomes of a signal: the kernel's own decision (prepare_signal and sig_ignored in kernel/signal.c).

It is made on the masks of the process as they are at that moment. A blocked signal stays open until a later
look finds its bit gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.signals import Default, Signal
from endwell.model.timeline import Fate

if TYPE_CHECKING:
    from endwell.machine.glimpses import Stance

_FIRST_QUEUED = 32  # from here on the kernel keeps a signal as often as it was sent


def bit(signal: Signal) -> int:
    """Return the signal's bit in a mask."""
    return 1 << signal.number - 1


def fate(signal: Signal, stance: Stance, *, first: bool, outside: bool) -> Fate:
    """Return what the kernel does with a signal; PENDING means: as long as it is not taken.

    Args:
        signal: what is sent.
        stance: of the process it is sent to, at that moment.
        first: whether that is PID 1 of its namespace.
        outside: whether the sender is in a namespace above.
    """
    asked = bit(signal)
    if stance.leaving:
        return Fate.TOO_LATE
    if not signal.catchable:
        return Fate.DISCARDED if first and not outside else Fate.DEFAULT
    if stance.waiting & asked:
        return Fate.SIGWAIT
    if stance.pending & asked and signal.number < _FIRST_QUEUED:
        return Fate.MERGED
    if stance.blocked & asked:
        return Fate.PENDING
    found = Fate.HANDLER if stance.caught & asked else _unhandled(signal, stance, first=first)
    return Fate.PENDING if found in {Fate.DISCARDED, Fate.DEFAULT} and _is_woken(stance) else found


def _is_woken(stance: Stance) -> bool:
    """Whether a thread has been woken from sigwait, and has not run yet: what it waited for is not blocked.

    Nothing else lets a signal wait that is neither blocked nor caught: it is acted upon when it is sent.
    """
    return bool(stance.pending & ~stance.blocked & ~stance.caught)


def _unhandled(signal: Signal, stance: Stance, *, first: bool) -> Fate:
    if stance.ignored & bit(signal):
        return Fate.IGNORED
    if first:
        return Fate.DISCARDED
    return Fate.IGNORED if signal.default is Default.IGNORE else Fate.DEFAULT


def taken(signal: Signal, stance: Stance, *, first: bool, waited: bool) -> Fate:
    """Return what took a signal that was pending and is not any more; `waited`: it was seen in sigwait."""
    asked = bit(signal)
    if stance.descriptors & asked:
        return Fate.SIGNALFD
    if waited or stance.waiting & asked:
        return Fate.SIGWAIT
    if stance.caught & asked:
        return Fate.HANDLER
    if stance.blocked & asked or _is_woken(stance):
        return Fate.SIGWAIT  # nothing else takes what is blocked
    return _unhandled(signal, stance, first=first)
