"""Several probes of the same thing: do they agree, and did watching change the outcome?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from endwell.model.finding import Verdict
from endwell.records import dataclass

if TYPE_CHECKING:
    from endwell.model.report import Report
    from endwell.model.timeline import Stop

# A run that took this much longer or shorter than the observed one ended in another way.
TOLERANCE = 0.5
_WORST_FIRST = (Verdict.BADLY, Verdict.UNKNOWN, Verdict.WELL)


@dataclass(frozen=True, slots=True)
class Series:
    """The reports of several probes of one plan, in order, and of one unobserved run, if there was one.

    Args:
        reports: of those that were finished, at least one.
        control: how the unobserved run ended.
        wanted: how many were asked for; 0: as many as there are.
    """

    reports: tuple[Report, ...]
    control: Stop | None = None
    wanted: int = 0

    @property
    def worst(self) -> Report:
        """The first report of the worst verdict: what can go wrong once will go wrong in production."""
        return min(self.reports, key=lambda report: _WORST_FIRST.index(report.verdict))

    @property
    def outcomes(self) -> Counter[tuple[str, tuple[str, ...]]]:
        """How often which verdict came with which findings."""
        return Counter(
            (one.verdict.value, tuple(sorted({finding.rule for finding in one.findings})))
            for one in self.reports
        )

    @property
    def agreement(self) -> str | None:
        """One sentence on whether the runs agree; None for a single one."""
        finished = len(self.reports)
        if finished < self.wanted:
            return f"only {finished} of {self.wanted} runs were finished: {self._compared}"
        return self._compared if finished > 1 else None

    @property
    def _compared(self) -> str:
        if len(self.reports) == 1:
            return "there is nothing to compare it with"
        if len(self.outcomes) == 1:
            return f"all {len(self.reports)} runs agree"
        parts = [
            f"{count} x {verdict} ({', '.join(codes) or 'no findings'})"
            for (verdict, codes), count in self.outcomes.most_common()
        ]
        return f"the runs disagree: {'; '.join(parts)}"

    @property
    def influence(self) -> str | None:
        """One sentence on whether watching has changed the outcome; None without a control run."""
        if self.control is None:
            return None
        seen, control = self.worst.timeline.stop, self.control
        if (seen.exit, seen.killed) != (control.exit, control.killed):
            return (
                f"the unobserved run ended otherwise: exit {control.exit}{', killed' * control.killed}, "
                f"observed exit {seen.exit}{', killed' * seen.killed}"
            )
        if abs(seen.took - control.took) > max(TOLERANCE, TOLERANCE * seen.took):
            return f"the unobserved run took {control.took:.3g} s, the observed one {seen.took:.3g} s"
        return f"the unobserved run ended alike: exit {control.exit} after {control.took:.3g} s"
