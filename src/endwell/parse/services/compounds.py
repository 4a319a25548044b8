"""Kinds of values that are made of others: commands, lists, tables, and what may be one or the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from endwell.parse import words
from endwell.parse.services.kinds import Kind, Schema, T_co, Text, Wrong, refuse
from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from endwell.parse.problems import Report
    from endwell.parse.services.nodes import Node

_MOST_SHOWN = 12


@dataclass(frozen=True)
class Command:
    """A command: one text, which is split as by a shell but without one, or its words."""

    says: str = "a command as one text, or as the list of its words"

    def read(self, node: Node, report: Report) -> tuple[str, ...]:
        """Return the words."""
        if isinstance(node.value, tuple):
            found = Several(Text("a word", str), self.says).read(node, report)
            if not found or not found[0]:
                raise refuse(node, report, "has no program: write one and its arguments")
            return found
        return Text(self.says, words.command).read(node, report)

    def schema(self) -> Schema:
        """Return a string or an array of strings."""
        return {"$ref": "#/$defs/command"}


@dataclass(frozen=True)
class Several(Generic[T_co]):
    """A list.

    Args:
        of: the kind of its items.
        says: what is to be written.
        alone: whether one item may stand without brackets.
    """

    of: Kind[T_co]
    says: str
    alone: bool = False

    def read(self, node: Node, report: Report) -> tuple[T_co, ...]:
        """Return the items; all that are wrong are reported."""
        if not isinstance(node.value, tuple):
            if self.alone:
                return (self.of.read(node, report),)
            raise refuse(node, report, f"is {node.kind}: write {self.says}")
        found, wrong = [], False
        for one in node.value:
            try:
                found.append(self.of.read(one, report))
            except Wrong:
                wrong = True
        if wrong:
            raise Wrong
        return tuple(found)

    def schema(self) -> Schema:
        """Return an array, or one item."""
        array = {"type": "array", "items": self.of.schema()}
        return {"anyOf": [array, self.of.schema()]} if self.alone else array


@dataclass(frozen=True)
class Pairs(Generic[T_co]):
    """A table whose keys are the user's own.

    Args:
        of: the kind of its values.
        says: what is to be written.
        key: raises ValueError for a key that cannot be.
    """

    of: Kind[T_co]
    says: str
    key: Callable[[str], object] = str
    names: tuple[str, ...] = ()

    def read(self, node: Node, report: Report) -> dict[str, T_co]:
        """Return the values by key; all that are wrong are reported."""
        if not isinstance(node.value, dict):
            raise refuse(node, report, f"is {node.kind}: write {self.says}")
        found: dict[str, T_co] = {}
        wrong = False
        for name, one in node.value.items():
            try:
                self.key(name)
                found[name] = self.of.read(one, report)
            except ValueError as error:
                report.error(one.place, f"{one.key}: {name!r} {error}")
                wrong = True
            except Wrong:
                wrong = True
        if wrong:
            raise Wrong
        return found

    def schema(self) -> Schema:
        """Return an object."""
        if self.names:
            properties = {name: self.of.schema() for name in self.names}
            return {"type": "object", "properties": properties, "additionalProperties": False}
        return {"type": "object", "additionalProperties": self.of.schema()}


@dataclass(frozen=True)
class Either:
    """A text, a number or a list for short, or a table for all of it."""

    short: Kind[Any]
    long: Kind[Any]

    @property
    def says(self) -> str:
        """What is to be written."""
        return f"{self.short.says}, or {self.long.says}"

    def read(self, node: Node, report: Report) -> Any:  # noqa: ANN401  either of two
        """Return what the one that fits has read."""
        return (self.long if isinstance(node.value, dict) else self.short).read(node, report)

    def schema(self) -> Schema:
        """Return either."""
        return {"anyOf": [self.short.schema(), self.long.schema()]}


def _subject(node: Node) -> str:
    """Return who has or has not; the document itself has no name."""
    return f"{node.key} " if node.key else ""


@dataclass(frozen=True)
class Key:
    """A key of a table of ours.

    Args:
        name: as it is written.
        kind: of its value.
        summary: what it says, in one sentence without an end.
        default: what holds without it, in words.
        needed: whether it has to be there.
    """

    name: str
    kind: Kind[Any]
    summary: str
    default: str = ""
    needed: bool = False


@dataclass(frozen=True)
class Table:
    """A table of ours.

    Args:
        keys: that it may have.
        says: what it is called in the reference.
        foreign: what others call a key, and what is to be said about it.
    """

    keys: tuple[Key, ...]
    says: str = "a table"
    foreign: Mapping[str, str] = field(default_factory=dict)

    def read(self, node: Node, report: Report) -> dict[str, Any]:
        """Return the values of those keys that are there and right."""
        if not isinstance(node.value, dict):
            raise refuse(node, report, f"is {node.kind}: write {self.says}")
        known = {key.name: key for key in self.keys}
        found = {}
        for name, one in node.value.items():
            if name not in known:
                if not name.startswith("x-"):
                    report.error(one.place, f"{one.key} is no key: {self._meant(name, known)}")
                continue
            try:
                found[name] = known[name].kind.read(one, report)
            except Wrong:
                continue
        for key in self.keys:
            if key.needed and not self.has(node, key.name):
                report.error(node.place, f"{_subject(node)}has no {key.name}: write {key.kind.says}")
        return found

    def schema(self) -> Schema:
        """Return an object that has nothing else."""
        properties = {}
        for key in self.keys:
            about = key.summary + (f" (default: {key.default})" if key.default else "")
            properties[key.name] = {"description": about} | key.kind.schema()
        needed = [key.name for key in self.keys if key.needed]
        return {
            "type": "object",
            "properties": properties,
            "patternProperties": {"^x-": {}},
            "additionalProperties": False,
        } | ({"required": needed} if needed else {})

    def has(self, node: Node, name: str) -> bool:
        """Return whether a key is there, or one that is reported as meaning it: once is enough."""
        known = {key.name: key for key in self.keys}
        others = (one for one in node.table if one not in known)
        return name in node.table or any(f" mean {name}?" in self._meant(one, known) for one in others)

    def _meant(self, name: str, known: Mapping[str, Key]) -> str:
        plain = name.lower().replace("_", "-")
        if plain in self.foreign:
            return self.foreign[plain]
        import difflib  # noqa: PLC0415  only for words that are wrong

        near = difflib.get_close_matches(plain, known, n=1)
        if near:
            return f"did you mean {near[0]}?"
        # A service has too many of them for one line.
        many = len(known) > _MOST_SHOWN
        return "see `endwell schema` for all of them" if many else f"use one of {', '.join(known)}"
