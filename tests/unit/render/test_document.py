"""endwell.render.document and reading: the JSON, there and back, and its schema."""

from __future__ import annotations

import argparse
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from endwell.cli.probing import output
from endwell.machine.lives import lives
from endwell.model.report import Report
from endwell.model.timeline import Stop
from endwell.probe.repeat import Series
from endwell.render import render
from endwell.render.document import document
from endwell.render.reading import load
from tests.render.reports import REPORTS
from tests.unit.render.strategies import reports

DOCS = Path(__file__).parents[3] / "docs" / "reference"
SCHEMA = json.loads((DOCS / "report.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
STRICT = json.loads(
    json.dumps(SCHEMA).replace('"type": "object"', '"type": "object", "unevaluatedProperties": false')
)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@given(reports())
def test_any_report_is_valid_and_read_back(report: Report) -> None:
    text = render("json", report)
    assert text.isascii()
    values = json.loads(text, parse_constant=pytest.fail)
    VALIDATOR.validate(values)
    assert values == document(report)
    assert document(load(values)) == values


@pytest.mark.parametrize("name", REPORTS)
def test_what_is_read_back_can_be_shown_and_judged_again(name: str) -> None:
    report = REPORTS[name]()
    VALIDATOR.validate(document(report))
    read = load(json.loads(render("json", report)))
    assert render("text", read) == render("text", report)
    assert document(
        Report(read.timeline, lives(read.timeline), read.findings, read.verdict, read.ending)
    ) == document(report)


def undescribed(schema: Any, defined: dict[str, Any], seen: tuple[str, ...] = ()) -> set[str]:  # noqa: ANN401  JSON
    """Return objects that allow keys nobody has described, by the keys that lead there."""
    if not isinstance(schema, dict):
        return set()
    return {"/".join((*seen, key)) for key, value in schema.get("properties", {}).items() if not value}.union(
        *(undescribed(value, defined, (*seen, key)) for key, value in schema.items()), set()
    )


@given(reports())
def test_every_key_is_in_the_schema(report: Report) -> None:
    # The schema lets keys be added in later versions; the documents of this one have no other than it says.
    Draft202012Validator(STRICT).validate(document(report))
    assert not undescribed(SCHEMA, SCHEMA["$defs"])


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("control", [None, Stop(took=0.2, exit=None)])
def test_the_series_that_the_command_adds_is_in_the_schema(
    capsys: pytest.CaptureFixture[str], number: int, control: Stop | None
) -> None:
    every = tuple(REPORTS[name]() for name in ("well", "group", "lossy"))[:number]
    options = argparse.Namespace(json=True, **dict.fromkeys(output.FILES))
    output.show(Series(every, control), options)
    values = json.loads(capsys.readouterr().out)
    Draft202012Validator(STRICT).validate(values)
    assert [one["verdict"] for one in values["series"]["runs"]] == [one.verdict.value for one in every]
    assert (values["series"]["control"] is None) is (control is None)


@pytest.mark.parametrize("kind", ["text", "html"])
def test_what_is_said_of_a_series_is_in_the_report(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str
) -> None:
    page = tmp_path / "page.html"
    options = argparse.Namespace(json=False, **dict.fromkeys(output.FILES))
    options.html = page
    output.show(Series((REPORTS["well"](), REPORTS["group"]()), Stop(took=0.2, exit=0)), options)
    text = " ".join((capsys.readouterr().out if kind == "text" else page.read_text()).split())
    assert "the runs disagree: 1 x ends well (no findings); 1 x ends badly" in text
    assert "the unobserved run ended otherwise: exit 0, observed exit 143" in text


def test_the_shape_has_the_keys_it_was_promised_with() -> None:
    values = document(REPORTS["never-told"]())
    promised = {
        "schema",
        "verdict",
        "ending",
        "engine",
        "stop",
        "observer",
        "findings",
        "processes",
        "output",
        "requests",
    }
    assert promised <= set(values)
    assert {"signal", "grace", "took", "killed", "exit"} <= set(values["stop"])
    assert {"name", "lost", "blind"} <= set(values["observer"])
    assert {"rule", "pids", "message", "next"} <= set(values["findings"][0])
    process = values["processes"][1]
    assert {"pid", "parent", "argv", "born", "died", "end", "told", "reaped", "signals"} <= set(process)
    assert process["end"] == {
        "kind": "killed",
        "code": None,
        "signal": "SIGKILL",
        "by": "namespace",
        "pid": 1,
    }
    assert process["reaped"] is None
    assert process["signals"][0]["from"] == {"kind": "namespace", "pid": 1}
    assert values["output"] == [{"at": -0.4, "stream": "stdout", "text": "ready", "by": None}]
    assert values["requests"] is None


def test_totals_are_the_list_counted() -> None:
    requests = document(REPORTS["group"]())["requests"]
    assert requests["totals"]["new"] == {"reset": 8, "refused": 29}
    assert (
        sum(number for group in requests["totals"].values() for number in group.values())
        == requests["count"]
        == 88
    )
    assert requests["lost"] == 10


def test_no_limit_is_null_and_comes_back() -> None:
    values = document(REPORTS["weird"]())
    assert values["stop"]["grace"] is None
    assert load(values).timeline.stop.grace == math.inf


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"schema": "endwell.report/2"},
        {"schema": "endwell.report/1"},
        {**document(REPORTS["well"]()), "verdict": "fine"},
        {**document(REPORTS["well"]()), "processes": [{}]},
        {**document(REPORTS["well"]()), "processes": 1},
        {**document(REPORTS["well"]()), "stop": None},
        [],
    ],
)
def test_what_is_no_report_is_refused_in_one_line(values: Any) -> None:  # noqa: ANN401  bad JSON of any kind
    with pytest.raises(ValueError, match=r"cannot read the report: .+; run the probe again") as caught:
        load(values)
    assert "\n" not in str(caught.value)


def test_the_page_of_the_reference_has_every_key() -> None:
    page = (DOCS / "report.md").read_text()
    for key in (
        *SCHEMA["properties"],
        *SCHEMA["$defs"]["process"]["properties"],
        *SCHEMA["properties"]["stop"]["properties"],
    ):
        assert re.search(rf"`[\w.]*\b{key}\b[^`]*`", page), key
