"""Read a report that was written as JSON, so that it can be shown again, or judged again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from endwell.model.finding import Ending, Finding, Severity, Verdict
from endwell.model.process import End, Killer, Process
from endwell.model.report import Report
from endwell.model.signals import Signal
from endwell.model.timeline import (
    Adopted,
    Born,
    Died,
    Executed,
    Fate,
    Holding,
    OpenFile,
    Origin,
    Printed,
    Ready,
    Reaped,
    Sender,
    Signalled,
    Stop,
    Timeline,
    Way,
    Witness,
)
from endwell.model.traffic import Group, Outcome, Request, Traffic
from endwell.render.document import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.timeline import Event

_SENDERS = {
    Killer.ENGINE: Origin.OUTSIDE,
    Killer.OUTSIDE: Origin.OUTSIDE,
    Killer.PROCESS: Origin.PROCESS,
    Killer.NAMESPACE: Origin.NAMESPACE,
}


def load(document: Any) -> Report:  # noqa: ANN401  what JSON may be
    """Return the report of a document that `render.document` made.

    Its timeline has every event the document speaks of, so that it can be judged again.

    Raises:
        ValueError: it is none, is of another version, or lacks something; the message says what.
    """
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise ValueError(
            f"cannot read the report: it is of schema {schema!r}, not {SCHEMA!r}; run the probe again for one"
        )
    try:
        return _report(document)
    except KeyError as error:
        wrong = f"{error} is missing"
    except (TypeError, ValueError, AttributeError) as error:
        wrong = " ".join(str(error).split())
    raise ValueError(f"cannot read the report: {wrong}; run the probe again to get a whole one")


def _report(document: dict[str, Any]) -> Report:
    processes = tuple(_process(one) for one in document["processes"])
    # By time; at one instant a life is over before its number comes round again.
    events: list[tuple[float, int, int, Event]] = []
    for order, one in enumerate(document["output"]):
        events.append(
            (one["at"], -1, order, Printed(one["at"], one["stream"], one["text"], one.get("by") or ""))
        )
    for index, (process, one) in enumerate(zip(processes, document["processes"], strict=True)):
        events += [(event.at, index, order, event) for order, event in enumerate(_events(process, one))]
    timeline = Timeline(
        events=tuple(event for *_, event in sorted(events, key=lambda entry: entry[:3])),
        stop=_stop(document["stop"]),
        witness=Witness(
            document["observer"]["name"], document["observer"]["lost"], tuple(document["observer"]["blind"])
        ),
        engine=document["engine"],
        ready=Ready(document["ready"]["what"], document["ready"]["at"]) if "ready" in document else Ready(),
        traffic=_traffic(document["requests"]) if document["requests"] else None,
        notes=tuple(document.get("notes", ())),
    )
    findings = tuple(
        Finding(
            one["rule"],
            one["message"],
            one["next"],
            tuple(one["pids"]),
            Severity(one.get("severity", Severity.ERROR.value)),
        )
        for one in document["findings"]
    )
    return Report(timeline, processes, findings, Verdict(document["verdict"]), Ending(document["ending"]))


def _stop(stop: dict[str, Any]) -> Stop:
    return Stop(
        signal=Signal.parse(stop["signal"]),
        grace=math.inf if stop["grace"] is None else stop["grace"],
        took=stop["took"],
        killed=stop["killed"],
        exit=stop["exit"],
        way=Way(stop.get("way", Way.STOP.value)),
        asked=stop.get("asked", True),
    )


def _process(one: dict[str, Any]) -> Process:
    pid, adopted, reaped, end = one["pid"], one.get("adopted"), one["reaped"], one["end"]
    return Process(
        pid=pid,
        parent=one["parent"],
        adopter=adopted["by"] if adopted else one["parent"],
        argv=tuple(tuple(words) for words in one["argv"]),
        born=one["born"],
        died=one["died"],
        end=_end(end) if end else None,
        told=one["told"],
        reaped=Reaped(reaped["at"], pid, reaped["by"]) if reaped else None,
        signals=tuple(_signal(pid, signal) for signal in one["signals"]),
        holding=_holding(pid, one["holding"]) if one.get("holding") else None,
        executed=bool(one.get("executed", one["argv"])),
    )


def _end(end: dict[str, Any]) -> End:
    return End(
        end["code"],
        Signal.parse(end["signal"]) if end["signal"] else None,
        Killer(end["by"]) if end["by"] else None,
        end["pid"],
    )


def _signal(pid: int, one: dict[str, Any]) -> Signalled:
    sender = Sender(Origin(one["from"]["kind"]), one["from"]["pid"])
    return Signalled(one["at"], pid, Signal.parse(one["signal"]), sender, Fate(one["fate"]))


def _holding(pid: int, one: dict[str, Any]) -> Holding:
    files = tuple(OpenFile(file["path"], file["size"], file["whole"]) for file in one["files"])
    return Holding(one["at"], pid, files, tuple(one["listening"]))


def _events(process: Process, one: dict[str, Any]) -> Iterator[Event]:
    yield Born(process.born, process.pid, process.parent)
    for at, words in zip(one.get("executed", ()), process.argv, strict=False):
        yield Executed(at, process.pid, words)
    if adopted := one.get("adopted"):
        yield Adopted(process.born if adopted["at"] is None else adopted["at"], process.pid, adopted["by"])
    yield from process.signals
    if process.holding:
        yield process.holding
    if process.died is not None:
        end = process.end or End()
        sender = Sender(_SENDERS[end.killer], end.pid) if end.killer else None
        if sender is None and end.signal and end.signal.number == 9:  # noqa: PLR2004  its own SIGKILL
            sender = Sender(Origin.PROCESS, process.pid)
        yield Died(process.died, process.pid, end.code, end.signal, sender)
    if process.reaped:
        yield process.reaped


def _traffic(requests: dict[str, Any]) -> Traffic:
    return Traffic(
        requests["target"],
        tuple(
            Request(Group(one["group"]), one["sent"], one["ended"], Outcome(one["outcome"]), one["status"])
            for one in requests["list"]
        ),
        tuple(requests.get("notes", ())),
    )
