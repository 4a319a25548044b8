"""One method of the remote interface: what it is called with, what it returns, and what it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from endwell.gateway.faults import FaultError
from endwell.model.faults import Fault
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a method is called with.

    Args:
        kind: `string`, `int`, `boolean` or `array`, as XML-RPC calls it; `signal` is a name or a number.
        name: its name.
        text: what it is.
        optional: whether it may be left out.
        shown: whether a fault about it shows it.
    """

    kind: str
    name: str
    text: str
    optional: bool = False
    shown: bool = False

    def take(self, value: object) -> object:
        """Return a value as the method takes it.

        Raises:
            FaultError: INCORRECT_PARAMETERS: it cannot be taken.
        """
        if self.kind == "int":
            return _whole(value)
        if self.kind == "boolean":
            return bool(value)
        if self.kind == "string":
            if isinstance(value, bytes):
                return value.decode(errors="surrogateescape")
            if isinstance(value, str):
                return value
        if self.kind == "array" and isinstance(value, list):
            return value
        if self.kind == "signal":
            return str(value)
        raise FaultError(Fault.INCORRECT_PARAMETERS, value if self.shown else None)


@dataclass(frozen=True, slots=True)
class Method:
    """A method.

    Args:
        call: does it; called with what its namespace is about, and the parameters by their names.
        returns: what it returns, as XML-RPC calls it.
        text: what it does, for people.
        parameters: in their order.
        result: what it returns, for people.
    """

    call: Callable[..., Awaitable[Any]]
    returns: str
    text: str
    parameters: tuple[Parameter, ...] = ()
    result: str = ""

    @property
    def signature(self) -> list[str]:
        """The kind of the result and those of the parameters."""
        kinds = ["string" if one.kind == "signal" else one.kind for one in self.parameters]
        return [self.returns, *kinds]

    @property
    def help(self) -> str:
        """Everything about it, in the form in which clients look for signatures."""
        lines = [self.text, ""]
        for kind, one in zip(self.signature[1:], self.parameters, strict=True):
            lines.append(f"@param {kind} {one.name}  {one.text}{' (optional)' if one.optional else ''}")
        lines.append(
            f"@return {self.returns} result  {self.result or 'always true, unless there is a fault'}"
        )
        return "\n".join(lines)

    async def __call__(self, about: object, parameters: tuple[object, ...]) -> object:
        """Call it.

        Raises:
            FaultError: INCORRECT_PARAMETERS, and what else may go wrong.
        """
        least = sum(not one.optional for one in self.parameters)
        if not least <= len(parameters) <= len(self.parameters):
            raise FaultError(Fault.INCORRECT_PARAMETERS)
        named = zip(self.parameters, parameters, strict=False)
        return await self.call(about, **{one.name: one.take(value) for one, value in named})


def _whole(value: object) -> int:
    """Return a whole number; clients send them as texts, too."""
    if isinstance(value, int | float | str):
        try:
            return int(value)
        except (ValueError, OverflowError):
            pass
    raise FaultError(Fault.INCORRECT_PARAMETERS)
