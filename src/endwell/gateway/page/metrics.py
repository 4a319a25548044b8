"""What /metrics says: OpenMetrics 1.0, https://prometheus.io/docs/specs/om/open_metrics_spec/.

| metric | type | of each replica of a service |
|---|---|---|
| endwell_service_state | stateset | supervisord's states, one of which is 1 |
| endwell_service_ready | gauge | 1 when it can be used |
| endwell_service_healthy | gauge | what its health check says; absent before it has said anything |
| endwell_service_restarts_total | counter | restarts since it was started by hand |
| endwell_service_start_time_seconds | gauge | when its process was started |
| endwell_service_exit_status | gauge | of its last end; -1 for a signal |
| endwell_service_processes | gauge | its process and all that come from it |
| endwell_service_cpu_seconds | gauge | processor time of those that are there now |
| endwell_service_resident_memory_bytes | gauge | memory of those that are there now |

| metric | type | of the whole |
|---|---|---|
| endwell_build_info | info | the version |
| endwell_start_time_seconds | gauge | when the supervisor was started |
| endwell_stopping | gauge | 1 when the container is ending |
| endwell_stop_budget_seconds | gauge | what all services together have for their end |
| endwell_stop_worst_case_seconds | gauge | what they may take for it at the worst |

The processor time is no counter: it becomes less when a process ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from endwell import __version__
from endwell.machine.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from endwell.gateway.rows import Row

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
Labels = dict[str, str]
Sample = tuple[Labels, float]


def metrics(
    project: Mapping[str, Any],
    rows: Sequence[Row],
    processes: Sequence[Mapping[str, Any]],
    stop: Mapping[str, Any],
) -> str:
    """Return the text.

    Args:
        project: what `ps` says of the whole.
        rows: and of each replica.
        processes: what `top` says.
        stop: what `plan` says of the stop.
    """
    lines = [
        *_whole(project, stop),
        *_states(rows),
        *_family("endwell_service_ready", "gauge", "Whether it can be used.", _each(rows, "ready")),
        *_family("endwell_service_healthy", "gauge", "What its health check says.", _each(rows, "healthy")),
        *_family(
            "endwell_service_restarts",
            "counter",
            "Restarts since it was started by hand.",
            _each(rows, "restarts"),
            suffix="_total",
        ),
        *_family(
            "endwell_service_start_time_seconds",
            "gauge",
            "When its process was started, in seconds since the epoch.",
            ((labels, value) for labels, value in _each(rows, "started") if value),
            unit="seconds",
        ),
        *_family(
            "endwell_service_exit_status", "gauge", "Of its last end, -1 for a signal.", _each(rows, "status")
        ),
        *_used(rows, processes),
        "# EOF",
    ]
    return "".join(f"{line}\n" for line in lines)


def _whole(project: Mapping[str, Any], stop: Mapping[str, Any]) -> Iterator[str]:
    about = {"version": __version__}
    yield from _family("endwell_build", "info", "Which endwell this is.", [(about, 1)], suffix="_info")
    yield from _family(
        "endwell_start_time_seconds",
        "gauge",
        "When the supervisor was started, in seconds since the epoch.",
        [({}, project["started"])],
        unit="seconds",
    )
    yield from _family(
        "endwell_stopping",
        "gauge",
        "Whether the container is ending.",
        [({}, project["state"] == "STOPPING")],
    )
    for name, key, about_it in (
        ("budget", "budget", "What all services together have for their end."),
        ("worst_case", "wanted", "What they may take for their end at the worst."),
    ):
        value = float("inf") if stop[key] is None else stop[key]
        yield from _family(f"endwell_stop_{name}_seconds", "gauge", about_it, [({}, value)], unit="seconds")


def _states(rows: Sequence[Row]) -> Iterator[str]:
    name = "endwell_service_state"
    samples = [
        (_labels(row) | {name: state.name}, float(row["state"] == state.name))
        for row in rows
        for state in State
        if state is not State.UNKNOWN
    ]
    yield from _family(name, "stateset", "In which of supervisord's states it is.", samples)


def _used(rows: Sequence[Row], processes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    own: dict[str, list[Mapping[str, Any]]] = {row["label"]: [] for row in rows}
    for process in processes:
        if process["label"] in own:
            own[process["label"]].append(process)
    each = [(_labels(row), own[row["label"]]) for row in rows]
    yield from _family(
        "endwell_service_processes",
        "gauge",
        "Its process and all that come from it.",
        ((labels, len(found)) for labels, found in each),
    )
    yield from _family(
        "endwell_service_cpu_seconds",
        "gauge",
        "Processor time of the processes that are there now.",
        ((labels, round(sum(one["cpu"] for one in found), 2)) for labels, found in each),
        unit="seconds",
    )
    yield from _family(
        "endwell_service_resident_memory_bytes",
        "gauge",
        "Memory of the processes that are there now.",
        ((labels, sum(one["rss"] for one in found)) for labels, found in each),
        unit="bytes",
    )


def _each(rows: Iterable[Row], key: str) -> Iterator[Sample]:
    return ((_labels(row), float(row[key])) for row in rows if row[key] is not None)


def _labels(row: Row) -> Labels:
    return {"group": row["group"], "service": row["service"], "replica": str(row["replica"])}


def _family(  # noqa: PLR0913  what a metric has
    name: str, kind: str, about: str, samples: Iterable[Sample], *, unit: str = "", suffix: str = ""
) -> Iterator[str]:
    """Go through the lines of a metric: what it is, and its samples."""
    yield f"# TYPE {name} {kind}"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {about}"
    for labels, value in samples:
        written = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{suffix}{f'{{{written}}}' if written else ''} {_number(value)}"


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(float(value))


def _escaped(text: str) -> str:
    plain = text.encode(errors="replace").decode()
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
