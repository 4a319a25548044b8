"""The report as one page that needs nothing else: no network, no script to be read, paper or screen."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import shlex
from collections import Counter
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from endwell import __version__
from endwell.model.finding import Ending, Verdict
from endwell.model.process import Killer
from endwell.model.timeline import Origin, Printed, Way
from endwell.render.clean import clean, fit
from endwell.render.document import document
from endwell.render.family import lanes, passing
from endwell.render.marks import HEARINGS as FATE_CLASSES, LOOKS
from endwell.render.names import Names
from endwell.render.picture import legend, picture
from endwell.render.picture_signals import deadly
from endwell.render.volleys import repeated, volleys
from endwell.render.words import (
    GROUPS,
    HEARINGS,
    NAMED,
    Look,
    clock,
    counted,
    ended,
    ended_at_length,
    fates,
    headline,
    look,
    number_of_findings,
    seconds,
    whence,
)

if TYPE_CHECKING:
    from endwell.model.finding import Finding
    from endwell.model.process import Process
    from endwell.model.report import Report
    from endwell.render.options import Options
    from endwell.render.volleys import Volley

MOST_PROCESSES = 1000
MOST_SIGNALS = 300
MOST_LINES = 300
_MOST_CHIPS = 24  # processes of a finding
# The ending in words: it may be well although the verdict is bad, because requests were lost, say.
_CHIPS = {
    Ending.WELL: "no process was killed",
    Ending.PARTIAL: "processes were killed",
    Ending.KILLED: "PID 1 was killed",
    Ending.UNKNOWN: "ending not seen",
}
_MARKS = {Verdict.WELL: ("well", "✓"), Verdict.BADLY: ("badly", "✕"), Verdict.UNKNOWN: ("unknown", "?")}


def render(report: Report, options: Options) -> str:
    """Return the page; the document of `render.document` is inside, as `<script type="application/json">`.

    A browser is told to load nothing and to run no script but ours: should a guest's name ever get past the
    escapes, it is still only a name.
    """
    values = document(report)
    # Nothing in a script element is escaped; only `<` could end it.
    embedded = Markup(json.dumps(values).replace("<", "\\u003c"))  # noqa: S704  ASCII, and no `<`
    script = _part("script.js")
    kind, mark = _MARKS[report.verdict]
    first = next((one for one in report.processes if one.pid == 1), None)
    return (
        _environment()
        .get_template("report.html")
        .render(
            version=__version__,
            style=_part("style.css"),
            script=script,
            digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            document=values,
            embedded=embedded,
            report=report,
            stop=report.timeline.stop,
            kind=kind,
            mark=mark,
            headline=headline(report).partition(": ")[2],
            findings=number_of_findings(report),
            left=_left(report, first),
            chip=_CHIPS[report.ending],
            series=options.series,
            gone=_gone(report),
            # A number that comes round again leads to its last life.
            anchors=frozenset({one.pid: index for index, one in enumerate(report.processes)}.values()),
            command=shlex.join(first.argv[-1]) if first and first.argv else "",
            grace=_grace(report),
            looks=_looks(report),
            picture=picture(report) if report.processes else "",
            legend=legend(report),
            signals=_signals(report),
            output=[event for event in report.timeline.events if isinstance(event, Printed)],
            traffic=_traffic(report),
            most={"processes": MOST_PROCESSES, "signals": MOST_SIGNALS, "lines": MOST_LINES},
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("endwell.render", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clean=clean,
        clock=clock,
        seconds=seconds,
        ended=ended,
        ended_at_length=ended_at_length,
        brief=lambda text, room: fit(clean(text), room),
        look=lambda process: LOOKS[look(process)],
        forgotten=_forgotten,
        linked=_linked,
    )
    environment.globals.update(counted=counted)
    return environment


def _part(name: str) -> Markup:
    """Return a file of the page as it is: ours, and free of the tag that would end its element."""
    return Markup(resources.files("endwell.render").joinpath("page", name).read_text())  # noqa: S704


def _linked(one: Finding) -> dict[str, Any]:
    """Return the message with links where it names processes, and the processes that it does not name."""
    pieces: list[Markup] = []
    named: set[int] = set()
    end = 0
    for match in NAMED.finditer(one.message):
        if (pid := int(match[1])) in one.pids:
            named.add(pid)
            pieces += [escape(clean(one.message[end : match.start(1)])), _chip(pid)]
            end = match.end(1)
    pieces.append(escape(clean(one.message[end:])))
    rest = [pid for pid in one.pids if pid not in named]
    return {
        "message": Markup("").join(pieces),
        "chips": Markup(" ").join(map(_chip, rest[:_MOST_CHIPS])),
        "more": max(0, len(rest) - _MOST_CHIPS),
    }


def _chip(pid: int) -> Markup:
    return Markup('<a class="pid" href="#process-{0}" data-pid="{0}">{0}</a>').format(pid)


def _grace(report: Report) -> dict[str, Any]:
    """Return the meter: the share of the grace that the stop took, in percent."""
    stop = report.timeline.stop
    share = stop.took / stop.grace if stop.grace > 0 and not math.isinf(stop.grace) else 0.0
    return {"share": round(min(1.0, max(0.0, share)) * 100, 1), "high": share > 0.8}  # noqa: PLR2004  what a rule warns of


def _forgotten(process: Process) -> bool:
    """Whether it was left uncollected: PID 1, and what the kernel kills with it, is for nobody inside."""
    torn = process.end is not None and process.end.killer is Killer.NAMESPACE
    return process.died is not None and process.reaped is None and process.pid != 1 and not torn


def _left(report: Report, first: Process | None) -> str:
    """Return how PID 1 ended, for the tile with its status."""
    stop = report.timeline.stop
    if stop.way is Way.KILL and (stop.killed or stop.asked):
        return "killed as asked"
    if stop.killed:
        return "killed by the engine"
    if first is None or first.end is None:
        return "nobody saw how PID 1 ended"
    if first.end.signal:
        return f"PID 1 was {ended_at_length(first)}".replace("was ended by", "died of")
    return "PID 1 left by itself"


def _gone(report: Report) -> frozenset[int]:
    """Return the indices of those that share a lane because they came and went before the stop."""
    every = lanes(report.processes, len(report.processes), passing(report))
    return frozenset(index for lane in every if lane.gone for index in lane.members)


def _looks(report: Report) -> list[dict[str, Any]]:
    """Return how lives ended, the most of them first: class, words, number."""
    found = Counter(look(one) for one in report.processes)
    return [{"name": LOOKS[kind], "words": kind.value, "number": found[kind]} for kind in Look if found[kind]]


def _signals(report: Report) -> list[dict[str, Any]]:
    names = Names(report)
    return [
        {
            "at": one.at,
            "times": len(one.arrivals),
            "signal": one.signal.name,
            "source": names.at(one.source, one.at)
            if one.source is not None and one.sender.kind is Origin.PROCESS
            else whence(one.sender),
            "targets": _targets(names, one),
            "fate": fates(one.arrivals),
            "kind": "deadly" if deadly(one.arrivals[0]) else FATE_CLASSES[HEARINGS[one.arrivals[0].fate]],
        }
        for one in repeated(volleys(report.processes))
    ]


def _targets(names: Names, one: Volley) -> str:
    targets = tuple(dict.fromkeys(one.targets))
    return (
        ", ".join(names.at(index, one.at) for index in targets)
        if len(targets) <= 6  # noqa: PLR2004  a line
        else f"{len(targets)} processes"
    )


def _traffic(report: Report) -> dict[str, Any] | None:
    traffic = report.timeline.traffic
    if traffic is None:
        return None
    outcomes = list(dict.fromkeys(one.outcome for one in traffic.requests))
    outcomes.sort(key=lambda one: (one.lost, one.value))
    groups = list(dict.fromkeys(one.group for one in traffic.requests))
    counts = {group: traffic.count(group) for group in groups}
    return {
        "groups": [(group.value, GROUPS[group]) for group in groups],
        "outcomes": outcomes,
        "rows": [(group.value, [counts[group][one] for one in outcomes]) for group in groups],
    }
