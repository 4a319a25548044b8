"""The tables of `endwell ps` and `endwell top`, the lines of `endwell logs` and `endwell events`."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, strategies

from endwell.render.clean import cells
from endwell.render.columns import columns
from endwell.render.lines import written
from endwell.render.services_lines import Prefixes, event_line, log_line
from endwell.render.services_ps import ps_text
from endwell.render.services_top import size, top_text
from tests.unit.render.test_services_status import NOW, rest, row

ROWS = [
    row(),
    rest("EXITED", label="migrate", status=0, command=["python", "-m", "app migrate"]),
    rest("STOPPED", label="worker-1", waiting="it waits for db to be ready", restarts=12, command=["celery"]),
]


def test_a_list_of_services() -> None:
    assert ps_text(ROWS, NOW, width=None).splitlines() == [
        "NAME       STATUS                       PID   RESTARTS   COMMAND",
        "web        Up 3 minutes                  42          0   serve --port 80",
        "migrate    Exited (0) 2 minutes ago       -          0   python -m 'app migrate'",
        "worker-1   Waiting for db to be ready     -         12   celery",
    ]


def test_on_a_terminal_the_command_is_cut_and_on_a_narrow_one_never_to_nothing() -> None:
    lines = ps_text(ROWS, NOW, width=66).splitlines()
    assert max(map(len, lines)) == 66
    assert lines[1].endswith("   serve --…")
    assert ps_text(ROWS, NOW, width=20).splitlines()[2].endswith("   python …")


def test_a_long_reason_is_cut_unless_all_of_it_is_wanted() -> None:
    found = [rest("FATAL", spawn_error="x" * 100)]
    assert ps_text(found, NOW, width=None).count("x") == 60 - len("Failed 2 minutes ago: …")
    assert "x" * 100 in ps_text(found, NOW, width=40, whole=True)


def test_what_a_service_is_called_does_no_harm() -> None:
    text = ps_text([row(command=["\x1b[2J", "two\nlines"])], NOW, width=None)
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text


def test_only_the_status_is_in_color() -> None:
    assert "\x1b[32mUp 3 minutes" in ps_text(ROWS, NOW, width=None, color=True)
    assert re.sub(r"\x1b\[\d*m", "", ps_text(ROWS, NOW, width=None, color=True)) == ps_text(
        ROWS, NOW, width=None
    )


@given(
    strategies.lists(
        strategies.tuples(strategies.text(max_size=9), strategies.text(max_size=30)), max_size=5
    ),
    strategies.none() | strategies.integers(1, 60),
)
def test_columns_are_aligned_whatever_is_in_them(rows: list[tuple[str, str]], width: int | None) -> None:
    found = [((one, ""), ("|", ""), (other, "")) for one, other in rows]
    lines = list(columns(("A", "B", "C"), found, width=width))
    assert len(written(lines, color=False).split("\n")) == len(rows) + 2
    places = {sum(cells(text) for text, _ in line[:4]) for line in lines}
    assert len(places) == 1
    if width is not None:
        assert all(cells(line[-1][0]) <= max(width, 8) for line in lines)


# ---------------------------------------------------------------------------------------------------- top


def process(pid: int, ppid: int, command: str, label: str = "web", **values: object) -> dict[str, Any]:
    return {
        "label": label,
        "pid": pid,
        "ppid": ppid,
        "user": "root",
        "state": "S",
        "cpu": 61.0,
        "rss": 3_600_000,
        "started": NOW - 122,
        "command": command,
        **values,
    }


PROCESSES = [
    process(12, 11, "grandchild", state="R", cpu=0.0, rss=0),
    process(10, 1, "web"),
    process(11, 10, "child", rss=12 << 30),
    process(13, 10, "other child", rss=900),
    process(20, 1, "db", "db"),
]


def test_processes_stand_below_those_that_have_started_them() -> None:
    assert top_text(PROCESSES, NOW).splitlines() == [
        "NAME   PID   PPID   USER   S   %CPU      TIME       RSS   COMMAND",
        "web     10      1   root   S   50.0   0:01:01   3.43MiB   web",
        "web     11     10   root   S   50.0   0:01:01     12GiB     child",
        "web     12     11   root   R    0.0   0:00:00        0B       grandchild",
        "web     13     10   root   S   50.0   0:01:01      900B     other child",
        "db      20      1   root   S   50.0   0:01:01   3.43MiB   db",
    ]


def test_the_share_of_a_processor_is_of_the_time_since_the_last_look() -> None:
    before = [process(10, 1, "web", cpu=60.9), process(11, 1, "gone")]
    now = [process(10, 1, "web", cpu=61.4), process(11, 1, "another of its number", started=NOW + 1, cpu=1.0)]
    shares = [line.split()[5] for line in top_text(now, NOW + 2, (before, NOW)).splitlines()[1:]]
    assert shares == ["25.0", "100.0"]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1KiB"),
        (1 << 20, "1MiB"),
        (1_048_570, "1MiB"),
        (5 << 50, "5120TiB"),
    ],
)
def test_a_size(number: int, said: str) -> None:
    assert size(number) == said


# -------------------------------------------------------------------------------------------------- lines


def said(text: str, label: str = "web-1", **values: object) -> dict[str, Any]:
    return {"label": label, "stream": "stdout", "time": NOW, "text": text, **values}


def test_a_line_says_who_has_written_it_and_when() -> None:
    prefixes = Prefixes(["web-1", "worker"], color=False)
    assert log_line(said("\x1b[1mhello"), prefix=prefixes.of("web-1")) == "web-1   | \x1b[1mhello"
    assert log_line(said("hello"), prefix=prefixes.of("worker"), times=True) == (
        "worker  | 2027-01-15T08:00:00.000000Z hello"
    )
    assert log_line(said("hello", time=None), times=True) == "- hello"
    assert prefixes.of("a new one") == "a new one  | "


def test_each_has_a_color_and_keeps_it() -> None:
    prefixes = Prefixes(["a", "b"], color=True)
    assert prefixes.of("b") == "\x1b[33mb  |\x1b[0m "
    assert prefixes.of("c") != prefixes.of("b") == prefixes.of("b")


def event(**values: object) -> dict[str, Any]:
    return {
        "time": NOW,
        "event": "state",
        "label": "web",
        "from": "STARTING",
        "to": "RUNNING",
        "pid": 7,
        "tries": 0,
        "expected": True,
        "ready": True,
        "healthy": None,
        "why": "",
        **values,
    }


@pytest.mark.parametrize(
    ("happened", "told"),
    [
        (event(), "web STARTING -> RUNNING (pid 7)"),
        (
            event(**{"from": "RUNNING", "to": "EXITED", "expected": False, "why": "exited with 1"}),
            "web RUNNING -> EXITED (pid 7, not expected): exited with 1",
        ),
        (event(to="BACKOFF", pid=0, tries=2), "web STARTING -> BACKOFF (try 2)"),
        (event(**{"from": "RUNNING", "healthy": False, "why": "503"}), "web unhealthy: 503"),
        (event(**{"from": "RUNNING", "healthy": True}), "web healthy"),
        (event(**{"from": "RUNNING", "ready": False}), "web not ready"),
        (event(**{"from": "STOPPED", "to": "STARTING", "pid": None}), "web STOPPED -> STARTING"),
        ({"time": NOW, "event": "refused", "label": "web", "why": "db failed"}, "web not started: db failed"),
        ({"time": NOW, "event": "stopping", "why": "SIGTERM"}, "stopping: SIGTERM"),
        ({"time": NOW, "event": "over"}, "over"),
        ({"time": NOW, "event": "group-added", "group": "web"}, "web group added"),
        (
            {"time": NOW, "event": "rolling-done", "label": "web-1", "why": "not restarted: web-2"},
            "web-1 the restart one by one is over: not restarted: web-2",
        ),
    ],
)
def test_an_event(happened: dict[str, Any], told: str) -> None:
    assert event_line(happened) == f"2027-01-15T08:00:00.000000Z {told}"
