"""Hold two reports about the same guest against each other, field by field.

Two observers, or two engines, saw two runs of one program, and have to tell the same: verdict, ending and the
codes of the findings, and of each process its program, its parent, its end, whether it was told, who reaped
it, and its signals in order, with sender and fate. Processes go by the order of their births: how the numbers
run inside depends on the helpers of the engine. What differs is a `Difference`; what may differ, and why, is
the table DECLARED, and nothing else.

Not compared at all: who collects PID 1, which is the engine, when the observer may have left already.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from endwell.model.process import Killer
from endwell.model.timeline import Fate, Origin
from endwell.records import dataclass, replace
from tests.zoo.comparing import QUIET, differences, names
from tests.zoo.expectations import ANY_SIGNALS, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from endwell.model.process import End, Process
    from endwell.model.report import Report
    from endwell.model.timeline import Reaped, Signalled
    from tests.zoo import Guest
    from tests.zoo.expectations import Person

# Seconds in which the order of two things is a race.
RACE = 0.05
# What becomes of a signal whose target does not run any more.
_NOT_TAKEN = frozenset({Fate.PENDING, Fate.MERGED, Fate.TOO_LATE})
_TITLED = frozenset({"changes-its-name"})
_INIT = re.compile(r"(?:tini|dumb-init|catatonit|endwell-init)(?:-|$)")


class Pair(NamedTuple):
    """Two reports about one guest, renumbered; `back_ends` and `engines` are the names of who saw them."""

    guest: Guest
    one: Report
    other: Report

    @property
    def back_ends(self) -> set[str]:
        """The observers."""
        return {report.timeline.witness.name for report in self[1:]}

    @property
    def as_expected(self) -> bool:
        """Whether both are as the guest's header says."""
        expected = self.guest.expectation
        return expected is not None and not any(differences(report, expected) for report in self[1:])


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not the same: `one` and `other` in words; `left` and `right` are whose they are."""

    field: str
    one: str
    other: str
    left: Process | None = None
    right: Process | None = None

    def __str__(self) -> str:
        known = self.left or self.right
        who = f"{known.pid} {known.name}: " if known else ""
        return f"{who}{self.field}: {self.one or 'nothing'} / {self.other or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Declared:
    """What may differ: in which fields, why, and how to know it."""

    fields: frozenset[str]
    reason: str
    holds: Callable[[Difference, Pair], bool]


def compare(pair: Pair) -> list[Difference]:
    """Return every field in which two reports differ, the declared ones too."""
    _, one, other = pair
    found = [
        Difference(field, left, right)
        for field, left, right in (
            ("verdict", one.verdict.value, other.verdict.value),
            ("ending", one.ending.value, other.ending.value),
            ("codes", _codes(one), _codes(other)),
        )
        if left != right
    ]
    for left, right in _matched(one.processes, other.processes):
        if left is None or right is None:
            found.append(Difference("process", _name(left), _name(right), left, right))
            continue
        fields = _fields(left), _fields(right)
        found += [
            Difference(field, value, fields[1][field], left, right)
            for field, value in fields[0].items()
            if value != fields[1][field]
        ]
    return found


def undeclared(pair: Pair) -> list[str]:
    """Return the differences that no entry of the table explains, a sentence each."""
    return [
        str(one)
        for one in compare(pair)
        if not any(one.field in entry.fields and entry.holds(one, pair) for entry in DECLARED)
    ]


def renumbered(report: Report) -> Report:
    """Return the report with the processes numbered 1, 2, 3... in the order of their births."""
    order = dict.fromkeys(process.pid for process in report.processes)
    numbers = {pid: number for number, pid in enumerate(order, 1)}

    def number(pid: int | None) -> int | None:
        return numbers.get(pid, pid) if pid else pid

    def signal(one: Signalled) -> Signalled:
        return replace(one, pid=numbers[one.pid], sender=replace(one.sender, pid=number(one.sender.pid)))

    def reaped(one: Process) -> Reaped | None:
        if one.reaped is None:
            return None
        return replace(one.reaped, pid=numbers[one.pid], by=numbers.get(one.reaped.by, one.reaped.by))

    processes = tuple(
        replace(
            one,
            pid=numbers[one.pid],
            parent=numbers.get(one.parent, one.parent),
            adopter=numbers.get(one.adopter, one.adopter),
            end=replace(one.end, pid=number(one.end.pid)) if one.end else None,
            reaped=reaped(one),
            signals=tuple(map(signal, one.signals)),
        )
        for one in report.processes
    )
    return replace(report, processes=processes)


def unheard(report: Report) -> list[str]:
    """Return the lines `told TERM` that a guest printed and the timeline knows nothing of.

    The guest is a witness of its own: for each such line somebody has taken such a signal.
    """
    taken = [
        one.signal.name.removeprefix("SIG")
        for process in report.processes
        for one in process.signals
        if one.fate in {Fate.HANDLER, Fate.SIGWAIT, Fate.SIGNALFD}
    ]
    missing = []
    for line in (getattr(event, "text", "") for event in report.timeline.events):
        said = re.fullmatch(r"told ([A-Z0-9+-]+)", line)
        if said and said[1] in taken:
            taken.remove(said[1])
        elif said:
            missing.append(line)
    return missing


def is_init(guest: Guest) -> bool:
    """Whether the guest is one of the inits with a program behind it."""
    return _INIT.match(guest.name) is not None


# ------------------------------------------------------------------------------------------ what may differ


def _left_open(one: Difference, pair: Pair) -> bool:
    expected = pair.guest.expectation
    if expected is None or not pair.as_expected:
        return False
    if one.field in {"verdict", "ending"}:
        return len(expected.endings) > 1 or any(not code.certain for code in expected.codes)
    if one.field == "codes":
        return any(not code.certain or len(code.rules) > 1 for code in expected.codes)
    people = [
        person
        for person in expected.people
        for process in (one.left, one.right)
        if process is not None
        and (person.pid == process.pid or (person.pid is None and person.name in names(process)))
    ]
    return any(map(_OPEN[one.field], people))


def _open_signals(person: Person) -> bool:
    return any(
        one == ANY_SIGNALS or (isinstance(one, Sent) and max(len(one.senders), len(one.fates)) > 1)
        for one in person.signals or ()
    )


_OPEN: dict[str, Callable[[Person], bool]] = {
    "process": lambda person: person.count is None,
    "program": lambda person: person.count is None or not person.name,
    "parent": lambda person: person.count is None,
    "end": lambda person: person.count is None or len(person.ends) > 1,
    "told": lambda person: person.count is None or len(person.ends) > 1 or _open_signals(person),
    "signals": lambda person: person.count is None or _open_signals(person),
    "reaped by": lambda person: person.count is None or len(person.reapers) > 1 or len(person.ends) > 1,
}


def _kernel_unseen(one: Difference, pair: Pair) -> bool:
    return "seccomp" in pair.back_ends and _same(one, lambda signal: signal.sender.kind is Origin.KERNEL)


class Heard(NamedTuple):
    """A signal that a process got; `late`: so near to its end that it may not have run any more."""

    signal: str
    sender: str
    fate: Fate
    late: bool

    def agrees(self, other: Heard) -> bool:
        """Whether chance alone tells them apart: one was taken, and one came too late or merged."""
        if (self.signal, self.sender) != (other.signal, other.sender):
            return False
        if self.fate is other.fate:
            return True
        fates = {self.fate, other.fate}
        return Fate.MERGED in fates or (self.late and other.late and not fates.isdisjoint(_NOT_TAKEN))


def _chance(one: Difference, _: Pair) -> bool:
    """Two that merge, and the last one before the end: the same signals from the same senders, otherwise."""
    if one.left is None or one.right is None:
        return False
    left, right = _heard(one.left), _heard(one.right)
    return len(left) == len(right) and all(map(Heard.agrees, left, right))


def _heard(process: Process) -> list[Heard]:
    """Return what it got, where those that merged, or might as well have merged, are one."""
    found: list[Heard] = []
    for one in _audible(process):
        late = process.died is not None and process.died - one.at < RACE
        this = Heard(one.signal.name, str(one.sender), one.fate, late)
        again = bool(found) and found[-1][:2] == this[:2]
        missed = this.fate is Fate.MERGED or (late and this.fate in _NOT_TAKEN)
        if not again or not (missed or found[-1] == this):
            found.append(this)
    return found


def _teardown(one: Difference, pair: Pair) -> bool:
    """Whether one of them was killed with PID 1, and the other one ended so shortly before that it raced."""
    sides = ((one.left, pair.one), (one.right, pair.other))
    if any(side and side.died is not None and _over(report) - side.died >= RACE for side, report in sides):
        return False
    torn = [_by_namespace(side) for side, _ in sides]
    if one.field in {"signals", "told"}:
        # What came before that instant has to be the same.
        before = [[] if side is None else _until(side, _over(report) - RACE) for side, report in sides]
        return before[0] == before[1] and not all(torn)
    return torn[0] != torn[1] or (one.field == "reaped by" and not all(torn))


def _late_birth(one: Difference, pair: Pair) -> bool:
    return all(
        process is None or _over(report) - process.born < RACE
        for process, report in ((one.left, pair.one), (one.right, pair.other))
    )


def _orphan(one: Difference, pair: Pair) -> bool:
    """Whether it lost its parent or its life in the same instant in which the other one left."""
    return _teardown(one, pair) or any(
        process is not None and process.parent != process.adopter for process in (one.left, one.right)
    )


def _parent_gone(one: Difference, pair: Pair) -> bool:
    reports = [report for report in pair[1:] if report.timeline.witness.name != "seccomp"]
    return "seccomp" in pair.back_ends and any(
        process.died is not None and 0 <= process.died - child.born < RACE
        for report in reports
        for child in (one.left, one.right)
        if child is not None
        for process in report.processes
        if process.pid == child.parent
    )


def _late_line(one: Difference, pair: Pair) -> bool:
    """Whether tracefs has only the path of what the other one has the command line of."""
    for words, report, other in ((one.one, pair.one, one.other), (one.other, pair.other, one.one)):
        name = PurePath(words).name
        if report.timeline.witness.name == "tracefs" and words.startswith("/") and " " not in words:
            return any(PurePath(word).name.startswith(name) for word in other.split())
    return False


def _titled(_: Difference, pair: Pair) -> bool:
    return pair.guest.name in _TITLED and "tracefs" in pair.back_ends


def _of(*fields: str) -> frozenset[str]:
    return frozenset(fields)


DECLARED = (
    Declared(
        _of("verdict", "ending", "codes", *_OPEN),
        "the guest's own header says that it is a race, and both are as it says",
        _left_open,
    ),
    Declared(
        _of("signals"),
        "seccomp does not see what the kernel sends, and says so",
        _kernel_unseen,
    ),
    Declared(
        _of("signals"),
        "two signals that are near to each other merge or do not, and one that comes just before the end is "
        "taken or comes too late; seccomp also holds each sender for a moment, and says so",
        _chance,
    ),
    Declared(
        _of("end", "signals", "told", "reaped by"),
        "who ends in the same instant as PID 1 ends by itself, or is killed with it",
        _teardown,
    ),
    Declared(
        _of("process"),
        "who would be born in the same instant in which PID 1 ends may not be",
        _late_birth,
    ),
    Declared(
        _of("reaped by"),
        "an orphan that has ended is collected by its old parent or by its new one",
        _orphan,
    ),
    Declared(
        _of("parent", "reaped by"),
        "seccomp sees a fork up to 10 ms late, and says so: by then an orphan is a child of PID 1",
        _parent_gone,
    ),
    Declared(
        _of("program"),
        "tracefs reads a command line right after the exec, when the process may have gone: it has the path",
        _late_line,
    ),
    Declared(
        _of("program"),
        "a program that gives itself a title may have done so before tracefs reads its command line",
        _titled,
    ),
)


# ------------------------------------------------------------------------------------------------- in words


def _matched(
    one: Sequence[Process], other: Sequence[Process]
) -> Iterator[tuple[Process | None, Process | None]]:
    """Match by number and program, then by program, since births may overtake, and then by number."""
    left, right = list(one), list(other)
    keys: tuple[Callable[[Process], object], ...] = (
        lambda who: (who.pid, _name(who)),
        _name,
        lambda who: who.pid,
    )
    for key in keys:
        for process in list(left):
            match = next((candidate for candidate in right if key(candidate) == key(process)), None)
            if match is not None:
                left.remove(process)
                right.remove(match)
                yield process, match
    yield from ((process, None) for process in left)
    yield from ((None, process) for process in right)


def _fields(process: Process) -> dict[str, str]:
    return {
        "program": " ".join(process.argv[-1]) if process.argv else "",
        "parent": str(process.parent),
        "end": _end(process.end),
        "told": "told" if process.told else "",
        "reaped by": str(process.reaped.by) if process.reaped and process.pid != 1 else "",
        "signals": "; ".join(map(_sentence, _audible(process))),
    }


def _audible(process: Process) -> list[Signalled]:
    return [one for one in process.signals if one.signal not in QUIET]


def _until(process: Process, at: float) -> list[str]:
    return [_sentence(one) for one in _audible(process) if one.at <= at]


def _same(one: Difference, without: Callable[[Signalled], bool]) -> bool:
    left, right = (
        [_sentence(signal) for signal in _audible(process) if not without(signal)] if process else None
        for process in (one.left, one.right)
    )
    return left == right


def _over(report: Report) -> float:
    return next((one.died for one in report.processes if one.pid == 1 and one.died is not None), 0.0)


def _by_namespace(process: Process | None) -> bool:
    return process is not None and process.end is not None and process.end.killer is Killer.NAMESPACE


def _codes(report: Report) -> str:
    return " ".join(sorted({finding.rule for finding in report.findings}))


def _name(process: Process | None) -> str:
    return " ".join(sorted(names(process))) if process else ""


def _end(end: End | None) -> str:
    if end is None:
        return ""
    if end.killer is not None:
        return f"killed by {end.killer.value} {end.pid or ''}".strip()
    return f"dies of {end.signal}" if end.signal else f"exit {end.code}"


def _sentence(one: Signalled) -> str:
    sender = str(one.sender.pid) if one.sender.kind is Origin.PROCESS else one.sender.kind.value
    return f"{one.signal.name.removeprefix('SIG')} from {sender}, {one.fate.value}"
