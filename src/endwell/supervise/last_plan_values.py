"""Values of the model as plain tuples that `marshal` takes, and back.

`marshal` is part of the interpreter and needs no import that would stay in memory; it knows nothing of
classes. It is no format for anything that outlives this interpreter, and this is for nobody but the next
process of the same one. A field that has its default is left out: of thirty most have.
"""

from __future__ import annotations

import sys
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from endwell.records import MISSING, fields, is_dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN = (str, int, float, bytes, bool, type(None))


def to_plain(value: object) -> Any:  # noqa: ANN401  what `marshal` takes has no name of its own
    """Return what `from_plain` makes the same value of.

    Args:
        value: dataclasses, enumerations, mappings, tuples, frozen sets, and what needs no help.

    Raises:
        TypeError: something else.
    """
    if isinstance(value, Enum):
        return ("enum", type(value).__module__, type(value).__qualname__, value.name)
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, tuple):
        return ("tuple", *(to_plain(one) for one in value))
    if isinstance(value, frozenset):
        return ("set", *(to_plain(one) for one in value))
    if isinstance(value, (dict, MappingProxyType)):
        mapping = cast("Mapping[object, object]", value)
        return ("map", {to_plain(name): to_plain(one) for name, one in mapping.items()})
    kind = type(value)
    if not is_dataclass(kind):
        raise TypeError(f"cannot hand on {value!r}: {kind.__name__} is no value of the model")
    own = {
        name: to_plain(one)
        for name, default in _fields(kind)
        if (one := getattr(value, name)) is not default and one != default
    }
    return ("of", kind.__module__, kind.__qualname__, own)


def from_plain(plain: Any) -> Any:  # noqa: ANN401  it is whatever went in
    """Return the value of which `to_plain` has made this."""
    if not isinstance(plain, tuple):
        return plain
    kind, *rest = plain
    if kind == "tuple":
        return tuple(from_plain(one) for one in rest)
    if kind == "set":
        return frozenset(from_plain(one) for one in rest)
    if kind == "map":
        return MappingProxyType({from_plain(name): from_plain(one) for name, one in rest[0].items()})
    found = _class(rest[0], rest[1])
    if kind == "enum":
        return found[rest[2]]
    return found(**{name: from_plain(one) for name, one in rest[2].items()})


@cache
def _fields(kind: type) -> tuple[tuple[str, object], ...]:
    found = []
    for one in fields(kind):
        default = one.default
        if default is MISSING and one.default_factory is not MISSING:
            default = one.default_factory()
        found.append((one.name, default))
    return tuple(found)


@cache
def _class(module: str, name: str) -> Any:  # noqa: ANN401  any of the model's
    __import__(module)  # importlib would be one more
    return getattr(sys.modules[module], name)
