"""endwell.render.family and volleys: the tree, what is alike, and what was meant as one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from endwell.machine.lives import lives
from endwell.model.finding import Ending, Verdict
from endwell.model.report import Report
from endwell.model.timeline import Born, Died, Reaped, Timeline
from endwell.render.family import Lives, foremost, lanes, passing
from endwell.render.volleys import repeated, volleys
from tests.render.reports import REPORTS, started
from tests.unit.render.strategies import reports

if TYPE_CHECKING:
    from endwell.model.timeline import Event


@given(reports(), st.integers(0, 30))
def test_everybody_is_in_one_lane(report: Report, room: int) -> None:
    found = lanes(report.processes, room)
    assert sorted(index for lane in found for index in lane.members) == list(range(len(report.processes)))
    assert all(after.depth <= before.depth + 1 for before, after in pairwise(found))
    assert all(len(lane.rails) == max(0, lane.depth - 1) for lane in found)


@given(reports())
def test_without_need_nobody_shares(report: Report) -> None:
    assert all(len(lane.members) == 1 for lane in lanes(report.processes, len(report.processes)))


def test_pairs_that_are_alike_share_two_lanes() -> None:
    report = REPORTS["crowd"]()
    found = [
        (len(lane.members), report.processes[lane.members[0]].name, lane.depth)
        for lane in lanes(report.processes, 24)
    ]
    assert found == [
        (1, "pool-master", 0),
        (239, "worker", 1),
        (1, "worker", 1),
        (29, "sh", 1),
        (29, "tailer", 2),
        (1, "odd-one", 1),
    ]


def test_a_long_chain_is_no_matter() -> None:
    events = [event for pid in range(1, 3001) for event in started(pid / 1e4, pid, pid - 1, f"p{pid}")]
    found = lanes(lives(Timeline(tuple(sorted(events, key=lambda one: one.at)))), 24)
    assert [lane.depth for lane in found] == list(range(3000))


def test_a_number_that_comes_round_again_is_another_life() -> None:
    events = (Born(-9, 1, 0), Born(-8, 2, 1), Died(-7, 2, 0), Born(-6, 3, 1), Born(-5, 2, 3), Born(-4, 4, 2))
    processes = lives(Timeline(events))
    assert Lives(processes).find(2, -7.5) == 1
    assert Lives(processes).find(2, 0.0) == 3
    assert Lives(processes).find(5, 0.0) is None
    order = [(lane.members[0], lane.depth) for lane in lanes(processes, 24)]
    assert order == [(0, 0), (1, 1), (2, 1), (3, 2), (4, 3)]


@given(reports(), st.integers(0, 30))
def test_those_who_passed_are_in_one_lane_per_parent(report: Report, room: int) -> None:
    gone = passing(report)
    found = lanes(report.processes, room, gone)
    assert sorted(index for lane in found for index in lane.members) == list(range(len(report.processes)))
    concerned = {pid for one in report.findings for pid in one.pids}
    for lane in found:
        if lane.gone:
            assert len(lane.members) > 3
            assert gone.issuperset(lane.members)
    for index in gone:
        process = report.processes[index]
        assert process.died is not None
        assert process.died < 0
        assert process.pid not in concerned | {1}


def test_helpers_of_the_start_came_and_went() -> None:
    report = REPORTS["crash"]()
    found = lanes(report.processes, 24, passing(report))
    assert [(len(lane.members), lane.depth, lane.gone) for lane in found] == [
        (1, 0, False),
        (34, 1, True),
        (1, 1, False),
        (1, 2, False),
        (1, 1, False),
    ]


@pytest.mark.parametrize(("number", "shared"), [(3, False), (4, True)])
def test_a_few_that_came_and_went_are_shown(number: int, shared: bool) -> None:  # noqa: FBT001
    events: list[Event] = [Born(-9, 1, 0), Born(-8.5, 2, 1)]
    for pid in range(3, 3 + number):
        events += [Born(-8 + pid / 10, pid, 2), Died(-7.95 + pid / 10, pid, 0)]
        events += [Reaped(-7.949 + pid / 10, pid, 2)]
    timeline = Timeline(tuple(events))
    one = Report(timeline, lives(timeline), (), Verdict.WELL, Ending.WELL)
    assert any(lane.gone for lane in lanes(one.processes, 24, passing(one))) is shared


def test_the_foremost_are_those_a_finding_speaks_of() -> None:
    report = REPORTS["crowd"]()
    every = lanes(report.processes, 10_000)
    shown = [report.processes[lane.members[0]].pid for lane in foremost(report, every, 60)]
    assert len(shown) == 60
    assert {27, *range(300, 358)} <= set(shown)
    assert shown == [pid for pid in (report.processes[lane.members[0]].pid for lane in every) if pid in shown]


@given(reports())
def test_every_signal_is_in_one_volley(report: Report) -> None:
    sent = sum(one.signal.name != "SIGCHLD" for process in report.processes for one in process.signals)
    found = volleys(report.processes)
    assert sum(len(one.arrivals) for one in found) == sent
    assert sum(len(one.arrivals) for one in repeated(found)) == sent
    assert all(len({(one.sender, one.signal) for one in volley.arrivals}) == 1 for volley in found)
    assert [one.at for one in found] == sorted(one.at for one in found)


@pytest.mark.parametrize(("name", "number"), [("group", 5), ("crowd", 3)])
def test_a_group_signal_is_one(name: str, number: int) -> None:
    assert len(volleys(REPORTS[name]().processes)) == number
