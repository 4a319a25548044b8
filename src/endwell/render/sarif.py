"""The report as SARIF 2.1.0, which code scanning pages read: the findings, and the pages of their rules."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from endwell import __version__
from endwell.model.finding import Severity, Verdict
from endwell.render.clean import clean
from endwell.render.words import headline

if TYPE_CHECKING:
    from endwell.model.finding import Finding
    from endwell.model.report import Report
    from endwell.render.options import Options

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://pypi.org/project/endwell/"


def render(report: Report, options: Options) -> str:
    """Return one run: every rule with its help, every finding as a result.

    A finding is about processes, which SARIF calls logical locations. A page that shows results in a file
    needs a physical one, too: `options.source`.
    """
    codes = sorted({*options.pages, *(one.rule for one in report.findings)})
    places = {code: place for place, code in enumerate(codes)}
    names = {process.pid: clean(process.command) for process in report.processes}
    said = (headline(report), *report.timeline.notes, *report.timeline.witness.blind)
    return json.dumps(
        {
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {
                        "driver": {
                            "name": "endwell",
                            "version": __version__,
                            "semanticVersion": __version__,
                            "informationUri": HOME,
                            "rules": [_rule(code, options) for code in codes],
                        }
                    },
                    "invocations": [
                        {
                            "executionSuccessful": report.verdict is not Verdict.UNKNOWN,
                            "toolExecutionNotifications": [
                                {"level": "note", "message": {"text": clean(text)}}
                                for text in said
                            ],
                        }
                    ],
                    "results": [_result(one, places, names, options.source) for one in report.findings],
                }
            ],
        },
        indent=2,
    ) + "\n"  # fmt: skip


def _rule(code: str, options: Options) -> dict[str, Any]:
    name, summary, page = options.pages.get(code, (code, code, ""))
    rule: dict[str, Any] = {"id": code, "name": name, "shortDescription": {"text": summary}}
    if page:
        rule |= {"fullDescription": {"text": summary}, "help": {"text": page, "markdown": page}}
    return rule


def _result(one: Finding, places: dict[str, int], names: dict[int, str], source: str) -> dict[str, Any]:
    location: dict[str, Any] = {
        "logicalLocations": [
            {
                "name": str(pid),
                "fullyQualifiedName": f"{pid} {names.get(pid, '')}".rstrip(),
                "kind": "process",
            }
            for pid in one.pids
        ]
    }
    if source:
        location["physicalLocation"] = {"artifactLocation": {"uri": source}, "region": {"startLine": 1}}
    print_of = f"{one.rule} {source} {sorted({names.get(pid, '') for pid in one.pids})}"
    return {
        "ruleId": one.rule,
        "ruleIndex": places[one.rule],
        "level": "error" if one.severity is Severity.ERROR else "warning",
        "message": {"text": f"{clean(one.message)}\n{clean(one.next)}"},
        "locations": [location] if source or one.pids else [],
        # Process numbers differ from run to run; what ran does not.
        "partialFingerprints": {"finding/v1": hashlib.sha256(clean(print_of).encode()).hexdigest()[:32]},
    }
