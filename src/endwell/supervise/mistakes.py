"""Mistakes of our own: told, counted and survived, since those who run have to be ended well all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_WHILE = 60.0  # seconds
_TOLD = 20  # in that time: those after them are not worth the output
_TOO_MANY = 1000  # likewise: we do nothing else any more


class Mistakes:
    """Exceptions that nobody has foreseen.

    Args:
        say: says a line.
        now: seconds on the monotonic clock.
    """

    def __init__(self, say: Callable[[str], None], now: Callable[[], float]) -> None:
        self._say = say
        self._now = now
        self._since = now()
        self._count = 0

    def note(self, error: Exception) -> bool:
        """Tell of one, and return whether it is time to give up."""
        if self._now() - self._since > _WHILE:
            self._since, self._count = self._now(), 0
        self._count += 1
        if self._count <= _TOLD:
            self._say(f"a mistake of endwell's own, please report it: {where(error)}")
        return self._count > _TOO_MANY


def where(error: Exception) -> str:
    """Return what went wrong, and in which line of which file, in one line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}: "
    return f"{place}{type(error).__name__}: {error}"
