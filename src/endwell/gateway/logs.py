"""The methods about the log files of processes, and their standard input."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from endwell.gateway.faults import FaultError, fault_of
from endwell.gateway.method import Method, Parameter
from endwell.gateway.rows import asked
from endwell.model.control import ControlError
from endwell.model.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.gateway.supervisor import Supervisor

    Result = dict[str, Any]


async def read(stream: str, supervisor: Supervisor, *, name: str, offset: int, length: int) -> str:
    """As readProcessStdoutLog or readProcessStderrLog.

    Args:
        stream: `stdout` or `stderr`.
        supervisor: which is asked.
        name: of a process.
        offset: where to begin; below zero, so many bytes before the end.
        length: how many bytes; 0 for all.

    Raises:
        FaultError: BAD_NAME, NO_FILE, BAD_ARGUMENTS or FAILED.
    """
    row = (await supervisor.scene()).process(name)
    return await (await supervisor.log(row, stream)).read(offset, length)


async def tail(stream: str, supervisor: Supervisor, *, name: str, offset: int, length: int) -> list[object]:
    """As tailProcessStdoutLog or tailProcessStderrLog; a log that is not there is empty."""
    row = (await supervisor.scene()).process(name)
    try:
        return list(await (await supervisor.log(row, stream)).tail(offset, length))
    except FaultError as error:
        if error.code is Fault.NO_FILE:
            return ["", 0, False]
        if error.code is Fault.FAILED:
            return ["", offset, False]
        raise


async def clear(supervisor: Supervisor, *, name: str) -> bool:
    """As clearProcessLogs."""
    row = (await supervisor.scene()).process(name)
    try:
        answer = await supervisor.ask("clear-logs", services=[asked(row)])
    except ControlError as error:
        raise fault_of(error, name) from None
    if not all(result["ok"] for result in answer["results"]):
        raise FaultError(Fault.FAILED, name)
    return True


async def clear_all(supervisor: Supervisor) -> list[Result]:
    """As clearAllProcessLogs."""
    rows = (await supervisor.scene()).rows
    answer = await supervisor.ask("clear-logs", services=["all"])
    by_name = {asked(result): result for result in answer["results"]}
    found = []
    for row in rows:
        result = by_name.get(asked(row))
        failed = result is not None and not result["ok"]
        error = FaultError(Fault.FAILED, asked(row)) if failed else None
        found.append(
            {
                "name": row["process"],
                "group": row["group"],
                "status": int(error.code if error else Fault.SUCCESS),
                "description": error.text if error else "OK",
            }
        )
    return found


async def send(supervisor: Supervisor, *, name: str, chars: str) -> bool:
    """As sendProcessStdin."""
    row = (await supervisor.scene()).process(name)
    try:
        await supervisor.ask("input", service=asked(row), text=chars)
    except ControlError as error:
        raise fault_of(error, name) from None
    return True


async def send_event(supervisor: Supervisor, *, type: str, data: str) -> bool:  # noqa: A002  the interface's word
    """As sendRemoteCommEvent, which is the only method that works while everything stops."""
    await supervisor.control.ask("remote-event", type=type, data=data)
    return True


_NAME = Parameter("string", "name", "the name of a process, or group:name")
_FROM = Parameter("int", "offset", "where to begin, in bytes; below zero, so many before the end")
_SEEN = Parameter("int", "offset", "up to where the log was seen, in bytes")
_LENGTH = Parameter("int", "length", "how many bytes; 0 for all")
_MOST = Parameter("int", "length", "how many bytes at the most")


def _read(stream: str) -> Method:
    text = f"Read what a process has written to {stream}."
    return Method(partial(read, stream), "string", text, (_NAME, _FROM, _LENGTH), "that part of the log")


def _tail(stream: str) -> Method:
    text = f"Read the end of what a process has written to {stream}, for who has seen it up to an offset."
    result = "the text, the offset to go on with, and whether there was more than the length"
    return Method(partial(tail, stream), "array", text, (_NAME, _SEEN, _MOST), result)


_READ, _TAIL = _read("stdout"), _tail("stdout")
_CLEAR = Method(clear, "boolean", "Empty the logs of a process.", (_NAME,))

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "readProcessStdoutLog": _READ,
        "readProcessLog": _READ,
        "readProcessStderrLog": _read("stderr"),
        "tailProcessStdoutLog": _TAIL,
        "tailProcessLog": _TAIL,
        "tailProcessStderrLog": _tail("stderr"),
        "clearProcessLogs": _CLEAR,
        "clearProcessLog": _CLEAR,
        "clearAllProcessLogs": Method(
            clear_all,
            "array",
            "Empty the logs of all processes.",
            (),
            "for each process name, group, status and description",
        ),
        "sendProcessStdin": Method(
            send,
            "boolean",
            "Write something to the standard input of a process.",
            (_NAME, Parameter("string", "chars", "what; beyond ASCII it is sent as UTF-8", shown=True)),
        ),
        "sendRemoteCommEvent": Method(
            send_event,
            "boolean",
            "Send an event to the listeners that subscribe to REMOTE_COMMUNICATION.",
            (
                Parameter("string", "type", "what kind, in the event's header"),
                Parameter("string", "data", "the event's body"),
            ),
        ),
    }
)
