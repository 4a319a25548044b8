"""What is said about one stop: what happened, and what it amounts to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.records import dataclass

if TYPE_CHECKING:
    from endwell.model.finding import Ending, Finding, Verdict
    from endwell.model.process import Process
    from endwell.model.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Report:
    """A timeline, judged: `rules.judge` makes it, `render` shows it."""

    timeline: Timeline
    processes: tuple[Process, ...]
    findings: tuple[Finding, ...]
    verdict: Verdict
    ending: Ending
