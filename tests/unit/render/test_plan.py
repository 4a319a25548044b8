"""endwell.render.plan: the start, the stop, and whether it fits."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, strategies as st

from endwell.machine.budget import Budget
from endwell.machine.order import order
from endwell.model.stopping import StopPlan
from endwell.parse.project import Format
from endwell.parse.services import read_services
from endwell.records import replace
from endwell.render.plan import Plan, needed_grace, plan_document, plan_json, plan_text
from endwell.render.services_page import EXAMPLE


def plan(text: str, kind: Format = Format.ENDWELL) -> Plan:
    project = read_services("f", {"f": text, "worker.env": ""}.__getitem__, {}).project
    return Plan(project, order(project), kind)


CHAIN = """\
exit-when = "web exits"
[services.web]
command = "x"
after = ["db:ready"]
replicas = 2
stop-signal = "QUIT"
stop-timeout = "12s"
drain = "3s"
[services.db]
command = "y"
ready = { test = "tcp:5432", timeout = "30s" }
stop-timeout = "20s"
[services.once]
command = "z"
autostart = false
stop-timeout = 1
"""
TEXT = """\
f: 3 services, 4 processes

start
   1  db       at once; ready by tcp 127.0.0.1:5432, within 30s
      once     only by hand
   2  web (2)  when db is ready

stop, at its worst; times since the stop signal of the container
             asked    told           SIGKILL    over
  once          0s      0s  SIGTERM       1s      1s
  web (2)       0s   814ms  SIGQUIT     4.1s    4.1s  cut from 15s
  db          4.1s    4.1s  SIGTERM     9.5s    9.5s  cut from 20s

It does not fit: the stop takes 35s at the worst (one after another: web 15s +
db 20s), and has the 9.5s that are left of the grace of 10s. Who is cut is
killed early.
Either give the container 36s (docker stop --time 36, stop_grace_period: 36s,
terminationGracePeriodSeconds: 36) and write grace = "36s" below [stop]; or
lower the stop-timeout of several services, db (20s) first.
The container ends by itself when web has ended for good.
"""


def test_a_plan_that_does_not_fit() -> None:
    assert plan_text(plan(CHAIN), "f") == TEXT


def test_the_manuals_example_fits() -> None:
    text = plan_text(plan(EXAMPLE), "endwell.toml")
    assert "It fits: the stop takes 25s at the worst, and has the 29.5s that are left" in text
    assert "cut" not in text


@pytest.mark.parametrize(
    ("stop", "advice"),
    [
        ("18s", "or lower the stop-timeout of web from 18s to 9.5s."),
        ("10s", "or lower the stop-timeout of web from 10s to 9.5s."),
    ],
)
def test_what_to_change(stop: str, advice: str) -> None:
    found = plan(f'[services.web]\ncommand = "x"\nstop-timeout = "{stop}"\n')
    assert advice in " ".join(plan_text(found, "f").split())
    changed = replace(found.project, services=(replace(found.project.services[0], stop_timeout=9.5),))
    assert Plan(changed, found.order).schedule.fits


def test_when_one_of_them_would_not_do_every_time_out_is_named() -> None:
    web, db = (f'[services.{name}]\ncommand = "x"\nstop-timeout = "12s"\n' for name in ("web", "db"))
    found = plan(web + db)
    assert "or lower every stop-timeout to at most 9.5s." in " ".join(plan_text(found, "f").split())
    lowered = tuple(replace(spec, stop_timeout=9.5) for spec in found.project.services)
    assert Plan(replace(found.project, services=lowered), found.order).schedule.fits


def test_hooks_that_take_longer_than_the_stop_are_named() -> None:
    hook = 'stop-timeout = "2s"\n[services.web.hooks]\nafter-stop = "x"\n'
    text = " ".join(plan_text(plan(f'[services.web]\ncommand = "x"\n{hook}'), "f").split())
    assert "or lower the times of web first: its drain and its hooks have 10s." in text


def test_levels_of_priority_that_do_not_fit_may_not_be_needed() -> None:
    services = "".join(
        f'[services.{name}]\ncommand = "x"\npriority = {number}\n' for name, number in (("web", 2), ("db", 1))
    )
    found = plan("[stop]\nby-priority = true\n" + services)
    together = "by-priority = false below [stop] has all of them told at once."
    text = " ".join(plan_text(found, "f").split())
    assert "(one after another: web 9.5s + db 9.5s)" in text
    assert text.endswith(f"Where nobody needs anybody, {together}")
    assert together not in " ".join(plan_text(plan(CHAIN), "f").split())


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            Format.SUPERVISORD,
            "write endwell_grace=19s in [supervisord]; or lower the stopwaitsecs of web from 18s to 9.",
        ),
        (Format.PROCFILE, "write an endwell.toml that says grace = '19s';"),
    ],
)
def test_the_words_are_those_of_the_file(kind: Format, words: str) -> None:
    text = plan_text(plan('[services.web]\ncommand = "x"\nstop-timeout = "18s"\n', kind), "f")
    assert words in " ".join(text.split())


@given(st.floats(0, 1e6))
def test_the_grace_that_is_asked_for_is_enough_and_no_second_too_long(wanted: float) -> None:
    grace = needed_grace(wanted)
    assert StopPlan(grace=grace).kill >= wanted - 1e-6
    assert grace < 1 or StopPlan(grace=grace - 1).kill < wanted


def test_without_a_deadline_everything_fits() -> None:
    found = plan('stop.grace = "unlimited"\n' + CHAIN.split("\n", 1)[1])
    assert "It fits: there is no deadline; it takes 35s at the worst." in plan_text(found, "f")
    assert plan_document(found, "f")["stop"]["grace"] is None


def test_nothing_to_stop() -> None:
    text = plan_text(plan("[services]\n"), "f")
    assert text.startswith("f: 0 services\n\nIt fits: the stop takes 0s")


@pytest.mark.parametrize("length", [1, 24, 25, 70, 128])
def test_it_is_80_columns_wide(length: int) -> None:
    name = "n" * length
    text = f'[services.{name}]\ncommand = "x"\nready = "log:{"long words " * 12}"\nstop-timeout = "2m30s"\n'
    text += "".join(f'[services.s{at}]\ncommand = "x"\nafter = "{name}:ready"\n' for at in range(3))
    text += '[services.last]\ncommand = "x"\nafter = ["s0", "s1:ready", "s2"]\n'
    lines = plan_text(plan(text), "endwell.toml").splitlines()
    assert all(len(line) <= 80 or name in line for line in lines)
    assert lines == [line.rstrip() for line in lines]


def test_the_document() -> None:
    found = plan(CHAIN)
    document = json.loads(plan_json(found, "f"), parse_constant=pytest.fail)
    assert document == plan_document(found, "f")
    assert document["schema"] == "endwell.plan/1"
    assert document["start"] == [
        [
            {"service": "db", "replicas": 1, "autostart": True, "after": {}},
            {"service": "once", "replicas": 1, "autostart": False, "after": {}},
        ],
        [{"service": "web", "replicas": 2, "autostart": True, "after": {"db": "ready"}}],
    ]
    stop = document["stop"]
    assert (stop["fits"], stop["grace"], stop["budget"], stop["wanted"], stop["chain"]) == (
        False,
        10,
        9.5,
        35,
        ["web", "db"],
    )
    assert [(one["service"], one["replica"], one["signal"], one["cut"]) for one in stop["steps"]] == [
        ("once", 1, "SIGTERM", False),
        ("web", 1, "SIGQUIT", True),
        ("web", 2, "SIGQUIT", True),
        ("db", 1, "SIGTERM", True),
    ]
    assert stop["steps"][-1]["over"] == pytest.approx(9.5)
    assert (document["exit-when"], document["exit-when-service"]) == ("service-exits", "web")


def test_times_are_those_of_the_budget() -> None:
    found = plan(CHAIN)
    schedule = Budget(found.project, found.order).schedule()
    assert [one["over"] for one in plan_document(found, "f")["stop"]["steps"]] == [
        round(row.ends, 6) for row in schedule.rows
    ]
    assert not math.isinf(schedule.wanted)
