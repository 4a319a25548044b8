"""endwell.render.text: the report in a terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from endwell.model.report import Report  # noqa: TC001  hypothesis reads it
from endwell.render import Options, render
from endwell.render.clean import cells, clean
from tests.render.reports import REPORTS
from tests.unit.render import golden
from tests.unit.render.strategies import reports

SGR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize(("name", "variant"), golden.CASES)
def test_looks_as_it_did(name: str, variant: str) -> None:
    assert golden.made(name, variant) == golden.path(name, variant).read_text()


@given(reports(), st.sampled_from([40, 60, 80, 81, 120, 200]), st.booleans())
def test_any_report_fits_the_width_and_moves_no_cursor(report: Report, width: int, ascii: bool) -> None:  # noqa: A002, FBT001
    text = render("text", report, Options(width=width, ascii=ascii))
    lines = text.split("\n")
    assert max(map(cells, lines)) <= width
    assert all(line == line.rstrip() == clean(line) for line in lines)
    assert not ascii or text.isascii()
    assert lines[0].startswith(report.verdict.value)
    text.encode()  # and nothing that a stream cannot encode


@given(reports())
def test_colors_are_only_decoration(report: Report) -> None:
    colored = render("text", report, Options(color=True))
    assert SGR.sub("", colored) == render("text", report)


@pytest.mark.parametrize("width", [-1, 0, 1, 39])
def test_a_narrow_terminal_counts_as_40(width: int) -> None:
    report = REPORTS["group"]()
    assert render("text", report, Options(width=width)) == render("text", report, Options(width=40))


@pytest.mark.parametrize("name", ["storm", "crowd"])
def test_however_much_happened_the_text_is_short(name: str) -> None:
    assert len(render("text", REPORTS[name]()).splitlines()) < 40


def test_before_the_stop_takes_a_quarter_of_the_lane() -> None:
    lines = render("text", REPORTS["well"]()).splitlines()
    lane = next(line for line in lines if line.startswith("1 "))
    start, stop, end = lane.index("┣"), lane.index("●"), lane.index("■")
    assert (stop - start) / (end - start) == pytest.approx(0.25, abs=0.05)
    # 10 s before, 3 ms after: the handler of the child and its end are still apart.
    child = next(line for line in lines if line.startswith("7 "))
    assert stop < child.index("●") < child.index("■") < end


def test_the_verdict_gets_shorter_before_it_is_cut() -> None:
    report = REPORTS["never-told"]()
    long = "ends badly: 2 findings; stopped in 10.01 s of 10 s, killed by the engine, exit 137"
    assert render("text", report, Options(width=100)).splitlines()[0] == long
    short = "ends badly: 2 findings; 10.01 s of 10 s, killed, exit 137"
    assert render("text", report, Options(width=80)).splitlines()[0] == short


def test_the_legend_has_the_marks_that_are_used_and_no_others() -> None:
    legend = next(
        line for line in render("text", REPORTS["well"]()).splitlines() if "runs" in line and "forked" in line
    )
    assert "signal handled" in legend
    assert "zombie" not in legend
    assert "killed" not in legend


def test_repeated_signals_are_one_line_and_many_are_summarized() -> None:
    text = render("text", REPORTS["storm"]())
    assert "USR1  2 sleep → 3 sleep, 49 times until +0.490: 49 handler" in text
    text = render("text", REPORTS["crowd"]())
    assert "TERM  1 pool-master → 240 processes: 240 handler" in text
