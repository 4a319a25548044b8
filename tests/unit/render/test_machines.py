"""endwell.render.junit, sarif and chrome: what other programs read."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given

from endwell.model.finding import Severity, Verdict
from endwell.model.report import Report  # noqa: TC001  hypothesis reads it
from endwell.render import FORMATS, Options, render, renderer
from tests.render.reports import REPORTS
from tests.unit.render.strategies import reports

PAGES = {
    "EW101": ("shell-at-pid1", "A shell is PID 1 and does not pass the signal on.", "# EW101\n\nA shell…"),
    "EW201": ("no-handler", "PID 1 has no handler.", "# EW201\n"),
}


def test_an_unknown_format_says_which_there_are() -> None:
    with pytest.raises(ValueError, match="'yaml' is not a format: use one of text, json, html"):
        renderer("yaml")


@given(reports())
def test_every_format_survives_every_report(report: Report) -> None:
    for name in FORMATS:
        render(name, report).encode()


@given(reports())
def test_junit_has_a_case_for_every_rule(report: Report) -> None:
    suite = ET.fromstring(render("junit", report, Options(pages=PAGES)))[0]  # noqa: S314  our own
    cases = suite.findall("testcase")
    assert (
        int(suite.attrib["tests"]) == len(cases) == len({*PAGES, *(one.rule for one in report.findings)}) + 1
    )
    failed = {one.rule for one in report.findings if one.severity is Severity.ERROR}
    assert len(suite.findall("testcase/failure")) == int(suite.attrib["failures"])
    assert len(failed) <= int(suite.attrib["failures"])
    # A CI page is green only when it ends well.
    green = not suite.findall("testcase/failure") and not suite.findall("testcase/error")
    if report.verdict is not Verdict.WELL:
        assert not green
    elif not failed:
        assert green


def test_junit_names_rules_and_keeps_warnings() -> None:
    text = render("junit", REPORTS["group"](), Options(pages=PAGES))
    suite = ET.fromstring(text)[0]  # noqa: S314  our own
    cases = {case.attrib["name"]: case for case in suite.findall("testcase")}
    assert list(cases) == ["verdict", "EW101 shell-at-pid1", "EW201 no-handler", "EW402", "EW405", "EW501"]
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("3", "0")
    verdict = cases["verdict"].find("failure")
    assert verdict is not None
    assert verdict.attrib["message"].startswith("ends badly: 2 findings")
    failure = cases["EW402"].find("failure")
    assert failure is not None
    assert failure.attrib["message"].startswith("tail ignored SIGTERM")
    assert "next: wait for it" in (failure.text or "")
    assert (cases["EW501"].findtext("system-out") or "").startswith("warning: ")


@given(reports())
def test_sarif_refers_to_its_rules(report: Report) -> None:
    (run,) = json.loads(render("sarif", report, Options(pages=PAGES)))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert len(run["results"]) == len(report.findings)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning"}
        assert result["message"]["text"].strip() or True
        assert len(result["partialFingerprints"]["finding/v1"]) == 32


def test_sarif_has_pages_and_places() -> None:
    values = json.loads(render("sarif", REPORTS["never-told"](), Options(pages=PAGES, source="Dockerfile")))
    assert values["version"] == "2.1.0"
    (run,) = values["runs"]
    rule = run["tool"]["driver"]["rules"][0]
    assert rule["id"] == "EW101"
    assert rule["name"] == "shell-at-pid1"
    assert rule["help"]["markdown"] == PAGES["EW101"][2]
    (location,) = run["results"][1]["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "Dockerfile"
    assert [one["name"] for one in location["logicalLocations"]] == ["7"]
    assert all(one["kind"] == "process" for one in location["logicalLocations"])


def test_sarif_knows_a_finding_again_when_numbers_have_changed() -> None:
    def prints(report: Report) -> list[str]:
        return [
            one["partialFingerprints"]["finding/v1"]
            for one in json.loads(render("sarif", report))["runs"][0]["results"]
        ]

    one, other = REPORTS["never-told"](), REPORTS["group"]()
    assert prints(one) == prints(one)
    assert not set(prints(one)) & set(prints(other))


@pytest.mark.parametrize("name", REPORTS)
def test_slices_of_a_trace_lie_within_or_beside_each_other(name: str) -> None:
    events = json.loads(render("chrome", REPORTS[name]()))["traceEvents"]
    tracks = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            assert event["ts"] >= 0
            tracks[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for slices in tracks.values():
        open_: list[float] = []
        for start, end in sorted(slices, key=lambda one: (one[0], -one[1])):
            while open_ and open_[-1] <= start:
                open_.pop()
            assert not open_ or end <= open_[-1] + 0.01
            open_.append(end)


def test_a_trace_has_a_track_per_process_and_flows_in_pairs() -> None:
    report = REPORTS["crowd"]()
    events = json.loads(render("chrome", report))["traceEvents"]
    named = [event for event in events if event["name"] == "thread_name" and event["tid"] >= 10]
    assert len(named) == len({event["tid"] for event in named}) == len(report.processes)
    starts = [event["id"] for event in events if event["ph"] == "s"]
    ends = [event["id"] for event in events if event["ph"] == "f"]
    assert starts == ends == sorted(set(starts))
    assert all(before < after for before, after in pairwise(starts))
    assert [event["name"] for event in events if event.get("s") == "g"] == ["SIGTERM"]
