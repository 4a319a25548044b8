"""How much the results of several calls in one may be together: they are all held until the last is there."""

from __future__ import annotations

from typing import Any

from endwell.gateway.faults import FaultError
from endwell.gateway.files import LONGEST
from endwell.model.faults import Fault

# What is around a value in XML; in memory it is not less.
_MARKUP = 64
_UNIT = 1 << 20


class Bulk:
    """What the results of one request come to.

    A request of a megabyte has room for thousands of calls, each of which may ask for a whole log.

    Args:
        most: bytes; as many as one call alone may ask for.
    """

    def __init__(self, most: int = LONGEST) -> None:
        self._most = most
        self._left = most

    def check(self) -> None:
        """See whether there may be one more; it is asked before a call is made.

        Raises:
            FaultError: FAILED: there has been too much already.
        """
        if self._left < 0:
            raise FaultError(Fault.FAILED, f"{self._too_much}: this call was not made")

    def take(self, result: object) -> None:
        """Count a result.

        Raises:
            FaultError: FAILED: that is too much; it is not to be kept, and no further call is to be made.
        """
        self._left -= weight(result)
        if self._left < 0:
            raise FaultError(Fault.FAILED, f"{self._too_much}: this result is left out")

    @property
    def _too_much(self) -> str:
        return f"the results of one request are more than {self._most / _UNIT:g} MiB together"


def weight(value: Any) -> int:  # noqa: ANN401  whatever a method returns
    """Return about how many bytes a value is."""
    if isinstance(value, str):
        return len(value) + _MARKUP
    if isinstance(value, dict):
        return _MARKUP + sum(weight(key) + weight(one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return _MARKUP + sum(weight(one) for one in value)
    return _MARKUP
