"""The methods about the supervisor itself: who it is, how it is, its log, its file, its end."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from endwell.gateway.faults import FaultError, fault_of
from endwell.gateway.log import FileLog, NoLog
from endwell.gateway.method import Method, Parameter
from endwell.model.control import ControlError, Kind
from endwell.model.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.gateway.supervisor import Supervisor

API_VERSION = "3.0"
# The release whose behavior is kept; clients compare it. Who it really is stands in the header `Server`.
SUPERVISOR_VERSION = "4.2.5"
_RUNNING = {"statecode": 1, "statename": "RUNNING"}


async def api_version(supervisor: Supervisor) -> str:
    """As getAPIVersion."""
    await supervisor.check()
    return API_VERSION


async def supervisor_version(supervisor: Supervisor) -> str:
    """As getSupervisorVersion."""
    await supervisor.check()
    return SUPERVISOR_VERSION


async def identification(supervisor: Supervisor) -> str:
    """As getIdentification."""
    return str((await supervisor.scene()).project["identifier"])


async def state(supervisor: Supervisor) -> Mapping[str, Any]:
    """As getState."""
    await supervisor.check()
    return _RUNNING  # of another state everybody is told by a fault, this method too


async def pid(supervisor: Supervisor) -> int:
    """As getPID."""
    return int((await supervisor.scene()).project["pid"])


async def read_log(supervisor: Supervisor, *, offset: int, length: int) -> str:
    """As readLog."""
    scene = await supervisor.scene()
    return await (FileLog(scene.log) if scene.log else NoLog()).read(offset, length)


async def clear_log(supervisor: Supervisor) -> bool:
    """As clearLog."""
    await supervisor.check()
    try:
        (result,) = (await supervisor.ask("clear-logs", services=[""]))["results"]
    except ControlError as error:
        raise fault_of(error, None) from None
    if not result["ok"]:
        raise FaultError(Fault.NO_FILE if result["kind"] == Kind.NO_FILE.value else Fault.FAILED)
    return True


async def shutdown(supervisor: Supervisor) -> bool:
    """As shutdown."""
    await supervisor.check()
    await supervisor.ask("shutdown")
    return True


async def restart(supervisor: Supervisor) -> bool:
    """As restart."""
    await supervisor.check()
    try:
        await supervisor.ask("restart-all")
    except ControlError as error:
        raise _unreadable(error) from None
    return True


async def reload_config(supervisor: Supervisor) -> list[list[list[str]]]:
    """As reloadConfig."""
    await supervisor.check()
    try:
        changes = await supervisor.ask("reread")
    except ControlError as error:
        raise _unreadable(error) from None
    return [[changes["added"], changes["changed"], changes["removed"]]]


def _unreadable(error: ControlError) -> FaultError:
    if error.kind is not Kind.CONFIGURATION:
        return fault_of(error, error.message)
    return FaultError(Fault.CANT_REREAD, "; ".join(error.problems) or error.message)


async def add_group(supervisor: Supervisor, *, name: str) -> bool:
    """As addProcessGroup."""
    return await _of_group(supervisor, "add", name)


async def remove_group(supervisor: Supervisor, *, name: str) -> bool:
    """As removeProcessGroup."""
    return await _of_group(supervisor, "remove", name)


async def _of_group(supervisor: Supervisor, do: str, name: str) -> bool:
    await supervisor.check()
    try:
        await supervisor.ask(do, group=name)
    except ControlError as error:
        raise fault_of(error, name) from None
    return True


_NAME = Parameter("string", "name", "the name of the group")
_OFFSET = Parameter("int", "offset", "where to begin, in bytes; below zero, so many before the end")
_LENGTH = Parameter("int", "length", "how many bytes; 0 for all")
_READ_LOG = Method(
    read_log, "string", "Read the supervisor's own log.", (_OFFSET, _LENGTH), "that part of the log"
)
_API_VERSION = Method(api_version, "string", "Return the version of this interface.", (), "the version")

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "getAPIVersion": _API_VERSION,
        "getVersion": _API_VERSION,
        "getSupervisorVersion": Method(
            supervisor_version,
            "string",
            "Return the release of supervisor whose interface this is, and the version of endwell.",
            (),
            "both, with a plus between them",
        ),
        "getIdentification": Method(
            identification,
            "string",
            "Return the identifier the file gives the supervisor.",
            (),
            "the identifier",
        ),
        "getState": Method(
            state,
            "struct",
            "Return what state the supervisor is in.",
            (),
            "statecode, a number, and statename",
        ),
        "getPID": Method(pid, "int", "Return the supervisor's process number.", (), "the number"),
        "readLog": _READ_LOG,
        "readMainLog": _READ_LOG,
        "clearLog": Method(clear_log, "boolean", "Empty the supervisor's own log."),
        "shutdown": Method(shutdown, "boolean", "Stop everything, and the supervisor."),
        "restart": Method(restart, "boolean", "Stop everything, read the file anew, and start everything."),
        "reloadConfig": Method(
            reload_config,
            "array",
            "Read the file anew and say which groups are different; nothing is applied yet.",
            (),
            "a list with one list: of the names of added, of changed and of removed groups",
        ),
        "addProcessGroup": Method(add_group, "boolean", "Apply what the file says of a new group.", (_NAME,)),
        "removeProcessGroup": Method(remove_group, "boolean", "Forget a group that has stopped.", (_NAME,)),
    }
)
