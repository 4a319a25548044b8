"""When a container that says nothing is taken to be ready: it listens, or it has come to rest.

A program that is stopped while it is still starting tells little: the signal meets it before its handler is
there, and is lost. Python needs 11 ms to get that far, gunicorn 69 ms, a JVM longer, and a program that
imports for a second needs that second. From outside this looks the same everywhere: while a program starts,
processes appear and become other programs, something is printed, or a processor is used. So *settled* means
that nothing of that happened for a moment. That a port is listened on is a second sign; it only shortens the
moment, because some servers listen before their workers are there.

What never comes to rest (a busy loop, `while sleep 1`) is ready after a while, and the report says which.
"""

from __future__ import annotations

from endwell.records import dataclass

QUIET = 0.15  # seconds of rest
QUIET_LISTENING = 0.05  # seconds of rest for one that listens
GIVE_UP = 3.0  # seconds after which one without rest is taken as it is
# How much of a processor counts as rest; a server that waits needs far less, one that starts far more.
_SHARE = 0.1
_LEAST = 300_000  # nanoseconds between two looks that are not worth mentioning
_SECOND = 1e9


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of a container at one instant.

    Args:
        at: seconds of the monotonic clock.
        processes: who is alive: number, start and name of each; another program has another name.
        used: nanoseconds of processor time that all of them have used together.
        working: whether one of them is running or waits for a disk right now.
        printed: how much output there is; anything that changes when there is more.
        listening: an address of theirs, such as `tcp:8080`, or nothing.
    """

    at: float
    processes: frozenset[tuple[int, int, str]]
    used: int = 0
    working: bool = False
    printed: object = None
    listening: str = ""


class Settling:
    """A fold over looks: `look` tells when, and why, the container is ready; it began at `begun`."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self._last: Look | None = None
        self._since = begun

    def look(self, look: Look) -> str | None:
        """Return `tcp:8080`, `settled` or `still busy after 3 s` when it is ready, otherwise None."""
        last, self._last = self._last, look
        if last is None or not look.processes or _moved(last, look):
            self._since = look.at
        rest = look.at - self._since
        if look.processes and look.listening and rest >= QUIET_LISTENING:
            return look.listening
        if look.processes and rest >= QUIET:
            return "settled"
        if look.processes and look.at - self._begun >= GIVE_UP:
            return f"still busy after {GIVE_UP:g} s"
        return None


def _moved(before: Look, after: Look) -> bool:
    allowed = max(_LEAST, _SHARE * (after.at - before.at) * _SECOND)
    return (
        after.working
        or after.processes != before.processes
        or after.printed != before.printed
        or after.used - before.used > allowed
    )
