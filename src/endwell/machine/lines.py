"""Whole lines out of what a pipe gives, whatever the pieces it comes in."""

from __future__ import annotations

LONGEST = 1 << 20

_TAIL = 3  # bytes of a UTF-8 sequence that may be missing
_CONTINUATION = range(0x80, 0xC0)


class Lines:
    """Gives back what it is fed, in whole lines; only a line longer than `longest` bytes comes in pieces.

    Nothing is looked at but the last line break of each piece, so this costs next to nothing.
    """

    __slots__ = ("_held", "_longest", "_size")

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._held: list[bytes] = []
        self._size = 0

    @property
    def held(self) -> int:
        """How many bytes wait for the end of their line."""
        return self._size

    def feed(self, data: bytes) -> bytes:
        """Return the lines that are complete now; without a line break at the end, a piece of a long one.

        Such a piece ends where a UTF-8 sequence does.
        """
        end = data.rfind(b"\n") + 1
        if end:
            held = self._take()
            if end < len(data):
                self._hold(data[end:])
                data = data[:end]
            return held + data if held else data
        self._hold(data)
        if self._size < self._longest:
            return b""
        piece = self._take()
        if missing := _incomplete(piece):
            self._hold(piece[-missing:])
            return piece[:-missing]
        return piece

    def rest(self) -> bytes:
        """Return what waits for the end of its line, which will not come."""
        return self._take()

    def _hold(self, data: bytes) -> None:
        if data:
            self._held.append(data)
            self._size += len(data)

    def _take(self) -> bytes:
        if not self._held:
            return b""
        taken = b"".join(self._held)
        self._held.clear()
        self._size = 0
        return taken


def _incomplete(data: bytes) -> int:
    """How many bytes at the end begin a UTF-8 sequence that is not complete."""
    for back in range(1, min(_TAIL, len(data) - 1) + 1):
        byte = data[-back]
        if byte in _CONTINUATION:
            continue
        length = 2 if 0xC0 <= byte < 0xE0 else 3 if 0xE0 <= byte < 0xF0 else 4 if byte >= 0xF0 else 1  # noqa: PLR2004  UTF-8's own numbers
        return back if length > back else 0
    return 0
