"""Hold a report against what a guest says is to be seen: every difference is a sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from endwell.model.finding import Ending
from endwell.model.process import Killer
from endwell.model.signals import CHLD, KILL, WINCH, Signal
from endwell.model.timeline import Fate, Origin
from endwell.records import replace
from tests.zoo.expectations import ANY_SIGNALS, ITSELF, Sent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from endwell.model.process import End, Process
    from endwell.model.report import Report
    from endwell.model.timeline import Signalled
    from tests.zoo.expectations import Ended, Expectation, Person

URG = Signal(23)
# Not a word to the program in these: they come as a by-catch, and are compared only where they are named.
QUIET = frozenset({CHLD, URG, WINCH})
# Whose signals a back end does not see, by its name: it may miss them, or find out by what came of them.
UNSEEN = {"seccomp": frozenset({Origin.KERNEL})}
# Who sees a fork up to 10 ms late: which ones of many are orphans is not certain then.
LATE = frozenset({"seccomp"})
# What runs a file that is named later: such a process also goes by the name of the file.
_INTERPRETER = re.compile(r"(?:ba|da|z|mk)?sh|python[\d.]*|busybox")
_COMPILED = re.compile(r"(?P<name>.+)-[0-9a-f]{16}")


def differences(report: Report, expected: Expectation) -> list[str]:
    """Return where the report is not as expected, a sentence each; none when all of it is.

    What the back end says that it cannot see is not asked of it. Where it has lost events, of a guest that
    makes very many, nothing is asked but that the report says so.
    """
    lost = report.timeline.witness.lost
    if lost:
        told = report.ending is Ending.UNKNOWN and Ending.UNKNOWN in expected.endings
        return [] if told else [f"{lost} events were lost, and it ends {report.ending.value}"]
    found = [*_whole(report, expected), *_codes(report, expected)]
    numbered = {person.pid for person in expected.people if person.pid is not None}
    unseen = UNSEEN.get(report.timeline.witness.name, frozenset())
    for person in _certain(expected.people) if report.timeline.witness.name in LATE else expected.people:
        candidates = [process for process in report.processes if _is(process, person, numbered)]
        found += _one(person, candidates) if not unseen else _nearer(person, unseen, candidates)
    return found


def _whole(report: Report, expected: Expectation) -> Iterator[str]:
    stop = report.timeline.stop
    if report.ending not in expected.endings:
        yield f"it ends {report.ending.value}, not {' or '.join(one.value for one in expected.endings)}"
    if expected.statuses and stop.exit not in expected.statuses:
        yield f"it exits with {stop.exit}, not {' or '.join(map(str, expected.statuses))}"
    if stop.asked is expected.by_itself:
        yield "somebody asked it to stop" if stop.asked else "it had ended before anybody asked it to"
    if expected.processes is not None and len(report.processes) != expected.processes:
        yield f"there were {len(report.processes)} processes, not {expected.processes}"


def _codes(report: Report, expected: Expectation) -> Iterator[str]:
    found = {finding.rule for finding in report.findings}
    for code in expected.codes:
        if code.certain and not found & set(code.rules):
            yield f"nothing was found by {code}"
    allowed = {rule for code in expected.codes for rule in code.rules}
    for finding in report.findings:
        if finding.rule not in allowed:
            yield f"{finding.rule} was found: {finding.message}"


def names(process: Process) -> frozenset[str]:
    """Return what a process may be called: its program, without the mark of a build, and its script."""
    found = {process.name}
    if match := _COMPILED.fullmatch(process.name):
        found.add(match["name"])
    if _INTERPRETER.fullmatch(process.name) and process.argv:
        script = next((word for word in process.argv[-1][1:] if not word.startswith("-")), "")
        if match := re.fullmatch(r"(?:.*/)?([a-z0-9-]+)\.(?:sh|py)", script):
            found.add(match[1])
    return frozenset(found)


def _is(process: Process, person: Person, numbered: set[int]) -> bool:
    if person.pid is not None:
        return process.pid == person.pid
    return (
        process.pid not in numbered
        and person.name in names(process)
        and person.parent in {None, process.parent}
        and (person.adopter is None or _adopted(process, person.adopter))
    )


def _adopted(process: Process, adopter: int) -> bool:
    return process.adopter == adopter != process.parent


def _certain(people: Sequence[Person]) -> Iterator[Person]:
    """Yield the people; of many that have the name of many orphans, one has to be as expected."""
    orphans = {person.name for person in people if person.adopter is not None and (person.count or 0) > 1}
    for person in people:
        yield replace(person, count=None) if person.name in orphans and person.pid is None else person


def _visible(person: Person, unseen: frozenset[Origin]) -> Person:
    if not person.signals or not unseen:
        return person
    seen = tuple(
        one for one in person.signals if not isinstance(one, Sent) or not unseen.issuperset(one.senders)
    )
    return replace(person, signals=seen)


def _nearer(person: Person, unseen: frozenset[Origin], candidates: Sequence[Process]) -> list[str]:
    """Return what is wrong with all the signals, or without those that may be unseen: what is less."""
    found = [[*_one(one, candidates)] for one in (person, _visible(person, unseen))]
    return min(found, key=len)


def _one(person: Person, candidates: Sequence[Process]) -> Iterator[str]:
    if person.count is None:
        if not any(not [*_facts(person, process)] for process in candidates):
            yield f"nobody is as expected: {person}; there were {_seen(candidates)}"
        return
    if len(candidates) != person.count:
        yield f"there were {len(candidates)}, not {person.count} of {person.who!r}"
    for process in candidates:
        wrong = [*_facts(person, process)]
        if wrong:
            yield f"{_seen([process])}: {', '.join(wrong)}"


def _facts(person: Person, process: Process) -> Iterator[str]:
    if person.name is not None and person.name not in names(process):
        yield f"is not {person.name}"
    if person.parent not in {None, process.parent}:
        yield f"is a child of {process.parent}"
    if person.adopter is not None and not _adopted(process, person.adopter):
        yield (
            f"was adopted by {process.adopter}" if process.adopter != process.parent else "was never adopted"
        )
    if person.signals is not None:
        seen = _signals(process, person.signals)
        if not _match(person.signals, seen, process.pid):
            yield f"was sent {'; '.join(map(_sent, seen)) or 'no signals'}"
    if person.told not in {None, process.told}:
        yield "was told" if process.told else "was never told"
    if person.ends and not any(_ended(process.end, end) for end in person.ends):
        yield _end(process.end)
    if person.reapers and (process.reaped is None or process.reaped.by not in person.reapers):
        yield f"was reaped by {process.reaped.by if process.reaped else 'nobody'}"
    if person.zombie and (process.died is None or process.reaped is not None):
        yield "was no zombie"


def _signals(process: Process, expected: Iterable[Sent | str]) -> list[Signalled]:
    quiet = QUIET - {one.signal for one in expected if isinstance(one, Sent)}
    killed = process.end is not None and process.end.killer is not None
    return [
        one
        for one in process.signals
        if one.signal not in quiet and not (killed and one.signal == KILL and one.fate is not Fate.DISCARDED)
    ]


def _match(expected: Sequence[Sent | str], seen: Sequence[Signalled], pid: int) -> bool:
    if not expected:
        return not seen
    first, *rest = expected
    if not isinstance(first, Sent):
        assert first == ANY_SIGNALS
        return not rest or any(_match(rest, seen[skipped:], pid) for skipped in range(len(seen) + 1))
    return bool(seen) and _fits(first, seen[0], pid) and _match(rest, seen[1:], pid)


def _fits(expected: Sent, seen: Signalled, pid: int) -> bool:
    inside = seen.sender.pid if seen.sender.kind is Origin.PROCESS else None
    senders = {seen.sender.kind, inside, ITSELF if inside == pid else None}
    return (
        seen.signal == expected.signal
        and bool(senders & set(expected.senders))
        and seen.fate in expected.fates
    )


def _ended(seen: End | None, expected: Ended) -> bool:
    if seen is None:
        return False
    if expected.killer is not None:
        if isinstance(expected.killer, Killer):
            return seen.killer is expected.killer
        return seen.killer is Killer.PROCESS and seen.pid == expected.killer
    return seen.killer is None and (seen.code, seen.signal) == (
        (expected.code, None) if expected.signal is None else (seen.code, expected.signal)
    )


def _end(end: End | None) -> str:
    if end is None:
        return "did not end"
    if end.killer is not None:
        return f"was killed by {end.killer.value}" + (f" {end.pid}" if end.killer is Killer.PROCESS else "")
    return f"died of {end.signal}" if end.signal else f"exited with {end.code}"


def _sent(one: Signalled) -> str:
    sender = one.sender.pid if one.sender.kind is Origin.PROCESS else one.sender.kind.value
    return f"{one.signal.name.removeprefix('SIG')} from {sender}, {one.fate.value}"


def _seen(processes: Sequence[Process]) -> str:
    return ", ".join(f"{process.pid} {process.name}" for process in processes) or "none of that name"
