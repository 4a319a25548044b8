"""What has come of a reload, for whoever has asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.records import dataclass

if TYPE_CHECKING:
    from endwell.machine.changes import Names


@dataclass(frozen=True, slots=True)
class Applied:
    """A reload that is done.

    Args:
        names: what was different, by service, or by group where the file goes by groups.
        warnings: what is odd about the file.
        anew: whether everything was stopped and started anew, the same or not.
    """

    names: Names
    warnings: tuple[str, ...] = ()
    anew: bool = False

    def __str__(self) -> str:
        parts = {
            "added": self.names.added,
            "changed": self.names.changed,
            "removed": self.names.removed,
            "adjusted without a restart": self.names.adjusted,
        }
        told = [f"{word}: {', '.join(names)}" for word, names in parts.items() if names]
        if self.anew:
            told.insert(0, "everything was stopped and started anew")
        return f"reloaded: {'; '.join(told) or 'nothing has changed'}"
