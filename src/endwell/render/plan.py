"""What `endwell plan` prints: who is started when, who is stopped when, and whether that fits into the grace.

Nothing here is new: the order is that of `machine.order`, the times are those of `machine.budget`, which `up`
keeps to. The stop is shown at its worst, as if every service had to be killed.
"""

from __future__ import annotations

import json
import math
import textwrap
from typing import TYPE_CHECKING, Any

from endwell.machine.budget import Budget
from endwell.model.durations import format_duration
from endwell.model.project import When
from endwell.model.readiness import Condition, Means
from endwell.model.stopping import MARGIN_MOST, MARGIN_SHARE
from endwell.parse.project import Format
from endwell.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from endwell.machine.budget import Row, Schedule
    from endwell.machine.order import Order
    from endwell.model.project import Project
    from endwell.model.readiness import Dependency
    from endwell.model.service import ServiceSpec

SCHEMA = "endwell.plan/1"
_WIDTH = 79
_NAME = 24
# How each format says how long a service may take, how long all of them may, and that none waits for numbers.
_WORDS = {
    Format.ENDWELL: ("stop-timeout", 'grace = "{}" below [stop]', "by-priority = false below [stop]"),
    Format.SUPERVISORD: (
        "stopwaitsecs",
        "endwell_grace={} in [supervisord]",
        "endwell_stop_by_priority=false in [supervisord]",
    ),
    Format.PROCFILE: ("stop-timeout", "an endwell.toml that says grace = {!r}", ""),
}
_REACHED = {
    Condition.STARTED: "is started",
    Condition.READY: "is ready",
    Condition.COMPLETED: "has completed",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How a project is started and stopped.

    Args:
        project: whose plan it is.
        order: of its services.
        format: of its file, whose words are used.
    """

    project: Project
    order: Order
    format: Format = Format.ENDWELL

    @property
    def schedule(self) -> Schedule:
        """The stop at its worst."""
        return Budget(self.project, self.order).schedule()

    def specs(self, name: str) -> list[ServiceSpec]:
        """Return the replicas of a service."""
        return [spec for spec in self.project.services if spec.name == name]


def plan_document(plan: Plan, file: str) -> dict[str, Any]:
    """Return the plan as values of JSON: keys may be added to it, none will be renamed; times in seconds."""
    schedule = plan.schedule
    first = {spec.name: spec for spec in reversed(plan.project.services)}
    specs = {spec.key: spec for spec in plan.project.services}
    return {
        "schema": SCHEMA,
        "file": file,
        "start": [
            [
                {
                    "service": name,
                    "replicas": first[name].replicas,
                    "autostart": first[name].autostart,
                    "after": {need.service: need.condition.value for need in plan.order.needs[name]},
                }
                for name in level
            ]
            for level in plan.order.start_levels
        ],
        "stop": {
            "fits": schedule.fits,
            "grace": _number(schedule.grace),
            "budget": _number(schedule.budget),
            "wanted": _number(schedule.wanted),
            "chain": list(schedule.chain),
            "steps": [_step(row, specs[row.service, row.index]) for row in schedule.rows],
        },
        "exit-when": plan.project.exit_when.when.value,
        "exit-when-service": plan.project.exit_when.service or None,
    }


def plan_json(plan: Plan, file: str) -> str:
    """Return the plan as JSON."""
    return json.dumps(plan_document(plan, file), indent=2) + "\n"


def plan_text(plan: Plan, file: str) -> str:
    """Return the plan as text for 80 columns."""
    count = len(plan.project.services)
    names = len(plan.order.names)
    processes = f", {count} processes" if count != names else ""
    lines = [f"{file}: {names} service{'' if names == 1 else 's'}{processes}"]
    if count:
        lines += ["", "start", *_start(plan), "", *_stop(plan)]
    lines += ["", *_verdict(plan), *_exit(plan)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _start(plan: Plan) -> Iterator[str]:
    names = {name: _shown(name, plan) for name in plan.order.names}
    width = min(_NAME, max(map(len, names.values())))
    for number, level in enumerate(plan.order.start_levels, 1):
        for at, name in enumerate(level):
            left = f"  {number if at == 0 else '':>2}  {names[name]:{width}}"
            yield from _filled(left, _waits(plan.specs(name)[0], plan.order.needs[name]))


def _waits(spec: ServiceSpec, needs: tuple[Dependency, ...]) -> str:
    waits = " and ".join(f"{need.service} {_REACHED[need.condition]}" for need in needs)
    said = f"when {waits}" if waits else "at once"
    if not spec.autostart:
        said = "only by hand" + (f", {said}" if waits else "")
    if spec.ready:
        # A URL says itself that it is one.
        means = "" if spec.ready.means is Means.HTTP else spec.ready.means.value
        told = f"{means} {spec.ready.value}".strip()
        within = "" if spec.ready.timeout is None else f", within {_time(spec.ready.timeout)}"
        said += f"; ready by {told}{within}"
    return said


def _stop(plan: Plan) -> Iterator[str]:
    schedule = plan.schedule
    rows: dict[str, list[Row]] = {}
    for row in schedule.rows:
        rows.setdefault(row.service, []).append(row)
    names = {name: _shown(name, plan) for name in rows}
    signals = {name: plan.specs(name)[0].stop_signal.name for name in rows}
    wide = max(map(len, signals.values()))
    # What the times need of the line is left to them.
    width = min(_WIDTH - 54 - wide, max(map(len, names.values())))
    yield "stop, at its worst; times since the stop signal of the container"
    yield f"  {'':{width}}  {'asked':>7} {'told':>7}  {'':{wide}} {'SIGKILL':>8} {'over':>7}"
    for name, of in rows.items():
        worst = max(of, key=lambda row: row.ends)
        times = f"{_time(worst.begins):>7} {_time(worst.told):>7}  {signals[name]:{wide}} "
        times += f"{_time(worst.killed):>8} {_time(worst.ends):>7}"
        cut = f"  cut from {_time(worst.wanted)}" if worst.cut else ""
        shown = names[name]
        if len(shown) > width:
            yield f"  {shown}"
            shown = ""
        yield f"  {shown:{width}}  {times}{cut}"


def _verdict(plan: Plan) -> Iterator[str]:
    schedule = plan.schedule
    if math.isinf(schedule.grace):
        yield from _filled(
            "", f"It fits: there is no deadline; it takes {_time(schedule.wanted)} at the worst."
        )
        return
    within = f"the {_time(schedule.budget)} that are left of the grace of {_time(schedule.grace)}"
    if schedule.fits:
        yield from _filled(
            "", f"It fits: the stop takes {_time(schedule.wanted)} at the worst, and has {within}."
        )
        return
    own = _own_times(plan, schedule)
    parts = " + ".join(f"{name} {_time(own[name])}" for name in schedule.chain)
    after = "one after another: " if len(schedule.chain) > 1 else ""
    yield from _filled(
        "",
        f"It does not fit: the stop takes {_time(schedule.wanted)} at the worst ({after}{parts}), "
        f"and has {within}. Who is cut is killed early.",
    )
    yield from _filled("", " ".join(_advice(plan, schedule)))


def _advice(plan: Plan, schedule: Schedule) -> Iterator[str]:
    """Say what to change: the container's grace, or the longest time-out that can give what is missing."""
    timeout, grace, together = _WORDS[plan.format]
    seconds = format_duration(needed_grace(schedule.wanted))
    bare = f"{needed_grace(schedule.wanted):.0f}"
    yield (
        f"Either give the container {seconds} (docker stop --time {bare}, stop_grace_period: {seconds}, "
        f"terminationGracePeriodSeconds: {bare}) and write {grace.format(seconds)};"
    )
    missing = schedule.wanted - schedule.budget
    longest = max(
        (spec for name in schedule.chain for spec in plan.specs(name)), key=lambda spec: spec.stop_timeout
    )
    left = math.floor((longest.stop_timeout - missing) * 10) / 10
    now = _time(longest.stop_timeout)
    if plan.format is Format.SUPERVISORD:
        left = math.floor(left)
    shown = f"{left:.0f}" if plan.format is Format.SUPERVISORD else format_duration(max(left, 0))
    slowest = max((spec for name in schedule.chain for spec in plan.specs(name)), key=_besides)
    if left >= 1 and _lowered(plan, {longest.name}, left).fits:
        yield f"or lower the {timeout} of {longest.name} from {now} to {shown}."
    elif left >= 1 and _lowered(plan, {spec.name for spec in plan.project.services}, left).fits:
        yield f"or lower every {timeout} to at most {shown}."
    elif _besides(slowest) > longest.stop_timeout:
        yield (
            f"or lower the times of {slowest.name} first: its drain and its hooks "
            f"have {_time(_besides(slowest))}."
        )
    else:
        yield f"or lower the {timeout} of several services, {longest.name} ({now}) first."
    if plan.order.by_priority:
        yield f"Where nobody needs anybody, {together} has all of them told at once."


def _besides(spec: ServiceSpec) -> float:
    return spec.longest_stop - spec.stop_timeout


def _lowered(plan: Plan, names: Collection[str], most: float) -> Schedule:
    """Return the stop with no more than this for each of these services."""
    services = tuple(
        replace(spec, stop_timeout=min(spec.stop_timeout, most)) if spec.name in names else spec
        for spec in plan.project.services
    )
    return replace(plan, project=replace(plan.project, services=services)).schedule


def needed_grace(wanted: float) -> float:
    """Return the whole seconds of grace into which a stop of so many seconds fits."""
    # What is kept back of the grace is a share of it, up to a limit.
    least = wanted + min(MARGIN_MOST, wanted / (1 - MARGIN_SHARE) * MARGIN_SHARE)
    return float(math.ceil(round(least, 6)))


def _own_times(plan: Plan, schedule: Schedule) -> Mapping[str, float]:
    return {name: max(spec.longest_stop for spec in plan.specs(name)) for name in schedule.chain}


def _exit(plan: Plan) -> Iterator[str]:
    when = plan.project.exit_when
    said = {
        When.STOPPED: "",
        When.ANY_FAILS: "The container ends by itself when any service fails for good.",
        When.ANY_EXITS: "The container ends by itself when any service has ended for good.",
        When.ALL_EXIT: "The container ends by itself when all services have ended for good.",
        When.SERVICE_EXITS: f"The container ends by itself when {when.service} has ended for good.",
    }[when.when]
    if said:
        yield from _filled("", said)


def _step(row: Row, spec: ServiceSpec) -> dict[str, Any]:
    return {
        "service": row.service,
        "replica": row.index + 1,
        "level": row.level,
        "signal": spec.stop_signal.name,
        "group": spec.stop_group,
        "asked": _number(row.begins),
        "told": _number(row.told),
        "killed": _number(row.killed),
        "over": _number(row.ends),
        "wanted": _number(row.wanted),
        "cut": row.cut,
    }


def _shown(name: str, plan: Plan) -> str:
    replicas = plan.specs(name)
    return f"{name} ({len(replicas)})" if len(replicas) > 1 else name


def _time(seconds: float) -> str:
    """Write a time to a tenth of a second, and what is shorter to the millisecond."""
    if math.isinf(seconds):
        return "never"
    return format_duration(round(seconds, 1 if seconds >= 1 else 3))


def _filled(left: str, text: str) -> list[str]:
    """Return a text beside what stands on its left, in as many lines as it takes."""
    indent = len(left) + 2 if left else 0
    if indent > _WIDTH // 2:
        return [left, *textwrap.wrap(text, _WIDTH, initial_indent=" " * 10, subsequent_indent=" " * 10)]
    lines = textwrap.wrap(text, _WIDTH - indent, break_long_words=False, break_on_hyphens=False)
    return [
        f"{left}  {line}" if left and at == 0 else " " * indent + line
        for at, line in enumerate(lines or [""])
    ]


def _number(value: float) -> float | None:
    return None if math.isinf(value) else round(value, 6) + 0.0
