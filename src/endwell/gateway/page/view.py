"""What the templates show, taken from what the supervisor says; they make it harmless themselves."""

from __future__ import annotations

import os.path
import shlex
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from endwell.gateway.page.names import called
from endwell.gateway.page.readiness import is_ready
from endwell.machine.escapes import Escapes
from endwell.model.durations import format_duration
from endwell.records import dataclass
from endwell.render.ages import age, stamp
from endwell.render.clean import clean
from endwell.render.services_status import GREEN, RED, YELLOW, color_of, status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from endwell.gateway.rows import Row

_TONES = {GREEN: "good", YELLOW: "busy", RED: "bad"}
_AT_REST = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})
_LONGEST = 4000  # characters of a line that are shown


@dataclass(frozen=True, slots=True)
class Shown:
    """A replica as the page shows it.

    Args:
        row: what `ps` says of it.
        now: seconds since the epoch.
    """

    row: Row
    now: float

    @property
    def name(self) -> str:
        """Its name in addresses, which is also one that the supervisor knows."""
        return called(self.row)

    @property
    def address(self) -> str:
        """The same, as a part of an address."""
        return quote(self.name, safe="", errors="surrogateescape")

    @property
    def anchor(self) -> str:
        """The same, as an id of an element."""
        return "service-" + self.address.replace("%", "_")

    @property
    def status(self) -> str:
        """What it does, in a line, as `endwell ps` says it."""
        return status(self.row, self.now)

    @property
    def tone(self) -> str:
        """How that is: good, busy, bad or resting."""
        return _TONES.get(color_of(self.row), "resting")

    @property
    def actions(self) -> tuple[str, ...]:
        """What can be done with it now."""
        if self.row["waiting"]:
            return ("start", "stop")
        if self.row["state"] in _AT_REST and self.row["retry_in"] is None:
            return ("start",)
        return ("stop",) if self.row["state"] == "STOPPING" else ("restart", "stop")

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What else there is to know about it."""
        row = self.row
        found = [
            ("Command", shlex.join(row["command"])),
            ("User", row["user"] or ""),
            ("Group", row["group"] if row["group"] != row["service"] else ""),
            ("PID", str(row["pid"] or "")),
            ("Started", _instant(row["started"])),
            ("Ended last", _instant(row["stopped"])),
            ("Restarts", str(row["restarts"])),
            ("Stop signal", row["stop_signal"]),
            *((f"Its {one}", row[one]["path"]) for one in ("stdout", "stderr") if row[one]),
            ("Last change", row["why"]),
        ]
        return [(name, value) for name, value in found if value]


def summary(project: Mapping[str, Any], rows: Sequence[Row], now: float) -> dict[str, Any]:
    """Return what stands at the top of the page."""
    title = project["identifier"]
    if title == "endwell":
        title = os.path.basename(project["file"]) or title  # noqa: PTH119  it is only shown
    running = sum(row["state"] == "RUNNING" for row in rows)
    return {
        "title": title,
        "host": socket.gethostname(),
        "file": project["file"],
        "age": age(now - project["started"]),
        "grace": duration(project["grace"]),
        "stopping": project["state"] == "STOPPING",
        "count": len(rows),
        "running": running,
        "ready": sum(map(is_ready, rows)),
        "bad": sum(_TONES.get(color_of(row)) == "bad" for row in rows),
    }


def line_of(value: Mapping[str, Any]) -> dict[str, str]:
    """Return a line of a log as it is shown: harmless, without colors, and not endless."""
    raw = str(value["text"]).encode(errors="surrogateescape")
    escapes = Escapes()
    text = (escapes.strip(raw) + escapes.rest()).decode(errors="surrogateescape")
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + " …"
    at = value["time"]
    return {
        "stream": "stderr" if value["stream"] == "stderr" else "stdout",
        "at": "" if at is None else stamp(at)[11:19],
        "text": clean(text),
    }


def duration(seconds: float | None) -> str:
    """Write a length of time as files of services do; None is that there is no limit."""
    if seconds is None or seconds == float("inf"):
        return "unlimited"
    return format_duration(round(seconds, 1 if seconds >= 1 else 3))


def _instant(at: float) -> str:
    return f"{stamp(at)[:19].replace('T', ' ')} UTC" if at else ""
