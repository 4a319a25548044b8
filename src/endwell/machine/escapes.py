"""Terminal escape sequences taken out of what is logged, wherever the pieces it comes in are cut."""

from __future__ import annotations

import re

# ECMA-48: a control sequence has parameters, intermediates and a last byte; others are one or two bytes long.
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")
_BEGUN = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b\n]*\x1b?|[ -/]*)\Z")
_LONGEST = 256


class Escapes:
    """Takes escape sequences out; what has only begun is held back until it is whole, or too long."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = b""

    def strip(self, data: bytes) -> bytes:
        """Return what is left of the next piece."""
        if self._begun:
            data, self._begun = self._begun + data, b""
        elif b"\x1b" not in data:
            return data
        data = _SEQUENCE.sub(b"", data)
        at = data.rfind(b"\x1b", max(len(data) - _LONGEST, 0))
        # An operating system command may end in an escape character of its own.
        for begin in (data.rfind(b"\x1b", 0, at), at) if at > 0 else (at,):
            if begin >= 0 and len(data) - begin <= _LONGEST and _BEGUN.match(data, begin):
                self._begun = data[begin:]
                return data[:begin]
        return data

    def rest(self) -> bytes:
        """Return what had only begun."""
        begun, self._begun = self._begun, b""
        return begun
