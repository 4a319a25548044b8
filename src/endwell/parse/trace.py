"""The text of trace_pipe, record by record.

A process chooses its own name and the kernel prints it as it is: spaces, brackets, a newline, half a record.
It has its place, though: sixteen columns and a hyphen before the number, so that a record is found by
counting and not by guessing, and a name of at most fifteen bytes is too short to hold another head. Inside
a record a name stands between fields, and these are read from both ends. What lies between two heads is one
record, whatever newlines it has. Only the path of an executed file is long enough to forge a whole record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = re.compile(
    r"^(?:CPU:\d+ \[LOST (?P<lost>\d*) ?EVENTS\]"
    r"|.{16}-(?P<tid>\d+) +(?:\([ \d-]+\) )?\[\d+\] (?:\S+ +)?(?P<at>\d+\.\d+): (?P<event>\w+))",
    re.MULTILINE | re.DOTALL,
)
_RETURN = re.compile(r" -> (0x[0-9a-f]+)\s*")
_CODE = re.compile(r"\(error_code: (?:0x)?([0-9a-f]+)\)\s*")
_WORD = 1 << 64


class Record(NamedTuple):
    """One event: `at` in seconds of the trace clock, `tid` the thread it happened in, numbers by event.

    signal_generate: signal, code, tid of the target, whether the whole process, result.
    signal_deliver: signal, code, address of the handler. task_newtask: tid of the child, clone flags.
    sched_process_exec: tid, tid before; `text` is the path. sched_process_exit: tid, and 1 when it was the
    last thread, 0 when not, -1 when this kernel does not tell. sched_process_free: tid.
    sys_X: what the call returned, or for exit and exit_group its argument. sys_prctl: option, argument.
    sys_setns: the kind of namespace.
    sys_waitid: kind of number, number and options when it is called; one number when it returns.
    """

    at: float
    tid: int
    event: str
    numbers: tuple[int, ...]
    text: str = ""


_BODIES = {
    "signal_generate": re.compile(
        r": sig=(\d+) errno=-?\d+ code=(-?\d+) comm=.*pid=(-?\d+) grp=(\d+) res=(\d+)\s*", re.DOTALL
    ),
    "signal_deliver": re.compile(
        r": sig=(\d+) errno=-?\d+ code=(-?\d+) sa_handler=([0-9a-f]+) sa_flags=[0-9a-f]+\s*"
    ),
    "task_newtask": re.compile(
        r": pid=(\d+) comm=.*clone_flags=([0-9a-f]+) oom_score_adj=-?\d+\s*", re.DOTALL
    ),
    "sched_process_exec": re.compile(r": filename=(.*) pid=(\d+) old_pid=(\d+)\s*", re.DOTALL),
    "sched_process_exit": re.compile(
        r": comm=.*pid=(\d+) prio=-?\d+(?: group_dead=(true|false))?\s*", re.DOTALL
    ),
    "sched_process_free": re.compile(r": comm=.*pid=(\d+) prio=-?\d+\s*", re.DOTALL),
    "sys_exit": _CODE,
    "sys_exit_group": _CODE,
    "sys_waitid": re.compile(
        r"\(which: (?:0x)?([0-9a-f]+), upid: (?:0x)?([0-9a-f]+), .*options: (?:0x)?([0-9a-f]+).*\)\s*"
    ),
    "sys_setns": re.compile(r"\(fd: (?:0x)?[0-9a-f]+, (?:nstype|flags): (?:0x)?([0-9a-f]+).*\)\s*"),
    "sys_prctl": re.compile(r"\(option: (?:0x)?([0-9a-f]+), arg2: (?:0x)?([0-9a-f]+).*\)\s*"),
}
_LAST = {"true": 1, "false": 0, None: -1}


class Head(NamedTuple):
    """Where a record is in a text, and what can be told of it without reading on."""

    at: float
    tid: int
    event: str
    start: int
    end: int


def heads(text: str) -> tuple[list[Head], int]:
    """Return the heads of a piece of text that holds whole records, and how many the kernel lost.

    Args:
        text: from trace_pipe, decoded as latin-1: a byte is a column.
    """
    found: list[Head] = []
    lost = 0
    tid = event = ""
    at, start = 0.0, -1
    for match in _HEAD.finditer(text):
        if start >= 0:
            found.append(Head(at, int(tid), event, start, match.start()))
        losing, tid, time, event = match.group("lost", "tid", "at", "event")
        if event is None:
            lost += int(losing or 1)
            start = -1
        else:
            at, start = float(time), match.end()
    if start >= 0:
        found.append(Head(at, int(tid), event, start, len(text)))
    return found, lost


def record(text: str, head: Head) -> Record | None:
    """Read the record that has a head; None when its event is none of ours, or half of it is missing."""
    return _record(head.at, head.tid, head.event, text[head.start : head.end])


def records(text: str) -> Iterator[Record]:
    """Yield every record of a piece of text; see `heads`."""
    for head in heads(text)[0]:
        if found := record(text, head):
            yield found


def _record(at: float, tid: int, event: str, body: str) -> Record | None:
    pattern = _RETURN if body.startswith(" -> ") else _BODIES.get(event, _RETURN)
    found = pattern.fullmatch(body)
    if found is None:
        return None
    one = found.groups()
    numbers: tuple[int, ...]
    text = ""
    match event:
        case "sched_process_exec":
            text = one[0].encode("latin-1", "replace").decode(errors="replace")
            numbers = (int(one[1]), int(one[2]))
        case "sched_process_exit":
            numbers = (int(one[0]), _LAST[one[1]])
        case "signal_deliver" | "task_newtask":
            numbers = (*map(int, one[:-1]), int(one[-1], 16))
        case "signal_generate" | "sched_process_free":
            numbers = tuple(map(int, one))
        case _:
            numbers = tuple(_signed(int(number, 16)) for number in one)
    return Record(at, tid, event, numbers, text)


def _signed(word: int) -> int:
    return word - _WORD if word >= _WORD >> 1 else word
