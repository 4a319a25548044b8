"""/metrics, read by somebody who takes nothing that is not as the specification has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics import parser

from endwell.gateway.page.metrics import CONTENT_TYPE, metrics
from endwell.machine.state import State
from endwell.model.gateway import Door
from tests.gateway.openmetrics import families
from tests.gateway.pages import PROJECT, STOP, Site, service

EVIL = 'a"b\\c\nd{}=,#'
ROWS = [
    service("web", replica=2, restarts=3, healthy=True, started=1234.25),
    service("db", state="EXITED", ready=False, healthy=False, status=-1, started=0),
    service(EVIL, group="g", label=EVIL, state="FATAL", ready=False, status=7),
]
PROCESSES: list[dict[str, Any]] = [
    {"label": "web", "cpu": 1.5, "rss": 4096},
    {"label": "web", "cpu": 0.25, "rss": 100},
    {"label": "gone", "cpu": 9.0, "rss": 9},
]


def text(stop: dict[str, Any] | None = None, state: str = "RUNNING") -> str:
    return metrics({**PROJECT, "state": state}, ROWS, PROCESSES, stop or STOP)


def test_everything_is_said_of_every_service() -> None:
    found = families(text())
    labels = {
        name: frozenset({"group": group, "service": name, "replica": number}.items())
        for name, group, number in (("web", "web", "2"), ("db", "db", "1"), (EVIL, "g", "1"))
    }

    def values(name: str) -> dict[str, float]:
        there = found[f"endwell_service_{name}"].values
        assert there.keys() <= set(labels.values())
        return {name: there[own] for name, own in labels.items() if own in there}

    assert values("ready") == {"web": 1, "db": 0, EVIL: 0}
    assert values("healthy") == {"web": 1, "db": 0}
    assert values("restarts") == {"web": 3, "db": 0, EVIL: 0}
    assert values("start_time_seconds") == {"web": 1234.25, EVIL: 1000.5}
    assert values("exit_status") == {"db": -1, EVIL: 7}
    assert values("processes") == {"web": 2, "db": 0, EVIL: 0}
    assert values("cpu_seconds") == {"web": 1.75, "db": 0, EVIL: 0}
    assert values("resident_memory_bytes") == {"web": 4196, "db": 0, EVIL: 0}
    assert found["endwell_service_restarts"].kind == "counter"
    states = found["endwell_service_state"]
    ones = {
        (dict(own)["service"], dict(own)["endwell_service_state"])
        for own, one in states.values.items()
        if one
    }
    assert ones == {("web", "RUNNING"), ("db", "EXITED"), (EVIL, "FATAL")}
    assert len(states.values) == len(ROWS) * (len(State) - 1)


def test_the_whole() -> None:
    nothing = frozenset[tuple[str, str]]()
    found = families(text())
    assert found["endwell_start_time_seconds"].values == {nothing: 1000}
    assert found["endwell_stopping"].values == {nothing: 0}
    assert found["endwell_stop_budget_seconds"].values == {nothing: 9.5}
    assert found["endwell_stop_worst_case_seconds"].values == {nothing: 4}
    assert families(text(state="STOPPING"))["endwell_stopping"].values == {nothing: 1}
    endless = families(text({**STOP, "budget": None}))
    assert endless["endwell_stop_budget_seconds"].values == {nothing: float("inf")}


def test_everything_has_a_help_and_its_unit() -> None:
    for name, family in families(text()).items():
        assert family.help
        for unit in ("seconds", "bytes"):
            assert (family.unit == unit) is name.endswith(f"_{unit}")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("# EOF\n", ""),
        ("endwell_stopping 0", "endwell_stopping_total 0"),
        ("endwell_stopping 0", "endwell_stopping  0"),
        ("endwell_stopping 0", "endwell_stopping 0\nendwell_stopping 0"),
        ("endwell_service_restarts_total{", "endwell_service_restarts{"),
        ("# UNIT endwell_start_time_seconds seconds", "# UNIT endwell_start_time_seconds bytes"),
        ('replica="2"', 'replica="2",replica="2"'),
    ],
)
def test_the_reader_reads_strictly(wrong: str, right: str) -> None:
    there = text()
    assert wrong in there
    with pytest.raises((AssertionError, KeyError)):
        families(there.replace(wrong, right))


def test_the_page_of_the_manual_names_them_all() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/look-at-services.md").read_text()
    for name, family in families(text()).items():
        whole = name + {"counter": "_total", "info": "_info"}.get(family.kind, "")
        assert f"`{whole}`" in page or f"`{whole.removeprefix('endwell_service')}`" in page, whole


def test_the_library_of_prometheus_reads_it() -> None:
    found = parser.text_string_to_metric_families(text())  # type: ignore[no-untyped-call]
    names = {one.name for one in found}
    assert names == families(text()).keys()


def test_it_is_served() -> None:
    with Site(ROWS, Door(section="web"), processes=PROCESSES) as site:
        answer = site.get("/metrics")
        assert answer.headers["content-type"] == CONTENT_TYPE
        assert answer.text == text()
