"""Data classes with the words of the standard library's, at a part of what those cost.

A supervisor imports some eighty of them before it starts its first service, and keeps them for as long as
the container lives. `dataclasses` imports `inspect` for them, which brings the parser of Python along, and
compiles six methods for each. Here `__init__` alone is compiled, because it is called often, and only when it
is called for the first time; the other methods are functions over `operator.attrgetter`.

Who checks types sees `dataclasses` itself, so that only what that has can be used; tests/unit/test_records.py
holds the two side by side.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace  # noqa: TID251  see above

    Make = Callable[[type], type]
    Key = Callable[[Any], object]

__all__ = ["MISSING", "dataclass", "field", "fields", "is_dataclass", "replace"]

_FIELDS = "__record_fields__"
_ORDER = (operator.lt, operator.le, operator.gt, operator.ge)


class Missing:
    """The class of `MISSING`, which stands where a field has no default."""

    __slots__ = ()


_MISSING = Missing()


class Field:
    """What is known of a field; the words are those of `dataclasses.field`."""

    __slots__ = ("compare", "default", "default_factory", "init", "kw_only", "name", "repr")

    def __init__(
        self,
        *,
        default: object = _MISSING,
        default_factory: Callable[[], object] | Missing = _MISSING,
        init: bool = True,
        repr: bool = True,  # noqa: A002  the word of `dataclasses`
        compare: bool = True,
    ) -> None:
        self.name = ""
        self.kw_only = False
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.repr = repr
        self.compare = compare


_Slot = type(Field.__dict__["name"])


def _fields(record: Any) -> tuple[Field, ...]:  # noqa: ANN401  a record, or its class
    return tuple(getattr(record, _FIELDS).values())


def _is_dataclass(value: object) -> bool:
    return hasattr(value, _FIELDS)


def _replace(record: Any, /, **changes: object) -> Any:  # noqa: ANN401  any record
    for name, one in getattr(record, _FIELDS).items():
        if one.init and name not in changes:
            changes[name] = getattr(record, name)
    return type(record)(**changes)


def _dataclass(  # noqa: PLR0913  the words of `dataclasses`
    bare: type | None = None,
    /,
    *,
    frozen: bool = False,
    slots: bool = False,
    eq: bool = True,
    order: bool = False,
    kw_only: bool = False,
) -> type | Make:
    def make(kind: type) -> type:
        found = _collect(kind, kw_only=kw_only)
        for name, member in _members(found, frozen=frozen, eq=eq, order=order).items():
            if name not in kind.__dict__:
                setattr(kind, name, member)
        if slots:
            kind = _with_slots(kind)
        _make_init_on_demand(kind, frozen=frozen)
        return kind

    return make if bare is None else make(bare)


if not TYPE_CHECKING:
    MISSING, dataclass, field = _MISSING, _dataclass, Field
    fields, is_dataclass, replace = _fields, _is_dataclass, _replace

# -------------------------------------------------------------------------------------------------- the class


def _collect(kind: Any, *, kw_only: bool) -> dict[str, Field]:  # noqa: ANN401  a class, whose attributes are set
    """Return the fields by name, and leave in the class what it would have without them: defaults."""
    found: dict[str, Field] = {}
    for base in reversed(kind.__mro__[1:]):
        found.update(base.__dict__.get(_FIELDS, ()))
    for name, annotation in kind.__annotations__.items():
        if "ClassVar" in str(annotation):
            continue
        given = getattr(kind, name, _MISSING)  # as the standard library: perhaps the default of a base
        if isinstance(given, _Slot):
            given = _MISSING
        one = given if isinstance(given, Field) else Field(default=given)
        one.name, one.kw_only = name, kw_only
        found[name] = one
        if one.default is not _MISSING:
            setattr(kind, name, one.default)
        elif one is given:
            delattr(kind, name)
    setattr(kind, _FIELDS, found)
    return found


def _with_slots(kind: type) -> type:
    """Return the same class with slots for its fields: one that exists cannot be given them."""
    found = kind.__dict__[_FIELDS]
    taken = {name for base in kind.__mro__[1:] for name in base.__dict__.get("__slots__", ())}
    own = {name: value for name, value in kind.__dict__.items() if name not in found}
    for name in ("__dict__", "__weakref__"):
        own.pop(name, None)
    own["__slots__"] = tuple(name for name in found if name not in taken)
    made = type(kind)(kind.__name__, kind.__bases__, own)
    made.__qualname__ = kind.__qualname__
    return made


# ------------------------------------------------------------------------------------------------ its members


def _members(found: dict[str, Field], *, frozen: bool, eq: bool, order: bool) -> dict[str, object]:
    shown = tuple(name for name, one in found.items() if one.repr)
    compared = tuple(name for name, one in found.items() if one.compare)
    key = _key(*compared)

    def __repr__(self: object) -> str:  # noqa: N807  it becomes one
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({values})"

    places = tuple(name for name, one in found.items() if one.init and not one.kw_only)
    members: dict[str, object] = {"__repr__": __repr__, "__match_args__": places}
    if eq:
        members["__eq__"] = _equality(key)
        members["__hash__"] = (lambda self: hash(key(self))) if frozen else None
    if order:
        members |= {f"__{compare.__name__}__": _comparison(key, compare) for compare in _ORDER}
    if frozen:
        members |= {"__setattr__": _refuse, "__delattr__": _refuse}
    return members


def _key(*names: str) -> Key:
    """Return what makes a tuple of fields: tuples are compared, and one of one value is not that value."""
    if not names:
        return lambda _: ()
    get = operator.attrgetter(*names)
    return get if len(names) > 1 else lambda record: (get(record),)


def _equality(key: Key) -> Callable[[object, object], bool]:
    def __eq__(self: object, other: object) -> bool:  # noqa: N807  it becomes one
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _comparison(key: Key, compare: Callable[[Any, Any], bool]) -> Callable[[object, object], bool]:
    def method(self: object, other: object) -> bool:
        return compare(key(self), key(other)) if other.__class__ is self.__class__ else NotImplemented

    return method


def _refuse(self: object, name: str, *_: object) -> None:
    raise AttributeError(f"a {type(self).__qualname__} is frozen: its {name!r} stays as it is")


def _make_init_on_demand(kind: Any, *, frozen: bool) -> None:  # noqa: ANN401  a class, whose attributes are set
    def __init__(self: object, *args: object, **kwargs: object) -> None:  # noqa: N807  it becomes one
        kind.__init__ = _init(kind, frozen=frozen)
        kind.__init__(self, *args, **kwargs)

    kind.__init__ = __init__


def _init(kind: type, *, frozen: bool) -> object:
    """Compile `__init__`: it takes each field once, in their order, those by name alone last."""
    known: dict[str, object] = {"MISSING": _MISSING, "set_attribute": object.__setattr__}
    by_place, by_name, lines = ["self"], ["*"], []
    for name, one in getattr(kind, _FIELDS).items():
        word, value = name, name
        if one.default_factory is not _MISSING:
            known[f"make_{name}"] = one.default_factory
            word = f"{name}=MISSING"
            value = f"make_{name}() if {name} is MISSING else {name}" if one.init else f"make_{name}()"
        elif one.default is not _MISSING:
            known[f"default_{name}"] = one.default
            word = f"{name}=default_{name}"
            value = name if one.init else f"default_{name}"
        elif not one.init:
            continue
        lines.append(f"set_attribute(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
        if one.init:
            (by_name if one.kw_only else by_place).append(word)
    if hasattr(kind, "__post_init__"):
        lines.append("self.__post_init__()")
    words = ", ".join(by_place + (by_name if len(by_name) > 1 else []))
    exec(f"def __init__({words}):\n " + "\n ".join(lines or ["pass"]), known)  # noqa: S102  of names of fields
    return known["__init__"]
