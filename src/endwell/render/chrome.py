"""The report as a Chrome trace, for Perfetto and chrome://tracing.

There slices on one track must lie within each other or beside each other; those that overlap are not shown.
So every life has a track of its own, a request the first track that is free, and signals are flows from slice
to slice with an instant at the receiver.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from endwell.model.timeline import Printed
from endwell.render.axis import axis
from endwell.render.clean import clean, fit
from endwell.render.document import executions
from endwell.render.family import lanes, zombie
from endwell.render.volleys import volleys
from endwell.render.words import ended, look, seconds, whence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.process import Process
    from endwell.model.report import Report
    from endwell.render.options import Options

_CONTAINER, _REQUESTS = 1, 2  # what the format calls processes: groups of tracks
_OUTSIDE, _OUTPUT, _FIRST = 1, 2, 10  # tracks of the container
_LONGEST = 200


def render(report: Report, options: Options) -> str:  # noqa: ARG001  every format has the same two
    """Return the trace; its zero is the first instant of the report, the stop is an instant on all tracks."""
    trace = _Trace(report)
    return json.dumps({"displayTimeUnit": "ms", "traceEvents": list(trace.events())}) + "\n"


class _Trace:
    def __init__(self, report: Report) -> None:
        self.report = report
        measures = axis(report, 0.0)
        self.start, self.end = measures.start, measures.end
        self.executed = executions(report)
        order = [index for lane in lanes(report.processes, len(report.processes)) for index in lane.members]
        self.tracks = {index: _FIRST + place for place, index in enumerate(order)}

    def events(self) -> Iterator[dict[str, Any]]:
        stop = self.report.timeline.stop
        yield self._named("process_name", _CONTAINER, 0, f"container ({self.report.timeline.engine})")
        yield self._named("thread_name", _CONTAINER, _OUTSIDE, "outside")
        yield self._named("thread_name", _CONTAINER, _OUTPUT, "output")
        yield self._slice("the world", _OUTSIDE, self.start, self.end)
        if stop.asked:
            yield self._slice(f"stop, grace {seconds(stop.grace)}", _OUTSIDE, 0.0, stop.took)
            yield self._instant(stop.signal.name, _OUTSIDE, 0.0, scope="g")
            if not math.isinf(stop.grace) and stop.grace <= self.end:
                yield self._instant("end of the grace", _OUTSIDE, stop.grace, scope="g")
        first = next((one for one in self.report.processes if one.pid == 1), None)
        for index, process in enumerate(self.report.processes):
            yield from self._life(index, process, first)
        yield from self._signals()
        for one in self.report.timeline.events:
            if isinstance(one, Printed):
                yield self._instant(
                    one.text or "(empty line)",
                    _OUTPUT,
                    one.at,
                    arguments={"stream": one.stream, **({"by": one.by} if one.by else {})},
                )
        yield from self._requests()

    def _life(self, index: int, process: Process, first: Process | None) -> Iterator[dict[str, Any]]:
        track = self.tracks[index]
        yield self._named("thread_name", _CONTAINER, track, f"{process.pid} {process.name}")
        yield {
            "ph": "M",
            "name": "thread_sort_index",
            "pid": _CONTAINER,
            "tid": track,
            "args": {"sort_index": track},
        }
        until = self.end if process.died is None else process.died
        yield self._slice(
            process.command or "?",
            track,
            process.born,
            until,
            arguments={
                "pid": process.pid,
                "parent": process.parent,
                "end": ended(process),
                "how": look(process).value,
            },
        )
        # Within its life, one slice for every program it was.
        starts = self.executed.get(index, [])
        for at, after, words in zip(starts, [*starts[1:], until], process.argv, strict=False):
            yield self._slice(" ".join(words) or "?", track, max(at, process.born), min(after, until))
        if (tail := zombie(process, first, self.end)) is not None:
            yield self._slice("zombie", track, *tail)

    def _signals(self) -> Iterator[dict[str, Any]]:
        number = 0
        for volley in volleys(self.report.processes):
            source = _OUTSIDE if volley.source is None else self.tracks[volley.source]
            for index, one in zip(volley.targets, volley.arrivals, strict=True):
                number += 1
                target = self.tracks[index]
                name = f"{one.signal.name}: {one.fate.value}"
                yield self._instant(name, target, one.at, arguments={"from": whence(one.sender)})
                if source != target:
                    flow = {
                        "name": one.signal.name,
                        "cat": "signal",
                        "id": number,
                        "ts": self._time(one.at),
                        "pid": _CONTAINER,
                    }
                    yield {**flow, "ph": "s", "tid": source}
                    yield {**flow, "ph": "f", "bp": "e", "tid": target}

    def _requests(self) -> Iterator[dict[str, Any]]:
        traffic = self.report.timeline.traffic
        if traffic is None:
            return
        yield self._named("process_name", _REQUESTS, 0, f"requests to {traffic.target}")
        free: list[float] = []  # when each track is free again
        for one in sorted(traffic.requests, key=lambda one: one.sent):
            until = max(one.sent, self.end if one.ended is None else one.ended)
            track = next((place for place, at in enumerate(free) if at < one.sent), len(free))
            free[track:] = [until, *free[track + 1 :]]
            yield self._slice(
                f"{one.group.value}: {one.outcome.value}",
                track + 1,
                one.sent,
                until,
                group=_REQUESTS,
                arguments={"status": one.status},
            )

    def _time(self, at: float) -> float:
        return round((at - self.start) * 1e6, 3)

    def _slice(  # noqa: PLR0913  what a slice consists of
        self,
        name: str,
        track: int,
        start: float,
        until: float,
        *,
        group: int = _CONTAINER,
        arguments: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        begin = self._time(start)
        return {
            "ph": "X",
            "name": fit(clean(name), _LONGEST),
            "pid": group,
            "tid": track,
            "ts": begin,
            "dur": max(0.0, round(self._time(until) - begin, 3)),
            "args": arguments or {},
        }

    def _instant(
        self, name: str, track: int, at: float, *, scope: str = "t", arguments: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        return {
            "ph": "i",
            "s": scope,
            "name": fit(clean(name), _LONGEST),
            "pid": _CONTAINER,
            "tid": track,
            "ts": self._time(at),
            "args": arguments or {},
        }

    def _named(self, kind: str, group: int, track: int, name: str) -> dict[str, Any]:
        return {
            "ph": "M",
            "name": kind,
            "pid": group,
            "tid": track,
            "args": {"name": fit(clean(name), _LONGEST)},
        }
