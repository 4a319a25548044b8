"""The methods that start, stop, signal and describe processes."""

from __future__ import annotations

import time
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from endwell.gateway.faults import FaultError, code_of, fault_of
from endwell.gateway.method import Method, Parameter
from endwell.gateway.rows import asked, info, joined, sorted_by_name, split
from endwell.gateway.words import not_startable
from endwell.machine.state import RUNNING_STATES, SIGNALLABLE_STATES
from endwell.model.control import ControlError, Kind
from endwell.model.faults import Fault
from endwell.model.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from endwell.gateway.rows import Info, Row
    from endwell.gateway.supervisor import Supervisor

    Result = dict[str, Any]

_NO_SIGNAL = ""
_LATE = frozenset({Fault.SPAWN_ERROR, Fault.ABNORMAL_TERMINATION})

# ------------------------------------------------------------------------------------------- start and stop


async def one(do: str, supervisor: Supervisor, *, name: str, wait: bool = True) -> bool | list[Result]:
    """As startProcess or stopProcess.

    Args:
        do: `start` or `stop`.
        supervisor: which is asked.
        name: of a process, or of all of a group.
        wait: until it has started, or stopped.

    Raises:
        FaultError: it is not done.
    """
    group, process = split(name)
    scene = await supervisor.scene()
    if process is None:
        return await _several(supervisor, do, scene.group(group, name), wait=wait)
    row = scene.process(name)
    if do == "stop" and row["code"] not in RUNNING_STATES:
        raise FaultError(Fault.NOT_RUNNING, name)
    (result,) = await _ask(supervisor, do, [row], wait=wait)
    if not result["ok"]:
        raise _fault(row, result, name)
    return True


async def of_group(do: str, supervisor: Supervisor, *, name: str, wait: bool = True) -> list[Result]:
    """As startProcessGroup or stopProcessGroup: all of the group with which there is something to do."""
    rows = (await supervisor.scene()).group(name)
    return await _several(supervisor, do, rows, wait=wait)


async def all_of_them(do: str, supervisor: Supervisor, *, wait: bool = True) -> list[Result]:
    """As startAllProcesses or stopAllProcesses."""
    return await _several(supervisor, do, (await supervisor.scene()).rows, wait=wait)


# --------------------------------------------------------------------------------------------------- signals


async def signal(supervisor: Supervisor, *, name: str, signal: str) -> bool | list[Result]:
    """As signalProcess."""
    group, process = split(name)
    scene = await supervisor.scene()
    if process is None:
        return await _signal_several(supervisor, scene.group(group, name), signal)
    row = scene.process(name)
    if (wanted := _signal(signal)) is None:
        raise FaultError(Fault.BAD_SIGNAL, signal)
    if row["code"] not in SIGNALLABLE_STATES:
        raise FaultError(Fault.NOT_RUNNING, name)
    if wanted is _NO_SIGNAL:
        return True
    (result,) = await _ask(supervisor, "kill", [row], signal=wanted)
    if not result["ok"]:
        raise _fault(row, result, name)
    return True


async def signal_group(supervisor: Supervisor, *, name: str, signal: str) -> list[Result]:
    """As signalProcessGroup."""
    return await _signal_several(supervisor, (await supervisor.scene()).group(name), signal)


async def signal_all(supervisor: Supervisor, *, signal: str) -> list[Result]:
    """As signalAllProcesses."""
    return await _signal_several(supervisor, (await supervisor.scene()).rows, signal)


async def _signal_several(supervisor: Supervisor, rows: Iterable[Row], signal: str) -> list[Result]:
    there = [row for row in rows if row["code"] in SIGNALLABLE_STATES]
    if (wanted := _signal(signal)) is None:
        error = FaultError(Fault.BAD_SIGNAL, signal)
        return [_result(row, error) for row in there]
    if wanted is _NO_SIGNAL:
        return [_result(row, None) for row in there]
    return await _several(supervisor, "kill", there, signal=wanted)


def _signal(text: str) -> str | None:
    """Return the full name of a signal; None if there is no such."""
    if text.strip() == "0":
        return _NO_SIGNAL  # as with kill(2), to see whether it is there
    try:
        return Signal.parse(text.strip()).name
    except ValueError:
        return None


# ------------------------------------------------------------------------------------------------------ info


async def info_of_one(supervisor: Supervisor, *, name: str) -> Info:
    """As getProcessInfo."""
    row = (await supervisor.scene()).process(name)
    return (await _infos(supervisor, [row]))[0]


async def info_of_all(supervisor: Supervisor) -> list[Info]:
    """As getAllProcessInfo."""
    return await _infos(supervisor, sorted_by_name((await supervisor.scene()).rows))


async def _infos(supervisor: Supervisor, rows: Sequence[Row]) -> list[Info]:
    logs = await supervisor.logs(rows)
    now = time.time()
    return [info(row, now, logs[asked(row)]) for row in rows]


# ------------------------------------------------------------------------------------------------------- how


async def _several(supervisor: Supervisor, do: str, rows: Iterable[Row], **arguments: object) -> list[Result]:
    """Have something done with all with which there is something to do, and return what came of it."""
    meant = [row for row in rows if do == "kill" or (row["code"] in RUNNING_STATES) is (do == "stop")]
    by_name = {asked(row): row for row in meant}
    results = []
    for result in await _ask(supervisor, do, meant, **arguments):
        row = by_name.get(asked(result))
        if row is not None:  # else it is one that they wait for, which was started on their account
            results.append(_result(row, None if result["ok"] else _fault(row, result, joined(row))))
    # supervisord answers those first of whom it knows at once; by the last failure its client exits.
    return sorted(results, key=lambda result: result["status"] in _LATE)


async def _ask(
    supervisor: Supervisor, do: str, rows: Sequence[Row], **arguments: object
) -> Sequence[Mapping[str, Any]]:
    if not rows:
        return ()
    names = [asked(row) for row in rows]
    try:
        answer = await supervisor.ask(do, services=names, **arguments)
    except ControlError as error:
        raise fault_of(error, names[0]) from None
    results = answer["results"]
    return [result for result in results if asked(result) in names] if len(rows) == 1 else results


def _fault(row: Row, result: Mapping[str, Any], name: str) -> FaultError:
    """Return what one of the results says went wrong."""
    kind = str(result["kind"])
    code = code_of(kind)
    if code in (Fault.NO_FILE, Fault.NOT_EXECUTABLE) and row["command"]:
        return FaultError(code, not_startable(Kind(kind), row["command"][0], result["message"]))
    if code is Fault.SHUTDOWN_STATE:
        return FaultError(code)
    return FaultError(code, result["message"] if code is Fault.FAILED else name)


def _result(row: Row, error: FaultError | None) -> Result:
    return {
        "name": row["process"],
        "group": row["group"],
        "status": int(error.code if error else Fault.SUCCESS),
        "description": error.text if error else "OK",
    }


# ------------------------------------------------------------------------------------------------- the table

_PROCESS = Parameter("string", "name", "the name of a process, or group:name, or group:* for all of a group")
_ONE = Parameter("string", "name", "the name of a process, or group:name")
_GROUP = Parameter("string", "name", "the name of a group")
_STARTED = Parameter("boolean", "wait", "whether to wait until it has started", optional=True)
_STOPPED = Parameter("boolean", "wait", "whether to wait until it has stopped", optional=True)
_SIGNAL = Parameter("signal", "signal", "its name, with or without SIG, or its number")
_RESULTS = "for each process name, group, status and description"
_INFO = "name, group, state, start, stop, pid and more"

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "startProcess": Method(partial(one, "start"), "boolean", "Start a process.", (_PROCESS, _STARTED)),
        "startProcessGroup": Method(
            partial(of_group, "start"),
            "array",
            "Start what of a group does not run.",
            (_GROUP, _STARTED),
            _RESULTS,
        ),
        "startAllProcesses": Method(
            partial(all_of_them, "start"),
            "array",
            "Start everything that does not run.",
            (_STARTED,),
            _RESULTS,
        ),
        "stopProcess": Method(partial(one, "stop"), "boolean", "Stop a process.", (_PROCESS, _STOPPED)),
        "stopProcessGroup": Method(
            partial(of_group, "stop"), "array", "Stop what of a group runs.", (_GROUP, _STOPPED), _RESULTS
        ),
        "stopAllProcesses": Method(
            partial(all_of_them, "stop"), "array", "Stop everything that runs.", (_STOPPED,), _RESULTS
        ),
        "signalProcess": Method(signal, "boolean", "Send a process a signal.", (_PROCESS, _SIGNAL)),
        "signalProcessGroup": Method(
            signal_group, "array", "Send a signal to what of a group runs.", (_GROUP, _SIGNAL), _RESULTS
        ),
        "signalAllProcesses": Method(
            signal_all, "array", "Send a signal to everything that runs.", (_SIGNAL,), _RESULTS
        ),
        "getProcessInfo": Method(info_of_one, "struct", "Describe a process.", (_ONE,), _INFO),
        "getAllProcessInfo": Method(
            info_of_all, "array", "Describe all processes, sorted by group and name.", (), f"for each {_INFO}"
        ),
    }
)
