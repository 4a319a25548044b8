"""The report as JUnit XML: a test case for every rule, so that a CI page shows the findings as failures."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from endwell.model.finding import Severity, Verdict
from endwell.render.clean import clean
from endwell.render.words import headline

if TYPE_CHECKING:
    from endwell.model.finding import Finding
    from endwell.model.report import Report
    from endwell.render.options import Options

SUITE = "endwell probe"


def render(report: Report, options: Options) -> str:
    """Return one suite: a case `verdict`, and one for each rule that is known or has found something.

    An error is a failure; a warning passes, and says so in its output. The case `verdict` fails when the
    verdict is bad; `cannot tell` is an error of it.
    """
    took = report.timeline.stop.took
    rules = sorted({*options.pages, *(one.rule for one in report.findings)})
    found = {rule: [one for one in report.findings if one.rule == rule] for rule in rules}
    failed = sum(any(one.severity is Severity.ERROR for one in some) for some in found.values())
    unknown = report.verdict is Verdict.UNKNOWN
    bad = report.verdict is Verdict.BADLY
    failed += bad
    counts = f'tests="{len(rules) + 1}" failures="{failed}" errors="{int(unknown)}" time="{took:.6f}"'
    inside = ""
    if unknown:
        inside = f"<error message={_quoted(headline(report))}/>"
    elif bad:
        inside = f"<failure message={_quoted(headline(report))}/>"
    cases = [
        _case("verdict", inside, took),
        *(_case(_title(rule, options), _body(found[rule])) for rule in rules),
    ]
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="{SUITE}" {counts}>\n'
        f'  <testsuite name="{SUITE}" {counts}>\n'
        f'    <properties><property name="verdict" value={_quoted(headline(report))}/></properties>\n'
        + "".join(f"    {case}\n" for case in cases)
        + "  </testsuite>\n</testsuites>\n"
    )


def _case(name: str, inside: str, took: float = 0.0) -> str:
    head = f'<testcase classname="{SUITE}" name={_quoted(name)} time="{took:.6f}"'
    return f"{head}>{inside}</testcase>" if inside else f"{head}/>"


def _title(rule: str, options: Options) -> str:
    page = options.pages.get(rule)
    return f"{rule} {page[0]}" if page else rule


def _body(findings: list[Finding]) -> str:
    """One failure at most, for readers of JUnit that take the first only; it has the words of all."""
    errors = [one for one in findings if one.severity is Severity.ERROR]
    warnings = [one for one in findings if one.severity is not Severity.ERROR]
    body = ""
    if errors:
        text = "\n".join(map(_words, errors))
        message = errors[0].message if len(errors) == 1 else f"{len(errors)} times: {errors[0].message}"
        body = f"<failure type={_quoted(errors[0].rule)} message={_quoted(message)}>{escape(text)}</failure>"
    if warnings:
        body += (
            f"<system-out>{escape(chr(10).join(f'warning: {_words(one)}' for one in warnings))}</system-out>"
        )
    return body


def _words(one: Finding) -> str:
    noun = "process" if len(one.pids) == 1 else "processes"
    pids = f" ({noun} {', '.join(map(str, one.pids))})" if one.pids else ""
    return f"{clean(one.message)}{pids}\nnext: {clean(one.next)}"


def _quoted(text: str) -> str:
    return quoteattr(clean(text))
