"""The report as JSON, of a shape that programs may rely on: schema `endwell.report/1`.

Keys may be added, none is renamed or removed. docs/reference/report.schema.json describes it, and
`render.reading` reads it back.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from endwell.model.timeline import Adopted, Born, Executed, Printed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.process import End, Process
    from endwell.model.report import Report
    from endwell.model.timeline import Event, Holding, Sender, Signalled
    from endwell.model.traffic import Traffic
    from endwell.render.options import Options

SCHEMA = "endwell.report/1"


def render(report: Report, options: Options) -> str:  # noqa: ARG001  every format has the same two
    """Return the document as text, in ASCII only: nothing a guest has printed reaches a terminal raw."""
    return json.dumps(document(report), indent=2) + "\n"


def document(report: Report) -> dict[str, Any]:
    """Return the report as values of JSON; times in seconds relative to the stop, rounded to microseconds."""
    timeline = report.timeline
    stop = timeline.stop
    executed = executions(report)
    adopted = adoptions(report)
    return {
        "schema": SCHEMA,
        "verdict": report.verdict.value,
        "ending": report.ending.value,
        "engine": timeline.engine,
        "stop": {
            "signal": stop.signal.name,
            "grace": None if math.isinf(stop.grace) else _time(stop.grace),
            "took": _time(stop.took),
            "killed": stop.killed,
            "exit": stop.exit,
            "way": stop.way.value,
            "asked": stop.asked,
        },
        "ready": {"what": timeline.ready.what, "at": _maybe(timeline.ready.at)},
        "observer": {
            "name": timeline.witness.name,
            "lost": timeline.witness.lost,
            "blind": list(timeline.witness.blind),
        },
        "findings": [
            {
                "rule": one.rule,
                "severity": one.severity.value,
                "pids": list(one.pids),
                "message": one.message,
                "next": one.next,
            }
            for one in report.findings
        ],
        "processes": [
            _process(one, executed[index], adopted.get(index)) for index, one in enumerate(report.processes)
        ],
        "output": [
            {"at": _time(one.at), "stream": one.stream, "text": one.text, "by": one.by or None}
            for one in timeline.events
            if isinstance(one, Printed)
        ],
        "requests": _traffic(timeline.traffic) if timeline.traffic else None,
        "notes": list(timeline.notes),
    }


def executions(report: Report) -> dict[int, list[float]]:
    """Return when each process, by its index in the report, became another program."""
    found: dict[int, list[float]] = defaultdict(list)
    for index, event in _attributed(report):
        if isinstance(event, Executed):
            found[index].append(event.at)
    return found


def adoptions(report: Report) -> dict[int, float]:
    """Return when each process, by its index in the report, got another parent for the last time."""
    return {index: event.at for index, event in _attributed(report) if isinstance(event, Adopted)}


def _attributed(report: Report) -> Iterator[tuple[int, Event]]:
    """Yield each event of a process with the index of its life: the one that was born last before it."""
    current: dict[int, int] = {}
    born = 0
    for event in report.timeline.events:
        if isinstance(event, Born):
            current[event.pid] = born
            born += 1
        elif not isinstance(event, Printed) and event.pid in current:
            yield current[event.pid], event


def _process(process: Process, executed: list[float], adopted: float | None) -> dict[str, Any]:
    alone = process.adopter == process.parent
    return {
        "pid": process.pid,
        "parent": process.parent,
        "adopted": None if alone else {"by": process.adopter, "at": _maybe(adopted)},
        "argv": [list(words) for words in process.argv],
        "executed": [_time(at) for at in executed] if process.executed else [],
        "born": _time(process.born),
        "died": _maybe(process.died),
        "end": _end(process.end) if process.end else None,
        "told": process.told,
        "reaped": {"by": process.reaped.by, "at": _time(process.reaped.at)} if process.reaped else None,
        "signals": [_signal(one) for one in process.signals],
        "holding": _holding(process.holding) if process.holding else None,
    }


def _end(end: End) -> dict[str, Any]:
    return {
        "kind": end.kind,
        "code": end.code,
        "signal": end.signal.name if end.signal else None,
        "by": end.killer.value if end.killer else None,
        "pid": end.pid,
    }


def _signal(one: Signalled) -> dict[str, Any]:
    return {
        "at": _time(one.at),
        "signal": one.signal.name,
        "from": _sender(one.sender),
        "fate": one.fate.value,
    }


def _sender(sender: Sender) -> dict[str, Any]:
    return {"kind": sender.kind.value, "pid": sender.pid}


def _holding(holding: Holding) -> dict[str, Any]:
    return {
        "at": _time(holding.at),
        "files": [{"path": one.path, "size": one.size, "whole": one.whole} for one in holding.files],
        "listening": list(holding.listening),
    }


def _traffic(traffic: Traffic) -> dict[str, Any]:
    groups = list(dict.fromkeys(one.group for one in traffic.requests))
    return {
        "target": traffic.target,
        "count": len(traffic.requests),
        "lost": len(traffic.lost),
        "totals": {
            group.value: {outcome.value: number for outcome, number in traffic.count(group).items()}
            for group in groups
        },
        "list": [
            {
                "group": one.group.value,
                "sent": _time(one.sent),
                "ended": _maybe(one.ended),
                "outcome": one.outcome.value,
                "status": one.status,
            }
            for one in traffic.requests
        ],
        "notes": list(traffic.notes),
    }


def _time(value: float) -> float:
    return round(value, 6) + 0.0  # and never -0.0


def _maybe(value: float | None) -> float | None:
    return None if value is None else _time(value)
