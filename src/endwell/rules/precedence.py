"""Which finding explains which: a consequence is not repeated where its cause has been named.

A finding is dropped when one of the rules named beside its own has found something about one of the same
processes, and that weighs at least as much: a warning never hides an error. That somebody was never told
(EW402, EW404) is dropped only where the causes name everybody concerned. No handler at PID 1 (EW201) does not
explain it: to mend the one does not yet mean that the others are told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from endwell.model.finding import Finding

# The consequence, and what explains it.
EXPLAINED_BY = {
    "EW101": ("EW204",),
    "EW102": ("EW204",),
    "EW104": ("EW102",),
    "EW201": ("EW101", "EW102", "EW204", "EW205"),
    "EW202": ("EW205",),
    "EW203": ("EW102",),
    "EW206": ("EW205",),
    "EW301": ("EW101", "EW102", "EW201", "EW202", "EW203", "EW204", "EW205", "EW206", "EW302", "EW407"),
    "EW303": ("EW205", "EW302"),
    "EW402": ("EW101", "EW102", "EW103", "EW104", "EW205", "EW301", "EW302"),
    "EW404": ("EW102", "EW103", "EW104"),
    "EW408": ("EW102", "EW202", "EW203"),
    "EW501": ("EW503",),
    "EW503": ("EW407",),
    "EW504": ("EW501", "EW503"),
}


# Explained only where the causes together name all of its processes.
ALL_NAMED = frozenset({"EW402", "EW404"})
WEIGHTS = (Severity.ERROR, Severity.WARNING)


def without_consequences(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings that no other one explains, each once: errors first, then by code."""
    kept = [one for one in findings if not _explained(one, findings)]
    unique = dict.fromkeys(kept)
    return tuple(
        sorted(unique, key=lambda one: (WEIGHTS.index(one.severity), one.rule, one.pids, one.message))
    )


def _explained(one: Finding, findings: Iterable[Finding]) -> bool:
    causes = EXPLAINED_BY.get(one.rule, ())
    named = {
        pid
        for other in findings
        if other.rule in causes and (other.severity is Severity.ERROR or one.severity is Severity.WARNING)
        for pid in other.pids
    }
    mine = set(one.pids)
    return bool(mine) and (mine <= named if one.rule in ALL_NAMED else bool(mine & named))
