r"""The protocol of one event listener, as it is spoken over its stdin and stdout.

    state          what it may write                 what follows
    ACKNOWLEDGED   `READY\n`                         READY: it may be given an event
    READY          nothing, before it is given one
    BUSY           `RESULT n\n` and n bytes          ACKNOWLEDGED; the event is done if the bytes are `OK`,
                                                     else it is rejected
    UNKNOWN        anything; nobody reads it         UNKNOWN, until its process has ended

Whatever else it writes makes it UNKNOWN: a listener that prints a line for people to its stdout has no more
part in the protocol, and there is no way back, for nobody knows what its further words mean. The event that
it has had is rejected then, and when its process ends: it is given to the next one who is ready. Bytes come
in any pieces. The names and the numbers are supervisord's (supervisord.org, "Events"). Stricter than there:
a result's line begins with its word and is not longer than `LONGEST`, and a result of no bytes is one.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.machine.pool import Entry

LONGEST = 1024  # bytes of a result's line
_SHOWN = 40
_READY = b"READY\n"
_RESULT = b"RESULT "
_OK = b"OK"


class ListenerState(IntEnum):
    """Where a listener is, by supervisord's names and numbers."""

    READY = 10
    BUSY = 20
    ACKNOWLEDGED = 30
    UNKNOWN = 40


class Handled(NamedTuple):
    """It has done what an event is for."""

    entry: Entry


class Rejected(NamedTuple):
    """It has not; the event is for the next one who is ready."""

    entry: Entry


class Broken(NamedTuple):
    """It has broken the protocol.

    Args:
        why: one line for people, after the name of the listener.
    """

    why: str


Verdict = Handled | Rejected | Broken


class Listener:
    """One process that listens.

    Attributes:
        state: where it is.
        entry: the event that it is busy with; None for none.
        able: whether it can be given anything: its process is there, and has read what it was given.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.able = False
        self.state = ListenerState.ACKNOWLEDGED
        self.entry: Entry | None = None
        self._heard = b""
        self._missing = -1  # bytes of a result that are still to come; -1 while its line is
        self._result = b""

    @property
    def free(self) -> bool:
        """Whether it may be given an event."""
        return self.able and self.state is ListenerState.READY

    @property
    def hopeful(self) -> bool:
        """Whether it may be told something yet."""
        return self.able and self.state is not ListenerState.UNKNOWN

    def give(self, entry: Entry) -> None:
        """Take note that it is given an event.

        Raises:
            ValueError: it is not READY; says where it is.
        """
        if self.state is not ListenerState.READY:
            raise ValueError(f"cannot give a listener that is {self.state.name} the event {entry.serial}")
        self.state, self.entry = ListenerState.BUSY, entry

    def take_back(self) -> None:
        """Take note that it could not be given what it should have been."""
        if self.state is ListenerState.BUSY:
            self.state, self.entry = ListenerState.READY, None

    def hear(self, data: bytes) -> list[Verdict]:
        """Take what it has written, and return what that means, in order."""
        self._heard += data
        verdicts: list[Verdict] = []
        while _READ[self.state](self, verdicts):
            pass
        return verdicts

    def end(self) -> list[Verdict]:
        """Take note that its process has ended: the next one begins anew."""
        entry = self.entry
        self._begin()
        return [] if entry is None else [Rejected(entry)]

    # --------------------------------------------------------- what is read; says whether there may be more

    def _acknowledged(self, verdicts: list[Verdict]) -> bool:
        if not _READY.startswith(self._heard[: len(_READY)]):
            self._break(verdicts, f"wrote {_shown(self._heard)} instead of READY")
        if self.state is ListenerState.UNKNOWN or len(self._heard) < len(_READY):
            return False
        self._heard = self._heard[len(_READY) :]
        self.state = ListenerState.READY
        return True

    def _ready(self, verdicts: list[Verdict]) -> bool:
        if self._heard:
            self._break(verdicts, f"wrote {_shown(self._heard)} without being asked")
        return False

    def _busy(self, verdicts: list[Verdict]) -> bool:
        if self._missing < 0:
            return self._line(verdicts)
        piece, self._heard = self._heard[: self._missing], self._heard[self._missing :]
        self._missing -= len(piece)
        if len(self._result) <= len(_OK):
            self._result += piece[:_SHOWN]
        if self._missing:
            return False
        entry, result = self.entry, self._result
        self.state, self.entry, self._missing, self._result = ListenerState.ACKNOWLEDGED, None, -1, b""
        if entry is not None:
            verdicts.append(Handled(entry) if result == _OK else Rejected(entry))
        return True

    def _line(self, verdicts: list[Verdict]) -> bool:
        line, found, rest = self._heard.partition(b"\n")
        if len(line) > LONGEST or (found and _size(line) < 0):
            self._break(verdicts, f"wrote {_shown(line)} instead of a result")
            return False
        if not found:
            return False
        self._heard, self._missing = rest, _size(line)
        return True

    def _unknown(self, _: list[Verdict]) -> bool:
        self._heard = b""
        return False

    def _break(self, verdicts: list[Verdict], why: str) -> None:
        entry, self.entry = self.entry, None
        self.state, self._heard = ListenerState.UNKNOWN, b""
        if entry is not None:
            verdicts.append(Rejected(entry))
        verdicts.append(Broken(why))


_READ: dict[ListenerState, Callable[[Listener, list[Verdict]], bool]] = {
    ListenerState.ACKNOWLEDGED: Listener._acknowledged,  # noqa: SLF001  its own table
    ListenerState.READY: Listener._ready,  # noqa: SLF001  likewise
    ListenerState.BUSY: Listener._busy,  # noqa: SLF001  likewise
    ListenerState.UNKNOWN: Listener._unknown,  # noqa: SLF001  likewise
}


def _size(line: bytes) -> int:
    """Return how many bytes a result has; -1 for a line that does not say so."""
    digits = line.removeprefix(_RESULT).strip()
    return int(digits) if line.startswith(_RESULT) and digits.isdigit() else -1


def _shown(data: bytes) -> str:
    text = repr(data[:_SHOWN])[1:]
    return f"{text}..." if len(data) > _SHOWN else text
