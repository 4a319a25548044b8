"""Any report at all: events in any order, about processes that fit together or do not, with any text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from endwell.machine.lives import lives
from endwell.model.finding import Ending, Finding, Severity, Verdict
from endwell.model.report import Report
from endwell.model.signals import CHLD, KILL, TERM, Signal
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

if TYPE_CHECKING:
    from endwell.model.timeline import Event

pids = st.integers(1, 9)
times = st.floats(-20, 20).map(lambda value: round(value, 7)) | st.sampled_from([0.0, -0.0, 1e-7, 5e5, -3e5])
# With surrogates, as Python reads file names that are no UTF-8.
texts = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["\x1b[31m", "</script>", "\u202e", "日本語", "e\u0301", "a\nb", "\udcff"]
)
signals = st.sampled_from([TERM, KILL, CHLD]) | st.integers(1, 64).map(Signal)
senders = st.builds(Sender, st.sampled_from(Origin), st.none() | pids)
files = st.builds(OpenFile, texts, st.none() | st.integers(0, 10**9), st.none() | st.booleans())

events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Born, times, pids, st.integers(0, 9)),
    st.builds(Executed, times, pids, st.lists(texts, max_size=4).map(tuple)),
    st.builds(Signalled, times, pids, signals, senders, st.sampled_from(Fate)),
    st.builds(Adopted, times, pids, st.integers(0, 9)),
    st.builds(Died, times, pids, st.integers(0, 255)),
    st.builds(Died, times, pids, st.none(), signals, st.none() | senders),
    st.builds(Reaped, times, pids, st.integers(0, 9)),
    st.builds(
        Holding, times, pids, st.lists(files, max_size=2).map(tuple), st.lists(texts, max_size=2).map(tuple)
    ),
    st.builds(Printed, times, st.sampled_from(["stdout", "stderr"]) | texts, texts, st.just("") | texts),
)
findings = st.builds(
    Finding,
    st.sampled_from(["EW101", "EW402"]) | texts,
    texts,
    texts,
    st.lists(pids, max_size=12).map(tuple),
    st.sampled_from(Severity),
)
requests = st.builds(
    Request,
    st.sampled_from(Group),
    times,
    st.none() | times,
    st.sampled_from(Outcome),
    st.none() | st.integers(100, 599),
)
stops = st.builds(
    Stop,
    signal=signals,
    grace=st.sampled_from([0.0, 0.5, 10.0, math.inf]),
    took=st.floats(0, 20),
    killed=st.booleans(),
    exit=st.none() | st.integers(0, 255),
    way=st.sampled_from(Way),
    asked=st.booleans(),
)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Draw a timeline whose events are in order, but need not make sense."""
    # PID 1 mostly exists: without it hardly anything is drawn.
    first: list[Event] = [Born(-21.0, 1, 0)] if draw(st.booleans()) else []
    some = sorted([*first, *draw(st.lists(events, max_size=40))], key=lambda event: event.at)
    return Timeline(
        events=tuple(some),
        stop=draw(stops),
        witness=Witness(draw(texts), draw(st.integers(0, 9)), tuple(draw(st.lists(texts, max_size=2)))),
        engine=draw(texts),
        ready=Ready(draw(texts), draw(st.none() | times)),
        traffic=draw(
            st.none()
            | st.builds(
                Traffic,
                texts,
                st.lists(requests, max_size=12).map(tuple),
                st.lists(texts, max_size=2).map(tuple),
            )
        ),
        notes=tuple(draw(st.lists(texts, max_size=2))),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Draw a report."""
    timeline = draw(timelines())
    return Report(
        timeline,
        lives(timeline),
        tuple(draw(st.lists(findings, max_size=4))),
        draw(st.sampled_from(Verdict)),
        draw(st.sampled_from(Ending)),
    )
