"""endwell.rules: the table, the pages, and that judge has an answer to everything."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import endwell.rules
from endwell.model.finding import Ending, Finding, Severity, Verdict
from endwell.model.process import Killer
from endwell.model.signals import INT, KILL, QUIT, TERM
from endwell.model.timeline import (
    Adopted,
    Born,
    Died,
    Executed,
    Fate,
    Holding,
    OpenFile,
    Origin,
    Printed,
    Ready,
    Reaped,
    Sender,
    Signalled,
    Stop,
    Timeline,
    Way,
    Witness,
)
from endwell.model.traffic import Group, Outcome, Request, Traffic
from endwell.records import replace
from endwell.rules import RULES, judge, precedence
from endwell.rules.precedence import without_consequences
from tests import zoo
from tests.unit.rules.__main__ import DIRECTORY, pages
from tests.unit.rules.build import Story

SECTIONS = ["What happens", "Why", "See it", "Mend it", "When it is fine"]
rules = pytest.mark.parametrize("rule", RULES, ids=[rule.code for rule in RULES])

PIDS = st.integers(1, 5)
TIMES = st.floats(-2, 12, allow_nan=False)
SIGNALS = st.sampled_from([TERM, INT, QUIT, KILL])
SENDERS = st.builds(Sender, st.sampled_from(Origin), st.none() | PIDS)
ARGVS = st.sampled_from(
    [
        (),
        ("",),
        ("sh", "-c", "app; true"),
        ("/bin/bash", "/entrypoint.sh"),
        ("npm start",),
        ("tini", "--", "app"),
        ("python3", "/usr/bin/supervisord"),
        ("nginx: master process nginx",),
        ("sleep", "1000"),
        ("app", "\n"),
    ]
)
EVENTS = st.one_of(
    st.builds(Born, TIMES, PIDS, st.integers(0, 5)),
    st.builds(Executed, TIMES, PIDS, ARGVS),
    st.builds(Signalled, TIMES, PIDS, SIGNALS, SENDERS, st.sampled_from(Fate)),
    st.builds(Adopted, TIMES, PIDS, st.integers(0, 5)),
    st.builds(Died, TIMES, PIDS, st.none() | st.integers(0, 255), st.none() | SIGNALS, st.none() | SENDERS),
    st.builds(Reaped, TIMES, PIDS, st.integers(0, 5)),
    st.builds(
        Holding,
        TIMES,
        PIDS,
        st.tuples(
            st.builds(
                OpenFile,
                st.sampled_from(["/a.tmp", "/b.csv", "/c"]),
                st.none() | st.integers(0, 2),
                st.none() | st.booleans(),
            )
        ),
    ),
    st.builds(Printed, TIMES, st.just("stdout"), st.text()),
)
TIMELINES = st.builds(
    Timeline,
    st.lists(EVENTS, max_size=40).map(lambda found: tuple(sorted(found, key=lambda event: event.at))),
    st.builds(
        Stop,
        SIGNALS,
        st.floats(0, 10),
        st.floats(0, 12),
        st.booleans(),
        st.none() | st.integers(0, 255),
        st.sampled_from(Way),
        st.booleans(),
    ),
    st.builds(Witness, st.just("chance"), st.integers(0, 1)),
    st.just("local"),
    st.builds(Ready, st.sampled_from(["settled", "tcp:1"]), st.none() | TIMES),
    st.none()
    | st.builds(
        Traffic,
        st.just("http://x/"),
        st.lists(
            st.builds(Request, st.sampled_from(Group), TIMES, st.none() | TIMES, st.sampled_from(Outcome))
        ).map(tuple),
    ),
)


@given(TIMELINES)
def test_judges_whatever_happened(timeline: Timeline) -> None:
    report = judge(timeline)
    keys = [(one.severity.value, one.rule, one.pids, one.message) for one in report.findings]
    assert keys == sorted(keys)
    assert len(set(report.findings)) == len(report.findings)
    assert judge(timeline) == report
    errors = any(one.severity is Severity.ERROR for one in report.findings)
    if report.verdict is Verdict.WELL:
        assert not errors
        assert report.ending is not Ending.UNKNOWN
        assert not timeline.witness.lost
    if timeline.witness.lost:
        assert (report.verdict, report.ending) == (Verdict.UNKNOWN, Ending.UNKNOWN)
    for one in report.findings:
        assert one.rule in {rule.code for rule in RULES}
        assert one.message.isprintable()
        assert one.next.isprintable()


@given(TIMELINES)
def test_a_well_ending_has_killed_nobody(timeline: Timeline) -> None:
    report = judge(timeline)
    if report.ending is Ending.WELL:
        killed = [one for one in report.processes if one.end and one.end.killer is Killer.NAMESPACE]
        assert all(any(sent.fate is Fate.DEFAULT for sent in one.signals) for one in killed)
        assert any(one.pid == 1 and one.end for one in report.processes)


def test_the_table_is_in_order() -> None:
    codes = [rule.code for rule in RULES]
    assert codes == sorted(set(codes))
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_every_module_of_a_rule_is_in_the_table() -> None:
    directory = Path(endwell.rules.__file__).parent
    modules = {path.stem for path in directory.glob("*.py") if "\nCODE = " in path.read_text()}
    assert modules == {rule.name.replace("-", "_") for rule in RULES}


@rules
def test_page(rule: endwell.rules.Rule) -> None:
    assert re.fullmatch(r"EW[1-59]\d\d", rule.code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.name)
    assert 20 < len(rule.summary) <= 90
    assert rule.summary[-1] != "."
    assert rule.page.startswith(f"# {rule.code} {rule.name}\n\n")
    assert re.findall(r"^## (.*)$", rule.page, re.MULTILINE) == SECTIONS
    assert "\n    " in rule.page.partition("## Mend it")[2]
    assert "    endwell probe" in rule.page.partition("## See it")[2].partition("## Mend it")[0]
    assert max(map(len, rule.page.splitlines())) <= 120
    assert not re.search(r"/root|/work|issue", rule.page)


@rules
def test_page_names_guests_and_rules_that_exist(rule: endwell.rules.Rule) -> None:
    for line in re.findall(r"Guests?: (.*?)\.\n", rule.page, re.DOTALL):
        assert set(re.findall(r"`([a-z0-9-]+)`", line)) <= set(zoo.guests())
    mentioned = set(re.findall(r"EW\d\d\d", rule.page))
    assert mentioned <= {one.code for one in RULES}


def test_docs_are_what_the_rules_say() -> None:
    """Run `python -m tests.unit.rules` when they are not."""
    written = {path.name: path.read_text() for path in DIRECTORY.glob("*.md")}
    assert written == pages()


def test_precedence_names_rules_that_exist() -> None:
    codes = {rule.code for rule in RULES}
    assert set(precedence.EXPLAINED_BY) <= codes
    for consequence, causes in precedence.EXPLAINED_BY.items():
        assert set(causes) <= codes - {consequence}
    assert set(precedence.EXPLAINED_BY) >= precedence.ALL_NAMED


class TestPrecedence:
    """What is dropped, and what is not."""

    cause = Finding("EW201", "cause", "do", (1,))
    consequence = Finding("EW301", "consequence", "do", (1, 7))

    def test_a_consequence_is_dropped(self) -> None:
        assert without_consequences([self.consequence, self.cause]) == (self.cause,)

    def test_one_about_others_is_not(self) -> None:
        other = replace(self.consequence, pids=(7,))
        assert without_consequences([other, self.cause]) == (self.cause, other)

    def test_a_warning_does_not_hide_an_error(self) -> None:
        warning = replace(self.cause, severity=Severity.WARNING)
        assert without_consequences([self.consequence, warning]) == (self.consequence, warning)
        mild = replace(self.consequence, severity=Severity.WARNING)
        assert without_consequences([mild, warning]) == (warning,)

    def test_never_told_is_dropped_only_when_all_are_named(self) -> None:
        shell = Finding("EW101", "shell", "do", (1, 7))
        some, more = (Finding("EW402", "never told", "do", pids) for pids in ((7,), (7, 8)))
        assert without_consequences([shell, some]) == (shell,)
        assert without_consequences([shell, more]) == (shell, more)

    def test_errors_come_first(self) -> None:
        warnings = [Finding(code, "w", "do", (9,), Severity.WARNING) for code in ("EW501", "EW102")]
        error = Finding("EW503", "e", "do", (8,))
        assert [one.rule for one in without_consequences([*warnings, error])] == ["EW503", "EW102", "EW501"]

    def test_the_same_is_said_once(self) -> None:
        assert without_consequences([self.cause, self.cause]) == (self.cause,)


def test_lost_events_leave_only_what_does_not_depend_on_them() -> None:
    story = Story(lost=1)
    story.start("sh", "/entrypoint.sh")
    story.fork("app")
    story.stop(Fate.HANDLER)
    story.leaves(code=1)
    story.request(Group.NEW, Outcome.RESET)
    assert story.codes() == ["EW409", "EW901"]


def test_judges_a_deep_tree_and_a_broad_one_in_time() -> None:
    """A container that forks without end must not keep the judge busy: every look-up is by index."""
    story = Story()
    story.start("sh", "/entrypoint.sh")
    for _ in range(3000):
        story.fork(parent=story.last)
    for _ in range(3000):
        story.fork(parent=1)
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    timeline = story.timeline()
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        report = judge(timeline)
    finally:
        sys.setprofile(before)
    assert [one.rule for one in report.findings] == ["EW101"]
    assert steps < 500 * 6000


@pytest.mark.parametrize("shell", [("sh", "-c", "redis-server x; true"), ("npm", "start")])
def test_a_title_is_not_proposed_as_a_command(shell: tuple[str, ...]) -> None:
    story = Story()
    story.start(*shell)
    story.fork("/usr/bin/redis-server 127.0.0.1:6379")
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    (finding,) = story.judge().findings
    assert "redis-server (2)" in finding.message
    assert "127.0.0.1" not in finding.next
    assert "CMD" not in finding.next
    assert "exec" in finding.next
