"""Who is told meanwhile how far a probe has got."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Somebody who waits for a probe."""

    def phase(self, what: str, limit: float | None = None) -> None:
        """Something new has begun: a phrase without a full stop, and how many seconds it may take."""
        ...


class Silence:
    """Nobody is told."""

    def phase(self, what: str, limit: float | None = None) -> None:
        """Say nothing."""
