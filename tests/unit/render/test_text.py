"""endwell.render.text: the report in a terminal."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from endwell.model.finding import Finding
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


@pytest.mark.parametrize("page", golden.PAGES)
def test_the_examples_of_the_pages_are_made_by_it(page: str) -> None:
    _, example, _ = golden.shown(page)
    make = golden.PAGES[page][2]
    assert example == make(), "python -m tests.unit.render.golden writes it anew"


def test_the_example_of_the_readme_is_short() -> None:
    assert len(golden.readme().strip().splitlines()) <= 20


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
    assert "USR1  2 sleep → 3 sleep, 49 times until +0.490: handler" in text
    text = render("text", REPORTS["crowd"]())
    assert "TERM  1 pool-master → 240 processes: handler" in text


def test_those_that_came_and_went_are_one_line() -> None:
    lines = render("text", REPORTS["crash"]()).splitlines()
    lanes = [line for line in lines if "before stop" in line]
    assert len(lanes) == 1
    assert "╴34 came and went " in lanes[0]
    # A zombie at the stop with its child, and one that a finding speaks of, have lanes of their own.
    assert [line.split()[0] for line in lines if line.lstrip()[:2].rstrip("+ ").isdigit()] == [
        "1",
        "2+",
        "36",
        "37",
        "40",
    ]


def test_a_crash_is_no_end_of_ones_own() -> None:
    assert render("text", REPORTS["crash"]()).startswith(
        "ends badly: 1 finding and 1 warning; 11 ms of 10 s, died of SIGSEGV, exit 139\n"
    )


def test_what_cannot_be_told_says_why() -> None:
    assert render("text", REPORTS["lossy"]()).startswith("cannot tell: 3546 events were lost; ")


def test_the_other_runs_are_spoken_of_at_the_end() -> None:
    said = ("all 5 runs agree", "the unobserved run ended alike: " + "and so on " * 10)
    report = REPORTS["well"]()
    lines = render("text", report, Options(series=said)).splitlines()
    assert lines[-4:-2] == ["", "all 5 runs agree"]
    assert lines[:-4] == render("text", report).splitlines()
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("message", "pids", "about"),
    [
        ("PID 1 (sh) did not tell app (7)", (1, 7), ""),
        ("PID 1 (sh) did not tell app (77)", (1, 7), " (processes 1, 7)"),
        ("app (7) was never told", (7, 8), " (processes 7, 8)"),
        ("nobody was told", (), ""),
        ("it was not told", (3,), " (process 3)"),
    ],
)
def test_numbers_that_were_named_are_not_named_again(message: str, pids: tuple[int, ...], about: str) -> None:
    report = replace(REPORTS["well"](), findings=(Finding("EW402", message, "tell them", pids),))
    assert f"EW402 {message}{about}\n" in render("text", report)
