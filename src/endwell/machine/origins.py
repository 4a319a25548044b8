"""Where a signal came from, as the kernel's record of its sending tells.

The thread that wrote the record is the sender; codes above 0 are the kernel's (a fault, the terminal, a
timer), but for SIGKILL with code 128 from a thread that is ending: that is PID 1 taking its namespace along.
SIGPIPE and SIGXFSZ to oneself with code 0 are the kernel's as well: it sends them in the name of the one who
wrote, and nobody can tell them from a `kill` of oneself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.signals import CHLD, KILL
from endwell.model.timeline import Origin

if TYPE_CHECKING:
    from endwell.machine.actor import Actor

_SI_KERNEL = 128
_CHILD_ENDED = range(1, 4)  # CLD_EXITED, CLD_KILLED, CLD_DUMPED
_CHILD_CODES = range(1, 7)
_BY_KERNEL = range(-5, -1)  # SI_TIMER, SI_MESGQ, SI_ASYNCIO, SI_SIGIO
_IN_OUR_NAME = frozenset({13, 25})
_THREAD_LIBRARY = frozenset({32, 33})
_LAST_SIGNAL = 64


def is_ours(number: int) -> bool:
    """Whether it is a signal that anybody wants to hear of: not one of the thread library's own."""
    return 1 <= number <= _LAST_SIGNAL and number not in _THREAD_LIBRARY


def is_notice(number: int, code: int) -> bool:
    """Whether the kernel tells a parent of a child by it."""
    return number == CHLD.number and code in _CHILD_CODES


def is_of_an_end(code: int) -> bool:
    """Whether such a notice is about the child's end, not about its being stopped or continued."""
    return code in _CHILD_ENDED


def origin_of(number: int, code: int, tid: int, sender: Actor | None, target: Actor) -> Origin:
    """Return where a signal came from.

    Args:
        number: of the signal.
        code: its si_code.
        tid: the thread that wrote the record.
        sender: whose thread that is; None for one outside.
        target: who is to get it.
    """
    if number == KILL.number and code == _SI_KERNEL and sender is not None and tid not in sender.threads:
        return Origin.NAMESPACE
    in_our_name = sender is target and code == 0 and number in _IN_OUR_NAME
    if code > 0 or code in _BY_KERNEL or in_our_name:
        return Origin.KERNEL
    return Origin.OUTSIDE if sender is None else Origin.PROCESS
