"""Several probes of one thing: the worst of them counts, and whether they agree is said."""

from __future__ import annotations

from endwell.model.finding import Ending, Finding, Verdict
from endwell.model.report import Report
from endwell.model.timeline import Stop, Timeline
from endwell.probe.repeat import Series


def report(verdict: Verdict, *codes: str, took: float = 0.1, status: int = 0, killed: bool = False) -> Report:
    timeline = Timeline(stop=Stop(took=took, exit=status, killed=killed))
    return Report(timeline, (), tuple(Finding(code, "m", "n") for code in codes), verdict, Ending.WELL)


WELL = report(Verdict.WELL)
BADLY = report(Verdict.BADLY, "EW402", "EW402", "EW101")
UNKNOWN = report(Verdict.UNKNOWN, "EW901")


def test_the_worst_counts() -> None:
    assert Series((WELL, UNKNOWN, BADLY, WELL)).worst is BADLY
    assert Series((WELL, UNKNOWN)).worst is UNKNOWN


def test_one_run_agrees_with_nobody() -> None:
    assert Series((WELL,)).agreement is None


def test_runs_agree_or_not() -> None:
    assert Series((BADLY, BADLY)).agreement == "all 2 runs agree"
    assert Series((WELL, BADLY, WELL)).agreement == (
        "the runs disagree: 2 x ends well (no findings); 1 x ends badly (EW101, EW402)"
    )


def test_a_control_run_tells_whether_watching_has_changed_anything() -> None:
    assert Series((WELL,)).influence is None
    same = Series((WELL,), Stop(took=0.2, exit=0)).influence
    assert same == "the unobserved run ended alike: exit 0 after 0.2 s"
    other = Series((WELL,), Stop(took=10.0, exit=137, killed=True)).influence
    assert other == "the unobserved run ended otherwise: exit 137, killed, observed exit 0"
    slower = Series((WELL,), Stop(took=3.0, exit=0)).influence
    assert slower == "the unobserved run took 3 s, the observed one 0.1 s"
