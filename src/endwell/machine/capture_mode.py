"""Messages to listeners within the output of a process, between two tokens that supervisord has chosen.

What is between the tokens is a message, and is not logged; what is around them is. The pieces in which output
comes may cut a token anywhere: what may be the beginning of one is held back until that is known, and nothing
else is. A process that ends within a message has not sent one, so what there is of it is output as any other.
"""

from __future__ import annotations

from typing import NamedTuple

BEGIN = b"<!--XSUPERVISOR:BEGIN-->"
END = b"<!--XSUPERVISOR:END-->"
_FIRST = BEGIN[:1]  # it is in no other place of a token


class Piece(NamedTuple):
    """A part of what was written.

    Args:
        text: it.
        message: whether it is a message to listeners, and complete.
    """

    text: bytes
    message: bool = False


class CaptureMode:
    """Takes messages out of the output of one stream.

    Args:
        most: bytes of a message that are kept: the newest.
    """

    __slots__ = ("_held", "_message", "_most", "_within")

    def __init__(self, most: int) -> None:
        self._most = most
        self._within = False
        self._held = b""
        self._message = b""

    def feed(self, data: bytes) -> list[Piece]:
        """Return what there is in the next piece of output, in its order."""
        if not self._within and not self._held and _FIRST not in data:
            return [Piece(data)]
        if self._held:
            data, self._held = self._held + data, b""
        pieces: list[Piece] = []
        at = 0
        while (found := data.find(self._token, at)) >= 0:
            end = found + len(self._token)
            self._take(data[at:found], pieces)
            if self._within:
                pieces.append(Piece(self._message, message=True))
                self._message = b""
            self._within = not self._within
            at = end
        begun = data.rfind(_FIRST, max(at, len(data) - len(self._token) + 1))
        if begun >= 0 and self._token.startswith(data[begun:]):
            data, self._held = data[:begun], data[begun:]
        self._take(data[at:], pieces)
        return pieces

    def rest(self) -> bytes:
        """Return what was held back, of a token that will not come."""
        rest = self._message + self._held
        self._within, self._held, self._message = False, b"", b""
        return rest

    @property
    def _token(self) -> bytes:
        return END if self._within else BEGIN

    def _take(self, data: bytes, pieces: list[Piece]) -> None:
        if not data:
            return
        if not self._within:
            pieces.append(Piece(data))
        else:
            message = self._message + data
            self._message = message[max(0, len(message) - self._most) :]
