"""Where something is written, for whoever has to find it."""

from __future__ import annotations

from endwell.records import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is written: a file and a line, from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"
