"""endwell.render.text: the report in a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from endwell.machine.lives import lives
from endwell.model.finding import Ending, Finding, Verdict
from endwell.model.report import Report
from endwell.model.signals import INT, KILL, TERM
from endwell.model.timeline import (
    Born,
    Died,
    Executed,
    Fate,
    Origin,
    Printed,
    Sender,
    Signalled,
    Stop,
    Timeline,
)
from endwell.model.traffic import Group, Outcome, Request, Traffic
from endwell.records import replace
from endwell.render import Options, render
from endwell.render.clean import cells, clean
from tests.render.reports import REPORTS
from tests.unit.render import golden
from tests.unit.render.strategies import reports

if TYPE_CHECKING:
    from endwell.model.signals import Signal
    from endwell.model.timeline import Event

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


@pytest.mark.parametrize(
    ("target", "what"), [("tcp:127.0.0.1:5432", "2 connections"), ("http://127.0.0.1/", "2 requests")]
)
def test_connections_that_were_kept_open_are_no_requests(target: str, what: str) -> None:
    report = next(one for one in (REPORTS[name]() for name in REPORTS) if one.timeline.traffic)
    kept = Request(Group.IDLE, -1.0, 0.1, Outcome.OK_CLOSE)
    timeline = replace(report.timeline, traffic=Traffic(target, (kept, kept)))
    assert f"{what}, 0 lost ({target})" in render("text", replace(report, timeline=timeline), Options())


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


def shown(*events: Event, took: float = 1.0) -> str:
    """Return the text about some events."""
    timeline = Timeline(tuple(sorted(events, key=lambda one: one.at)), Stop(took=took, exit=0))
    return render("text", Report(timeline, lives(timeline), (), Verdict.WELL, Ending.WELL))


def sent(at: float, pid: int, signal: Signal, fate: Fate, sender: int | None = None) -> Signalled:
    origin = Sender(Origin.OUTSIDE) if sender is None else Sender(Origin.PROCESS, sender)
    return Signalled(at, pid, signal, origin, fate)


def test_a_process_is_called_what_it_was_at_that_time() -> None:
    text = shown(
        Born(-9, 1, 0),
        Executed(-8.9, 1, ("/bin/sh", "-c", "kill -9 $$; exec sleep 3")),
        sent(-8.5, 1, KILL, Fate.DISCARDED, 1),
        Executed(-8, 1, ("sleep", "3")),
        Born(-7.9, 2, 1),
        sent(-7.8, 2, INT, Fate.HANDLER, 1),
        Executed(-7.7, 2, ("/usr/bin/worker",)),
        sent(0, 2, INT, Fate.IGNORED, 1),
        Died(0.5, 2, 0),
        Died(1, 1, 0),
    )
    assert "  -8.500  KILL  1 sh → itself: discarded\n" in text
    assert "  -7.800  INT   1 sleep → 2 sleep: handler\n" in text
    assert "  +0.000  INT   1 sleep → 2 worker: ignored\n" in text


def lane(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("1 "))


def test_two_signals_of_one_sender_that_met_different_fates_are_two_marks() -> None:
    events = (Born(-1, 1, 0), Executed(-0.9, 1, ("app",)), Died(10, 1, 0))
    first, second = sent(0, 1, TERM, Fate.HANDLER), sent(0.00065, 1, TERM, Fate.DISCARDED)
    drawn = lane(shown(*events, first, second, took=10))
    assert "●" in drawn
    assert "○" in drawn


def test_where_there_is_no_room_one_mark_stands_for_both() -> None:
    events = (Born(-1, 1, 0), Executed(-0.9, 1, ("app",)), Died(10, 1, 0))
    text = shown(*events, sent(0, 1, TERM, Fate.HANDLER), sent(0.0001, 1, INT, Fate.DISCARDED, 1), took=10)
    assert "◎" in lane(text)
    assert "◎ several signals, see below" in text


def test_what_commands_inside_print_is_not_pushed_out() -> None:
    lines = [Printed(at / 10, "stdout", f"line {at}") for at in range(30)]
    text = shown(Born(-1, 1, 0), Printed(-0.5, "stdout", "42", "redis-cli get a"), *lines, Died(3, 1, 0))
    assert "the last 11 of 31 lines of output; in brackets: of which command inside\n" in text
    assert "  -0.500   [redis-cli get a] 42\n" in text
    assert "line 29\n" in text


@pytest.mark.parametrize("at", [-0.5, 0.5])
def test_a_status_has_one_mark_before_the_stop_and_after_it(at: float) -> None:
    events = (Born(-1, 1, 0), Executed(-0.9, 1, ("app",)), Born(-0.8, 2, 1), Died(1, 1, 0))
    assert "▣" in shown(*events, Died(at, 2, 127))
    assert "▣" not in shown(*events, Died(at, 2, 0))
