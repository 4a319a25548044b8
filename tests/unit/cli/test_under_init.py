"""Who has how much of the grace: the supervisor ends what is its own before the init steps in."""

from __future__ import annotations

import math
import os

import pytest
from hypothesis import given, strategies as st

from endwell.cli import under_init
from endwell.cli.under_init import VARIABLE, Place, is_wanted, place
from endwell.model.durations import parse_duration
from endwell.model.project import Project
from endwell.model.stopping import StopPlan
from endwell.supervise import last_plan


@given(st.floats(0.001, 1e6))
def test_the_supervisor_has_left_before_the_init_tells_everybody(grace: float) -> None:
    times = dict(zip(*[iter(under_init._times(grace))] * 2, strict=True))
    share = parse_duration(times["--main-timeout"])
    own, whole = StopPlan(grace=Place(grace).shorten(grace)), StopPlan(grace=grace)
    assert parse_duration(times["--grace"]) == pytest.approx(grace)
    assert own.leave <= share + 1e-9
    assert share < whole.kill < grace
    assert own.kill > 0.8 * grace


@pytest.mark.parametrize("grace", [0.0, 5.0, 10.0, 30.0])
def test_a_project_that_has_less_keeps_it(grace: float) -> None:
    assert Place(30.0).shorten(grace) == pytest.approx(min(grace, 29.7))
    assert Place().shorten(grace) == grace
    for here in (Place(30.0), Place()):
        project = here.shortened(Project(grace=grace))
        assert project.grace == here.shorten(grace)
        assert project.given == pytest.approx(grace)


def test_without_a_grace_nobody_has_a_deadline() -> None:
    assert under_init._times(math.inf) == ("--grace", "none")
    assert under_init._times(0.0) == ("--grace", "0ns")
    assert Place(math.inf).shorten(math.inf) == math.inf


def test_only_the_first_process_becomes_the_init_unless_it_is_wished(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (is_wanted(None), is_wanted(wish=True), is_wanted(wish=False)) == (False, True, False)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert (is_wanted(None), is_wanted(wish=True), is_wanted(wish=False)) == (True, True, False)
    monkeypatch.setenv(VARIABLE, "10.0")
    assert not is_wanted(wish=True), "it is under one already"


@pytest.mark.parametrize(("value", "grace"), [("10.0", 10.0), ("inf", math.inf), ("x", math.inf)])
def test_what_the_init_has_said_is_for_nobody_else(
    monkeypatch: pytest.MonkeyPatch, value: str, grace: float
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    monkeypatch.setattr(last_plan, "is_ours", lambda _: False)
    found = place("report")
    assert (found.grace, found.last_plan) == (grace, None)
    assert VARIABLE not in os.environ
