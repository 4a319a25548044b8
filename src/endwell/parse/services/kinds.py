"""Kinds of values in endwell.toml: each reads one, says in words what it takes, and has a JSON schema.

The table of keys is made of them, and the reader, the schema and the reference page are made of the table, so
that none of the three can say something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from endwell.model.durations import parse_duration
from endwell.parse import words
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import Enum

    from endwell.parse.problems import Report
    from endwell.parse.services.nodes import Node

T_co = TypeVar("T_co", covariant=True)
Schema = dict[str, Any]

# Texts in which variables are replaced before they are read: the schema cannot know what they become.
VARIABLE: Schema = {"$ref": "#/$defs/variable"}
UNLIMITED = ("unlimited", "never")


class Wrong(Exception):  # noqa: N818  it is no error until it is reported
    """What has been reported already; whoever reads goes on without it."""


class Kind(Protocol[T_co]):
    """A kind of value."""

    @property
    def says(self) -> str:
        """What is to be written, for the reference."""

    def read(self, node: Node, report: Report) -> T_co:
        """Return the value; raises Wrong when it is none, which is then in the report."""

    def schema(self) -> Schema:
        """Return what a JSON schema says about it."""


def refuse(node: Node, report: Report, why: str) -> Wrong:
    """Note that a value cannot be used, and return what to raise."""
    # That it is a list is said once.
    subject = node.key if node.key and why.startswith(f"is {node.kind}:") and node.nested else node.shown
    report.error(node.place, f"{subject} {why}")
    return Wrong()


@dataclass(frozen=True)
class Text(Generic[T_co]):
    """A text.

    Args:
        says: what is to be written.
        convert: from text; raises ValueError with why not and what to do.
        examples: for the schema.
        numbers: whether a whole number is taken for its digits.
        choices: all that may be written, in a schema.
        filled: whether an empty one is none.
    """

    says: str
    convert: Callable[[str], T_co]
    examples: tuple[str, ...] = ()
    numbers: bool = False
    choices: tuple[str, ...] = ()
    filled: bool = False

    def read(self, node: Node, report: Report) -> T_co:
        """Return what the text is converted to."""
        value = node.value
        if self.numbers and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise refuse(node, report, f"is {node.kind}: write {self.says}, in quotation marks")
        if "\0" in value:
            raise refuse(node, report, "has a NUL character in it, which no program can be given: remove it")
        if self.filled and not value:
            raise refuse(node, report, f"is empty: write {self.says}")
        try:
            return self.convert(value)
        except ValueError as error:
            raise refuse(node, report, str(error)) from None

    def schema(self) -> Schema:
        """Return a string, or a choice of them."""
        text: Schema = {"type": ["string", "integer"] if self.numbers else "string"}
        if self.choices:
            return {"anyOf": [{"enum": list(self.choices)}, VARIABLE]}
        return text | ({"examples": list(self.examples)} if self.examples else {})


def choice(kind: type[Enum]) -> Text[Any]:
    """Return the kind that is one of an enumeration's words."""
    names = tuple(str(one.value) for one in kind)
    return Text(" or ".join(names), words.one_of(kind), choices=names)


@dataclass(frozen=True)
class Whole:
    """A whole number; a text of digits too, as a variable may have become one."""

    least: int
    most: int
    says: str = "a whole number"

    def read(self, node: Node, report: Report) -> int:
        """Return the number."""
        value = node.value
        if isinstance(value, str) and value.removeprefix("-").isascii() and value.removeprefix("-").isdigit():
            value = int(value) if len(value) < 20 else self.most + 1  # noqa: PLR2004  more than 64 bits
        if isinstance(value, bool) or not isinstance(value, int):
            raise refuse(node, report, f"is not {self.says}: write for example {max(self.least, 1)}")
        if not self.least <= value <= self.most:
            raise refuse(node, report, f"is not from {self.least} to {self.most}: write a number in between")
        return value

    def schema(self) -> Schema:
        """Return an integer within its limits."""
        return {"anyOf": [{"type": "integer", "minimum": self.least, "maximum": self.most}, VARIABLE]}


@dataclass(frozen=True)
class Share:
    """A share from 0 to 1, or any number that may be larger."""

    most: float = 1
    says: str = "a number from 0 to 1"

    def read(self, node: Node, report: Report) -> float:
        """Return the number."""
        try:
            value = float(node.value) if not isinstance(node.value, bool | dict | tuple) else -1.0
        except (TypeError, ValueError):
            value = -1.0
        if not 0 <= value <= self.most:
            raise refuse(node, report, f"is not {self.says}: write for example 0.5")
        return value

    def schema(self) -> Schema:
        """Return a number within its limits."""
        return {"anyOf": [{"type": "number", "minimum": 0, "maximum": self.most}, VARIABLE]}


@dataclass(frozen=True)
class Switch:
    """True or false."""

    says: str = "true or false"

    def read(self, node: Node, report: Report) -> bool:
        """Return which."""
        value = {"true": True, "false": False}.get(node.value) if isinstance(node.value, str) else node.value
        if not isinstance(value, bool):
            raise refuse(node, report, "is neither true nor false: write true or false")
        return value

    def schema(self) -> Schema:
        """Return a boolean."""
        return {"anyOf": [{"type": "boolean"}, VARIABLE]}


@dataclass(frozen=True)
class Length:
    """A length of time.

    Args:
        unlimited: what `unlimited` is; None: it is none.
        pause: whether it has to be longer than none.
    """

    unlimited: float | None = None
    pause: bool = False

    @property
    def says(self) -> str:
        """What is to be written."""
        return "a length of time" + ("" if self.unlimited is None else " or unlimited")

    def read(self, node: Node, report: Report) -> float:
        """Return the seconds."""
        value = node.value
        if value in UNLIMITED and self.unlimited is not None:
            return self.unlimited
        try:
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ValueError  # noqa: TRY301, TRY004  said once, below
            seconds = parse_duration(value)
        except ValueError:
            raise refuse(
                node, report, "is not a length of time: write for example 10s, 1m30s, 500ms"
            ) from None
        if self.pause and not seconds:
            raise refuse(node, report, "is no pause at all: write for example 100ms")
        return seconds

    def schema(self) -> Schema:
        """Return the grammar of a length of time."""
        return {"$ref": "#/$defs/duration" if self.unlimited is None else "#/$defs/unlimited-duration"}


def size(text: str) -> int:
    """Read a number of bytes: 512, 64k, 50m, 1g, with or without a b behind, capitals or not."""
    lower = text.lower().removesuffix("b")
    unit = {"k": 1024, "m": 1024**2, "g": 1024**3}.get(lower[-1:])
    digits = lower[:-1] if unit else lower
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18:  # noqa: PLR2004  64 bits
        raise ValueError("is not a number of bytes: write for example 50m, 512k or 1g")
    return int(digits) * (unit or 1)


@dataclass(frozen=True)
class Size:
    """A number of bytes; 0 and `unlimited` are none."""

    says: str = "a number of bytes such as 50m, or unlimited"

    def read(self, node: Node, report: Report) -> int | None:
        """Return the bytes, or None."""
        if node.value in UNLIMITED:
            return None
        return Text(self.says, size, numbers=True).read(node, report) or None

    def schema(self) -> Schema:
        """Return a string or an integer."""
        return {"type": ["string", "integer"], "examples": ["50m", "512k", "unlimited"], "minimum": 0}
