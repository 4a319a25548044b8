"""What an approximation cannot show: a program that is treated as PID 1 in a place where it is not."""

from __future__ import annotations

NAME = "approximation"
_NUMBERS = (
    "no PID namespace could be made here: the program ran as an ordinary process, which is called PID 1; it "
    "knew itself by another number, and it saw the processes around it"
)
_KERNEL = (
    "a signal from the kernel for which PID 1 has no handler, such as that of a broken pipe, a timer or a "
    "terminal, ended it; as PID 1 it would have been spared"
)
_TEARDOWN = "what was left at its end was killed by us, a few ms later than the kernel does it"
_FILTERED = (
    "signals to PID 1 that the kernel would discard were withheld by us; those to the number 1, to all, or "
    "to a group with such a PID 1 were sent by us, so that si_pid is another one"
)
_OTHER_ABI = (
    "system calls by another ABI, such as those of 32-bit programs, failed with ENOSYS: nothing else would "
    "have kept their signals in"
)
_OWNER = "signals that the kernel sends for fcntl F_SETOWN were neither seen nor kept in"


def blind() -> tuple[str, ...]:
    """Return a sentence for each thing that is not as it would be."""
    return (_NUMBERS, _KERNEL, _TEARDOWN, _FILTERED, _OTHER_ABI, _OWNER)
