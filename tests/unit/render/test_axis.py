"""endwell.render.axis: where an instant stands."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

from endwell.model.report import Report  # noqa: TC001  hypothesis reads it
from endwell.render.axis import BEFORE, axis, ticks
from tests.render.reports import REPORTS
from tests.unit.render.strategies import reports, times


@given(reports(), times, times)
def test_never_goes_backwards_and_stays_inside(report: Report, one: float, other: float) -> None:
    measures = axis(report, 0.02)
    low, high = sorted((one, other))
    assert 0 <= measures.place(low) <= measures.place(high) <= 1
    assert list(measures.places) == sorted(measures.places)
    assert measures.start < 0 < measures.end


@given(reports())
def test_what_was_before_the_stop_gets_a_quarter(report: Report) -> None:
    if report.timeline.stop.asked:
        assert axis(report, 0.02).place(0.0) == pytest.approx(BEFORE)
    else:
        assert axis(report, 0.02).place(0.0) > 0.8


@given(reports())
def test_labels_do_not_touch(report: Report) -> None:
    measures = axis(report, 0.02)
    places = [measures.place(0.0), *(measures.place(at) for at, _ in ticks(measures, 0.1, 0.0))]
    places.sort()
    assert all(after - before >= 0.0999 for before, after in pairwise(places))


def test_instants_a_millisecond_apart_are_told_apart_in_ten_seconds() -> None:
    measures = axis(REPORTS["killed-by-engine"](), 0.02)
    assert measures.place(1.121) - measures.place(1.12) > 0.01
    assert measures.place(10.0) - measures.place(5.0) > 0.15
