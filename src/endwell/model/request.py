"""One request of the control protocol, and its arguments as they are to be."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any

from endwell.model.control import REQUESTS, ControlError, Kind
from endwell.records import dataclass, field

if TYPE_CHECKING:
    from endwell.model.control import Value

_MOST = 1 << 63


@dataclass(frozen=True, slots=True)
class Request:
    """Something that was asked for.

    Args:
        number: which the client has given it.
        do: what.
        arguments: its own ones.

    Each of the methods takes the name of an argument, and raises ControlError (BAD_ARGUMENTS) where it is
    not what it has to be. null is as good as nothing.
    """

    number: int
    do: str
    arguments: Value = field(default_factory=dict)

    @classmethod
    def read(cls, value: Value) -> Request:
        """Read a line that was decoded.

        Raises:
            ControlError: MALFORMED: it is no request; UNKNOWN_REQUEST and BAD_ARGUMENTS: it is one of which
                nothing is known.
        """
        number, do = number_of(value), value.get("do")
        if number is None or not isinstance(do, str):
            raise ControlError(Kind.MALFORMED, 'a request has a whole number as "id" and a text as "do"')
        known = REQUESTS.get(do)
        if known is None:
            raise ControlError(
                Kind.UNKNOWN_REQUEST, f"cannot do {do[:80]!r}: it is none of {', '.join(REQUESTS)}"
            )
        arguments = {name: one for name, one in value.items() if name not in {"id", "do"} and one is not None}
        for name in arguments:
            if name not in known:
                takes = f"it takes {', '.join(known)}" if known else "it takes none"
                raise ControlError(Kind.BAD_ARGUMENTS, f"{do} has no argument {name[:80]!r}: {takes}")
        return cls(number, do, arguments)

    def names(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; empty if it is not there."""
        value = self.arguments.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(name, "a list of texts")
        return tuple(value)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; one without a default has to be there."""
        value = self.arguments.get(name, default)
        if not isinstance(value, str):
            raise self.wrong(name, "a text")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a yes or no."""
        value = self.arguments.get(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        """Return a whole number; one without a default has to be there."""
        value = self.arguments.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= _MOST:
            raise self.wrong(name, "a whole number")
        return value

    def number_or_none(self, name: str) -> float | None:
        """Return a number, which may have a fraction; None if it is not there."""
        value = self.arguments.get(name)
        if value is None:
            return None
        number = math.nan
        if isinstance(value, int | float) and not isinstance(value, bool):
            with contextlib.suppress(OverflowError):
                number = float(value)
        if not math.isfinite(number):
            raise self.wrong(name, "a number")
        return number

    def table(self, name: str) -> dict[str, str]:
        """Return texts by name; empty if it is not there."""
        value = self.arguments.get(name, {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise self.wrong(name, "an object of texts")
        return dict(value)

    def wrong(self, name: str, wanted: str) -> ControlError:
        """Return what is said of an argument that is not what it has to be."""
        shown = repr(self.arguments[name])[:80] if name in self.arguments else "nothing"
        return ControlError(Kind.BAD_ARGUMENTS, f"{self.do}: {name} has to be {wanted}, not {shown}")


def number_of(value: Value) -> int | None:
    """Return the number of a request, if it has one that can be answered to."""
    number: Any = value.get("id")
    return number if isinstance(number, int) and not isinstance(number, bool) else None
