"""The words every format uses: how a life ended, how a signal was heard, and the verdict in one line."""

from __future__ import annotations

import math
import re
from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING

from endwell.model.finding import Ending, Severity, Verdict
from endwell.model.process import Killer
from endwell.model.signals import KILL
from endwell.model.timeline import Fate, Origin, Way
from endwell.model.traffic import Group

if TYPE_CHECKING:
    from endwell.model.process import Process
    from endwell.model.report import Report
    from endwell.model.timeline import Sender, Signalled


class Look(Enum):
    """How a life ended, as far as a picture tells: one color, one pattern, one mark each."""

    LEFT = "left by itself"
    EARLIER = "left before the stop"
    FAILED = "left with a status other than 0"
    SIGNAL = "ended by a signal"
    KILLED = "killed"
    CUT = "told, but cut short"
    UNTOLD = "never told"
    UNKNOWN = "not seen to end"


class Hearing(Enum):
    """How a signal was received, as far as a picture tells."""

    HEARD = "handled"
    ACTED = "default action"
    UNHEARD = "ignored or discarded"
    WAITING = "pending or merged"
    LATE = "too late"


HEARINGS = {
    Fate.HANDLER: Hearing.HEARD,
    Fate.SIGWAIT: Hearing.HEARD,
    Fate.SIGNALFD: Hearing.HEARD,
    Fate.DEFAULT: Hearing.ACTED,
    Fate.IGNORED: Hearing.UNHEARD,
    Fate.DISCARDED: Hearing.UNHEARD,
    Fate.PENDING: Hearing.WAITING,
    Fate.MERGED: Hearing.WAITING,
    Fate.TOO_LATE: Hearing.LATE,
}

# How a message names a process: `PID 1`, `app (7)`.
NAMED = re.compile(r"(?:PID |\()([0-9]{1,9})\b")
# Kinds of clients, as people ask for them.
GROUPS = {
    Group.BEFORE: "over before the stop",
    Group.IN_FLIGHT: "sent before the stop, answered after it",
    Group.SLOW: "in flight at the stop, and the server takes long for it",
    Group.IDLE: "a connection kept alive without a request, used again after the stop",
    Group.HALF_SENT: "half a request at the stop, the rest after it",
    Group.NEW: "a new connection after the stop",
}
_MINUTES = 120  # seconds from which on minutes are easier to read


def look(process: Process) -> Look:  # noqa: PLR0911  a table, in order
    """Return how a life ended."""
    end = process.end
    if process.died is None or end is None:
        return Look.UNKNOWN
    if end.killer is Killer.NAMESPACE:
        return Look.CUT if process.told else Look.UNTOLD
    if end.killer:
        return Look.KILLED
    if end.signal:
        return Look.SIGNAL
    if end.code is None:
        return Look.UNKNOWN
    if process.died < 0:
        return Look.EARLIER
    return Look.FAILED if end.code else Look.LEFT


def failed(process: Process) -> bool:
    """Whether it left by itself with a status other than 0, before the stop or after it."""
    return look(process) in {Look.FAILED, Look.EARLIER} and bool(process.end and process.end.code)


def ended(process: Process) -> str:
    """Return how a life ended in at most 12 letters or so: `exit 0`, `TERM`, `never told`."""
    end = process.end
    if process.died is None or end is None:
        return "not seen"
    if end.killer is Killer.NAMESPACE:
        return "cut short" if process.told else "never told"
    if end.killer is Killer.PROCESS and end.pid is not None:
        return f"killed by {end.pid}"
    if end.killer:
        return "killed"
    if end.signal:
        return end.signal.name.removeprefix("SIG")
    return "ended" if end.code is None else f"exit {end.code}"


def ended_at_length(process: Process) -> str:  # noqa: PLR0911  a table, in order
    """Return how a life ended, in one sentence without a full stop."""
    end = process.end
    if process.died is None or end is None:
        return "nobody saw it end"
    told = "after it had been told" if process.told else "without having been told"
    if end.killer is Killer.NAMESPACE:
        return f"killed by the kernel because PID 1 had ended, {told}"
    if end.killer is Killer.ENGINE:
        return "killed by the engine"
    if end.killer is Killer.PROCESS:
        return f"killed by process {end.pid}" if end.pid is not None else "killed by another process"
    if end.killer is Killer.OUTSIDE:
        return "killed from outside"
    if end.signal:
        return f"ended by {end.signal.name}"
    return "ended, nobody saw with which status" if end.code is None else f"left with status {end.code}"


def whence(sender: Sender) -> str:
    """Return where a signal came from: `outside`, `the kernel`, `7`."""
    if sender.kind is Origin.PROCESS:
        return str(sender.pid) if sender.pid is not None else "a process"
    if sender.kind is Origin.NAMESPACE:
        return "end of PID 1"
    return "the kernel" if sender.kind is Origin.KERNEL else "outside"


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 finding`, `2 findings`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def fate(one: Signalled) -> str:
    """Return what became of a signal: `handler`, `default action`, `killed`."""
    if one.fate is Fate.DEFAULT:
        return "killed" if one.signal == KILL else "default action"
    word: str = one.fate.value
    return word


def fates(arrivals: tuple[Signalled, ...]) -> str:
    """Return what became of signals: the fate, or where they differ each with its number."""
    found = Counter(map(fate, arrivals))
    if len(found) == 1:
        return next(iter(found))
    ranked = sorted(found.items(), key=lambda item: -item[1])
    return ", ".join(f"{number} {fate}" for fate, number in ranked)


def seconds(value: float) -> str:
    """Return a span of time as people say it: `0.3 ms`, `12 ms`, `10.01 s`, `2 min 5 s`."""
    if math.isinf(value):
        return "no limit"
    size = abs(value)
    sign = "-" if value < 0 else ""
    if round(size, 6) == 0:
        return "0 s"
    if size < 0.00995:  # noqa: PLR2004  where the second digit still matters
        return f"{sign}{_short(size * 1000, 2)} ms"
    if size < 0.9995:  # noqa: PLR2004  what rounds to less than a second
        return f"{sign}{size * 1000:.0f} ms"
    if size < _MINUTES:
        return f"{sign}{_short(size, 2)} s"
    minutes, rest = divmod(round(size), 60)
    return f"{sign}{minutes} min {rest} s" if rest else f"{sign}{minutes} min"


def _short(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def clock(at: float) -> str:
    """Return an instant relative to the stop: `+0.012`, `-0.510`."""
    return f"{0.0 if round(at, 3) == 0 else at:+.3f}"


def headline(report: Report, *, brief: bool = False) -> str:
    """Return the verdict in one line: `ends badly: 2 findings; stopped in 10.01 s of 10 s, exit 137`.

    Args:
        report: what it is about.
        brief: with fewer words, where they would not fit.
    """
    parts = [_reason(report)]
    parts.append(
        ", ".join(
            filter(
                None, (_took(report, brief=brief), _killed(report, brief=brief), _exit(report, brief=brief))
            )
        )
    )
    return f"{report.verdict.value}: " + "; ".join(part for part in parts if part)


def number_of_findings(report: Report) -> str:
    """Return how many findings there are: `2 findings and 1 warning`; nothing for none."""
    errors = sum(one.severity is Severity.ERROR for one in report.findings)
    warnings = len(report.findings) - errors
    words = [counted(errors, "finding")] if errors else []
    words += [counted(warnings, "warning")] if warnings else []
    return " and ".join(words)


def _reason(report: Report) -> str:
    """Return why the verdict is what it is; where it cannot be told, that is not the number of findings."""
    lost = report.timeline.witness.lost
    if report.verdict is not Verdict.UNKNOWN:
        return number_of_findings(report)
    if lost:
        return f"{counted(lost, 'event')} {'was' if lost == 1 else 'were'} lost"
    if not any(one.pid == 1 for one in report.processes):
        return "nothing was seen of PID 1"
    return number_of_findings(report)


def _took(report: Report, *, brief: bool) -> str:
    stop = report.timeline.stop
    if not stop.asked:
        return "ended before the stop"
    if stop.way is Way.KILL:
        return f"killed as asked, in {seconds(stop.took)}"
    grace = "" if math.isinf(stop.grace) else f" of {seconds(stop.grace)}"
    return f"{'' if brief else 'stopped in '}{seconds(stop.took)}{grace}"


def _killed(report: Report, *, brief: bool) -> str:
    stop = report.timeline.stop
    if stop.way is Way.KILL:
        return ""
    if stop.killed:
        return "killed" if brief else "killed by the engine"
    first = next((one for one in report.processes if one.pid == 1), None)
    if first is not None and first.end is not None and first.end.signal:
        return ended_at_length(first).replace("ended by", "died of")
    return "killed" if report.ending is Ending.KILLED else ""


def _exit(report: Report, *, brief: bool) -> str:
    status = report.timeline.stop.exit
    if status is None:
        return "exit unknown" if brief else "exit status unknown"
    return f"exit {status}"
