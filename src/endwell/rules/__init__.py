"""Judges a timeline: one rule, one file, one page. Rules do not know whether it was predicted or observed.

The verdict is about what was found: it ends badly when any finding is an error. The ending is about processes
only: `partial` as soon as one was killed that was not ending at once anyway, even a `sleep` that loses
nothing, whose finding is a warning. So an ending can be partial and good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Ending, Severity, Verdict
from endwell.model.report import Report
from endwell.rules.case import Case
from endwell.rules.precedence import without_consequences
from endwell.rules.table import RULES, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endwell.model.finding import Finding
    from endwell.model.timeline import Timeline

__all__ = ["RULES", "Case", "Rule", "judge"]

# What can be said although events were lost: it is known from the engine, or from the clients.
CERTAIN = frozenset({"EW405", "EW409", "EW505", "EW901"})


def judge(timeline: Timeline) -> Report:
    """Return what there is to say about one stop."""
    case = Case.of(timeline)
    rules = [rule for rule in RULES if rule.code in CERTAIN] if timeline.witness.lost else RULES
    findings = without_consequences([finding for rule in rules for finding in rule.find(case)])
    ending = _ending(case)
    return Report(timeline, case.processes, findings, _verdict(case, ending, findings), ending)


def _verdict(case: Case, ending: Ending, findings: Iterable[Finding]) -> Verdict:
    if case.timeline.witness.lost or case.main is None:
        return Verdict.UNKNOWN
    if any(one.severity is Severity.ERROR for one in findings):
        return Verdict.BADLY
    return Verdict.UNKNOWN if ending is Ending.UNKNOWN else Verdict.WELL


def _ending(case: Case) -> Ending:
    main = case.main
    if case.timeline.witness.lost or not case.stop.asked or main is None:
        return Ending.UNKNOWN
    if case.killed:
        return Ending.KILLED
    if main.end is None:
        return Ending.UNKNOWN
    if main.end.killer is not None:  # by somebody else than the engine, the kernel short of memory, say
        return Ending.KILLED
    return Ending.PARTIAL if case.torn or case.killed_inside else Ending.WELL
