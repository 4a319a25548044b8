"""Commands of supervisorctl about processes: status, pid, start, stop, restart, signal."""

from __future__ import annotations

import xmlrpc.client
from typing import TYPE_CHECKING, Any

from endwell.cli.supervisor.codes import Exit, StatusExit, result_line, spell, split
from endwell.machine.state import STOPPED_STATES
from endwell.model.faults import Fault
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from endwell.cli.supervisor.console import Console

_NARROWEST = 30


@dataclass(frozen=True, slots=True)
class Verb:
    """What is done to processes, and the words for what came of it.

    Args:
        method: of the interface, for one process; those for groups and for all are named after it.
        success: the word for it.
        words: for the faults there can be.
        bad_group: the exit status when there is no such group.
        ignored: the fault that is none: it was so already.
    """

    method: str
    success: str
    words: Mapping[int, str]
    bad_group: int = Exit.GENERIC
    ignored: int = Fault.SUCCESS


_SIGNAL_WORDS: Mapping[int, str] = {
    Fault.BAD_NAME: "no such process",
    Fault.BAD_SIGNAL: "bad signal name",
    Fault.NOT_RUNNING: "not running",
    Fault.FAILED: "",
}
_START_WORDS: Mapping[int, str] = {
    Fault.BAD_NAME: "no such process",
    Fault.NO_FILE: "no such file",
    Fault.NOT_EXECUTABLE: "file is not executable",
    Fault.ALREADY_STARTED: "already started",
    Fault.SPAWN_ERROR: "spawn error",
    Fault.ABNORMAL_TERMINATION: "abnormal termination",
}
START = Verb(
    "start",
    "started",
    _START_WORDS,
    Exit.INVALID_ARGUMENTS,
    Fault.ALREADY_STARTED,
)
STOP = Verb("stop", "stopped", _SIGNAL_WORDS, ignored=Fault.NOT_RUNNING)
SIGNAL = Verb("signal", "signalled", _SIGNAL_WORDS)


def start(console: Console, line: str) -> None:
    """Start processes."""
    if not console.reaches():
        return
    if not line.split():
        problem = "Error: start requires a process name"
        console.fail(problem, Exit.INVALID_ARGUMENTS, page="start")
        return
    _do(console, START, line.split())


def stop(console: Console, line: str) -> None:
    """Stop processes."""
    if not console.reaches():
        return
    if not line.split():
        console.fail("Error: stop requires a process name", page="stop")
        return
    _do(console, STOP, line.split())


def restart(console: Console, line: str) -> None:
    """Stop all of these processes, then start them."""
    if not console.reaches():
        return
    if not line.split():
        console.fail("Error: restart requires a process name", page="restart")
        return
    stop(console, line)
    start(console, line)


def signal(console: Console, line: str) -> None:
    """Send a signal to processes."""
    if not console.reaches():
        return
    number, *names = line.split() or [""]
    if not names:
        console.fail("Error: signal requires a signal name and a process name", page="signal")
        return
    _do(console, SIGNAL, names, number)


def _do(console: Console, verb: Verb, names: Iterable[str], *further: str) -> None:
    if "all" in names:
        _results(console, verb, console.call(f"{verb.method}AllProcesses", *further))
        return
    for name in names:
        group, process = split(name)
        if process is None:
            _do_group(console, verb, group, further)
            continue
        result = {"group": group, "name": process, "status": Fault.SUCCESS}
        try:
            console.call(f"{verb.method}Process", name, *further)
        except xmlrpc.client.Fault as fault:
            result |= {"status": fault.faultCode, "description": fault.faultString}
        _results(console, verb, [result])


def _do_group(console: Console, verb: Verb, group: str, further: tuple[str, ...]) -> None:
    try:
        results = console.call(f"{verb.method}ProcessGroup", group, *further)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != Fault.BAD_NAME:
            raise
        console.fail(f"{group}: ERROR (no such group)", verb.bad_group)
        return
    _results(console, verb, results)


def _results(console: Console, verb: Verb, results: Iterable[Mapping[str, Any]]) -> None:
    for result in results:
        console.say(result_line(result, verb.words, verb.success))
        console.judge(result["status"], verb.ignored)


def status(console: Console, line: str) -> None:
    """Show in which states processes are."""
    if not console.reaches():
        console.status = StatusExit.UNKNOWN
        return
    everything = console.call("getAllProcessInfo")
    names = line.split()
    if not names or "all" in names:
        shown = everything
    else:
        shown = [info for name in names for info in _matching(console, name, everything)]
    labels = [spell(info["group"], info["name"]) for info in shown]
    width = max([_NARROWEST, *map(len, labels)]) + 3
    for label, info in zip(labels, shown, strict=True):
        console.say(f"{label:{width}}{info['statename']:10}{info['description']}")
    if any(info["state"] in STOPPED_STATES for info in shown):
        console.status = StatusExit.STOPPED


def _matching(console: Console, name: str, everything: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    group, process = split(name)
    found = [info for info in everything if info["group"] == group and process in {None, info["name"]}]
    if not found:
        who, kind = (group, "group") if process is None else (name, "process")
        console.fail(f"{who}: ERROR (no such {kind})", StatusExit.UNKNOWN)
    return found


def pid(console: Console, line: str) -> None:
    """Show the process ids of processes, or of the server."""
    if not console.reaches():
        return
    names = line.split()
    if not names:
        console.say(console.call("getPID"))
        return
    if "all" in names:
        for info in console.call("getAllProcessInfo"):
            console.say(info["pid"])
        return
    for name in names:
        try:
            number = console.call("getProcessInfo", name)["pid"]
        except xmlrpc.client.Fault as fault:
            console.status = Exit.GENERIC
            if fault.faultCode != Fault.BAD_NAME:
                raise
            console.say(f"No such process {name}")
            continue
        console.say(number)
        if not number:
            console.status = Exit.NOT_RUNNING
