"""What a report has to be for a guest's expectation, and every way in which it may differ."""

from __future__ import annotations

import pytest

from endwell.model.finding import Ending, Finding, Verdict
from endwell.model.process import End, Killer, Process
from endwell.model.report import Report
from endwell.model.signals import CHLD, KILL, TERM, Signal
from endwell.model.timeline import Fate, Origin, Reaped, Sender, Signalled, Stop, Timeline, Witness
from endwell.records import replace
from tests.zoo.comparing import differences, names
from tests.zoo.expectations import parse

OUTSIDE = Sender(Origin.OUTSIDE)
SEGV = Signal(11)


def sent(pid: int, signal: Signal, sender: Sender, fate: Fate) -> Signalled:
    return Signalled(0.0, pid, signal, sender, fate)


SHELL = Process(
    pid=1,
    parent=0,
    adopter=0,
    argv=(("/usr/bin/dash", "-c", "app; true"),),
    born=-1.0,
    died=1.0,
    end=End(signal=KILL, killer=Killer.ENGINE),
    signals=(
        sent(1, TERM, OUTSIDE, Fate.DISCARDED),
        sent(1, CHLD, Sender(Origin.KERNEL), Fate.IGNORED),
        sent(1, KILL, OUTSIDE, Fate.DEFAULT),
    ),
)
APP = Process(
    pid=2,
    parent=1,
    adopter=1,
    argv=(("/tmp/app-0123456789abcdef",),),
    born=-0.9,
    died=1.0,
    end=End(signal=KILL, killer=Killer.NAMESPACE, pid=1),
    signals=(sent(2, KILL, Sender(Origin.NAMESPACE, 1), Fate.DEFAULT),),
)
HELPER = replace(
    APP,
    pid=3,
    argv=(("python3", "-I", "/zoo/helper.py"),),
    end=End(code=0),
    died=-0.5,
    reaped=Reaped(-0.4, 3, 1),
    signals=(),
)
REPORT = Report(
    Timeline(stop=Stop(took=1.0, killed=True, exit=137), witness=Witness("tracefs")),
    (SHELL, APP, HELPER),
    (Finding("EW101", "a shell", "exec"),),
    Verdict.BADLY,
    Ending.KILLED,
)
RIGHT = [
    "killed, exit 137, 3 processes, EW101, perhaps EW402",
    "1 dash: TERM from outside, discarded; never told; killed by engine",
    "app: child of 1; no signals; never told; killed by namespace",
    "some helper: exit 0; reaped by 1",
]


def test_a_report_as_expected_has_no_differences() -> None:
    assert differences(REPORT, parse(RIGHT)) == []


@pytest.mark.parametrize(
    ("line", "text", "words"),
    [
        (0, "well, exit 137", "it ends killed, not well"),
        (0, "killed, exit 0 or 143, EW101", "it exits with 137, not 0 or 143"),
        (0, "killed, by itself, EW101", "somebody asked it to stop"),
        (0, "killed, 2 processes, EW101", "there were 3 processes, not 2"),
        (0, "killed, EW102, EW101", "nothing was found by EW102"),
        (0, "killed", "EW101 was found: a shell"),
        (1, "1 bash: told", "1 dash: is not bash, was never told"),
        (1, "1: child of 2", "1 dash: is a child of 0"),
        (1, "1: adopted by 2", "1 dash: was never adopted"),
        (1, "1: no signals", "1 dash: was sent TERM from outside, discarded"),
        (1, "1: TERM from itself, discarded", "1 dash: was sent TERM from outside, discarded"),
        (1, "1: TERM from outside, handler", "1 dash: was sent TERM from outside, discarded"),
        (1, "1: ...; TERM from outside, discarded; TERM from 2, handler; ...", "1 dash: was sent TERM"),
        (1, "1: killed by namespace", "1 dash: was killed by engine"),
        (1, "1: killed by 2", "1 dash: was killed by engine"),
        (1, "1: exit 137", "1 dash: was killed by engine"),
        (1, "1: dies of KILL", "1 dash: was killed by engine"),
        (1, "4: told", "there were 0, not 1 of '4'"),
        (2, "2 x app: told", "there were 1, not 2 of '2 x app'"),
        (2, "app: reaped by 1", "was reaped by nobody"),
        (3, "some helper: exit 1", "nobody is as expected: some helper: exit 1"),
        (3, "helper: zombie", "3 python3: was no zombie"),
    ],
)
def test_every_difference_is_a_sentence(line: int, text: str, words: str) -> None:
    lines = [*RIGHT[:line], text, *RIGHT[line + 1 :]]
    found = differences(REPORT, parse(lines))
    assert any(words in sentence for sentence in found), found


def test_dots_stand_for_any_number_of_signals() -> None:
    stormed = replace(
        SHELL, signals=(*SHELL.signals[:1], *[sent(1, TERM, Sender(Origin.PROCESS, 1), Fate.HANDLER)] * 50)
    )
    report = replace(REPORT, processes=(stormed, APP, HELPER))
    line = "1 dash: TERM from outside, discarded; TERM from itself, handler; ..."
    assert differences(report, parse([RIGHT[0], line])) == []


def test_what_a_back_end_cannot_see_is_not_asked_of_it() -> None:
    crashed = replace(SHELL, signals=(), end=End(signal=SEGV))
    line = "1: SEGV from kernel, default; dies of SEGV"
    blind = replace(
        REPORT, processes=(crashed,), timeline=replace(REPORT.timeline, witness=Witness("seccomp"))
    )
    expected = parse(["killed, EW101", line])
    assert differences(blind, expected) == []
    assert differences(replace(blind, timeline=REPORT.timeline), expected)


def test_what_a_back_end_finds_out_that_it_cannot_see_may_be_there() -> None:
    crashed = replace(
        SHELL, signals=(sent(1, SEGV, Sender(Origin.KERNEL), Fate.DEFAULT),), end=End(signal=SEGV)
    )
    report = replace(
        REPORT, processes=(crashed,), timeline=replace(REPORT.timeline, witness=Witness("seccomp"))
    )
    assert differences(report, parse(["killed, EW101", "1: SEGV from kernel, default; dies of SEGV"])) == []
    assert differences(report, parse(["killed, EW101", "1: SEGV from kernel, ignored; dies of SEGV"]))


def test_which_of_many_are_orphans_is_not_asked_of_who_sees_forks_late() -> None:
    orphan = replace(HELPER, parent=2)
    seen = (SHELL, APP, HELPER, replace(HELPER, pid=4), replace(orphan, pid=5))
    lines = ["killed, EW101", "2 x helper: child of 1", "2 x helper: adopted by 1"]
    report = replace(REPORT, processes=(*seen, replace(HELPER, pid=6)))
    assert differences(report, parse(lines))
    late = replace(report, timeline=replace(REPORT.timeline, witness=Witness("seccomp")))
    assert differences(late, parse(lines)) == []
    assert differences(replace(late, processes=seen[:4]), parse(lines))


def test_of_a_run_that_lost_events_only_that_is_asked() -> None:
    lossy = replace(REPORT, timeline=replace(REPORT.timeline, witness=Witness("tracefs", lost=9)))
    unknown = replace(lossy, ending=Ending.UNKNOWN)
    assert differences(lossy, parse(RIGHT)) == ["9 events were lost, and it ends killed"]
    assert differences(unknown, parse(RIGHT)) == ["9 events were lost, and it ends unknown"]
    assert differences(unknown, parse(["killed or unknown, EW101"])) == []


def test_a_process_goes_by_its_program_its_guest_and_its_script() -> None:
    assert names(SHELL) == {"dash"}
    assert names(APP) == {"app", "app-0123456789abcdef"}
    assert names(HELPER) == {"python3", "helper"}
