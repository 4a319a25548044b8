"""What `endwell ps` says of a replica, and how long ago."""

from __future__ import annotations

from typing import Any

import pytest

from endwell.render.ages import age, span, stamp
from endwell.render.services_status import DIM, GREEN, RED, YELLOW, color_of, status

NOW = 1_800_000_000.0


def row(**values: object) -> dict[str, Any]:
    """Return what the supervisor answers of a replica that runs, but for these values."""
    return {
        "label": "web",
        "state": "RUNNING",
        "pid": 42,
        "ready": True,
        "healthy": None,
        "started": NOW - 180,
        "stopped": 0,
        "status": None,
        "spawn_error": "",
        "why": "",
        "restarts": 0,
        "retry_in": None,
        "waiting": "",
        "command": ["serve", "--port", "80"],
        **values,
    }


def rest(state: str, **values: object) -> dict[str, Any]:
    return row(**{"state": state, "pid": None, "ready": False, "stopped": NOW - 120, **values})


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "less than a second"),
        (0.999, "less than a second"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "about a minute"),
        (119, "about a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "about an hour"),
        (5399, "about an hour"),
        (5400, "2 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (13 * 86400, "13 days"),
        (14 * 86400, "2 weeks"),
        (59 * 86400, "8 weeks"),
        (60 * 86400, "2 months"),
        (729 * 86400, "24 months"),
        (730 * 86400, "2 years"),
    ],
)
def test_a_length_of_time(seconds: float, said: str) -> None:
    assert age(seconds) == said


def test_an_instant() -> None:
    assert stamp(0) == "1970-01-01T00:00:00.000000Z"
    assert stamp(1_800_000_000.1234567) == "2027-01-15T08:00:00.123457Z"
    assert stamp(1_799_999_999.9999999) == "2027-01-15T08:00:00.000000Z"


def test_processor_time() -> None:
    assert [span(0.9), span(61), span(3600 * 12 + 34 * 60 + 56)] == ["0:00:00", "0:01:01", "12:34:56"]


@pytest.mark.parametrize(
    ("found", "said", "color"),
    [
        (row(), "Up 3 minutes", GREEN),
        (row(healthy=True), "Up 3 minutes (healthy)", GREEN),
        (row(healthy=False), "Up 3 minutes (unhealthy)", RED),
        (row(ready=False), "Up 3 minutes (not ready)", GREEN),
        (row(state="STARTING", ready=False, started=NOW - 3), "Starting 3 seconds", YELLOW),
        (row(state="STARTING", pid=None, ready=False, started=0), "Starting", YELLOW),
        (row(state="STOPPING", ready=False), "Stopping", YELLOW),
        (rest("STOPPED", started=0, stopped=0), "Not started", DIM),
        (rest("STOPPED", status=0), "Stopped (0) 2 minutes ago", DIM),
        (rest("STOPPED", status=-1), "Stopped 2 minutes ago", DIM),
        (rest("STOPPED", status=-1, signal="SIGKILL"), "Stopped (SIGKILL) 2 minutes ago", DIM),
        (rest("EXITED", status=0), "Exited (0) 2 minutes ago", DIM),
        (rest("EXITED", status=1, why="exited with 1"), "Exited (1) 2 minutes ago", RED),
        (
            rest("STOPPED", status=-1, signal="SIGTERM", why="not healthy: 503"),
            "Stopped (SIGTERM) 2 minutes ago: not healthy: 503",
            DIM,
        ),
        (
            rest("BACKOFF", status=3, retry_in=2, why="exited with 3", spawn_error="Bad exit code 3"),
            "Restarting (3) in 2 seconds",
            YELLOW,
        ),
        (
            rest("FATAL", status=None, spawn_error="can't find command 'x'"),
            "Failed 2 minutes ago: can't find command 'x'",
            RED,
        ),
        (
            rest("FATAL", status=3, why="not ready after 1s (fd:3): no newline came", stopped=0),
            "Failed (3): not ready after 1s (fd:3): no newline came",
            RED,
        ),
        (rest("BACKOFF", status=1, retry_in=4.2), "Restarting (1) in 4 seconds", YELLOW),
        (
            rest("BACKOFF", retry_in=0.2, spawn_error="Exited too quickly"),
            "Restarting in less than a second: Exited too quickly",
            YELLOW,
        ),
        (rest("BACKOFF", status=1), "Restarting (1)", YELLOW),
        (rest("EXITED", status=1, retry_in=61), "Restarting (1) in about a minute", YELLOW),
        (
            rest("STOPPED", waiting="it waits for db to be ready"),
            "Waiting for db to be ready",
            YELLOW,
        ),
        (rest("UNKNOWN"), "Unknown", DIM),
    ],
)
def test_a_status(found: dict[str, Any], said: str, color: str) -> None:
    assert (status(found, NOW), color_of(found)) == (said, color)
