"""Calls by name: what is offered under which name, what is said about it, and several calls in one."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from endwell.gateway import configuration, general, logs, processes
from endwell.gateway.bulk import Bulk
from endwell.gateway.control import Gone
from endwell.gateway.faults import FaultError, fault_of
from endwell.gateway.files import LONGEST
from endwell.gateway.method import Method, Parameter
from endwell.model.control import ControlError
from endwell.model.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from endwell.gateway.supervisor import Supervisor

SUPERVISOR: Mapping[str, Method] = MappingProxyType(
    {**general.METHODS, **processes.METHODS, **logs.METHODS, **configuration.METHODS}
)
_MULTICALL = "system.multicall"


class Rpc:
    """All that can be called.

    Args:
        supervisor: whom it is about.
        interfaces: the names under which supervisord's own methods are offered: usually `supervisor`.
        most: bytes of the results of several calls in one, all together.
    """

    def __init__(self, supervisor: Supervisor, interfaces: Iterable[str], most: int = LONGEST) -> None:
        self._most = most
        self._methods: dict[str, tuple[object, Method]] = {
            f"{space}.{name}": (supervisor, method)
            for space in interfaces
            for name, method in SUPERVISOR.items()
        }
        self._methods |= {f"system.{name}": (self, method) for name, method in SYSTEM.items()}

    async def call(self, name: str, parameters: Sequence[object]) -> object:
        """Call a method.

        Raises:
            FaultError: whatever is wrong with that.
        """
        found = self._methods.get(name)
        if found is None:
            raise FaultError(Fault.UNKNOWN_METHOD)
        about, method = found
        try:
            return await method(about, tuple(parameters))
        except ControlError as error:
            raise fault_of(error, error.message) from None
        except Gone:
            raise FaultError(Fault.SHUTDOWN_STATE) from None

    # ------------------------------------------------------------------------------------------- about itself

    async def list_methods(self) -> list[str]:
        """As system.listMethods."""
        return sorted(self._methods)

    async def help(self, *, name: str) -> str:
        """As system.methodHelp."""
        return self._method(name).help

    async def signature(self, *, name: str) -> list[str]:
        """As system.methodSignature."""
        return self._method(name).signature

    async def multicall(self, *, calls: list[object]) -> list[object]:
        """As system.multicall: one after another, each with its result or its fault, as far as they fit."""
        bulk = Bulk(self._most)
        return [await self._result(call, bulk) for call in calls]

    async def _result(self, call: object, bulk: Bulk) -> object:
        try:
            name, parameters = _read(call)
            bulk.check()
            result = await self.call(name, parameters)
            bulk.take(result)
        except FaultError as error:
            return {"faultCode": int(error.code), "faultString": error.text}
        return result

    def _method(self, name: str) -> Method:
        if name not in self._methods:
            raise FaultError(Fault.SIGNATURE_UNSUPPORTED)
        return self._methods[name][1]


def _read(call: Any) -> tuple[str, list[object]]:  # noqa: ANN401  as sent
    """Return the method and the parameters of one call of several."""
    if not isinstance(call, dict):
        raise FaultError(Fault.INCORRECT_PARAMETERS, "a call is a struct with methodName and params")
    name, parameters = call.get("methodName"), call.get("params", [])
    if not isinstance(name, str):
        raise FaultError(Fault.INCORRECT_PARAMETERS, "No methodName")
    if name == _MULTICALL:
        raise FaultError(Fault.INCORRECT_PARAMETERS, "Recursive system.multicall forbidden")
    if not isinstance(parameters, list):
        raise FaultError(Fault.INCORRECT_PARAMETERS, "params is no array")
    return name, parameters


_NAME = Parameter("string", "name", "the full name of a method")
SYSTEM: Mapping[str, Method] = MappingProxyType(
    {
        "listMethods": Method(
            Rpc.list_methods, "array", "List the names of all methods.", (), "the names, sorted"
        ),
        "methodHelp": Method(Rpc.help, "string", "Say what a method does.", (_NAME,), "the text"),
        "methodSignature": Method(
            Rpc.signature,
            "array",
            "Say what kinds of values a method returns and takes.",
            (_NAME,),
            "the kind of the result, then those of the parameters",
        ),
        "multicall": Method(
            Rpc.multicall,
            "array",
            "Make several calls, one after another.",
            (Parameter("array", "calls", "for each a struct with methodName and params"),),
            "for each its result, or a struct with faultCode and faultString",
        ),
    }
)
