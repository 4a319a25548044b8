"""A TOML document as a tree in which everything knows its place."""

from __future__ import annotations

import re
import tomllib
from operator import is_
from typing import TYPE_CHECKING, Any

from endwell.model.place import Place
from endwell.parse.services.positions import positions
from endwell.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from endwell.parse.problems import Report
    from endwell.parse.services.positions import Path, Span

_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")
_LARGEST = 2**63
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a table",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it is.

    Args:
        place: file and line of its key.
        key: its names from the outside, with dots between them, as `services.web.command`.
        value: a text, a number, a truth value, a date, a tuple of nodes, or a dict of them by name.
    """

    place: Place
    key: str
    value: Any

    @property
    def kind(self) -> str:
        """What it is, for people."""
        return _KINDS.get(type(self.value), "a list" if isinstance(self.value, tuple) else "a date or time")

    @property
    def table(self) -> Mapping[str, Node]:
        """What is in it, which is nothing if it is no table."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def nested(self) -> bool:
        """Whether there are others in it."""
        return isinstance(self.value, dict | tuple)

    @property
    def shown(self) -> str:
        """The key and what it is set to, for messages."""
        if self.nested:
            return f"{self.key} is {self.kind}, which"
        written = repr(self.value) if isinstance(self.value, str) else str(self.value)
        written = written.lower() if isinstance(self.value, bool) else written
        return f"{self.key} = {written if len(written) <= 80 else written[:77] + '...'}"  # noqa: PLR2004  a line

    def changed(self, change: Callable[[Node, str], str]) -> Node:
        """Return the same with every text in it changed; itself where nothing is."""
        value = self.value
        if isinstance(value, str):
            changed = change(self, value)
            return self if changed is value else replace(self, value=changed)
        if isinstance(value, tuple):
            several = tuple([one.changed(change) for one in value])
            return self if all(map(is_, several, value)) else replace(self, value=several)
        if isinstance(value, dict):
            table = {name: one.changed(change) for name, one in value.items()}
            return self if all(map(is_, table.values(), value.values())) else replace(self, value=table)
        return self

    def over(self, other: Node) -> Node:
        """Return this with what `other` has besides it; tables within tables likewise."""
        if not isinstance(self.value, dict) or not isinstance(other.value, dict):
            return self
        both = {name: self.value.get(name) for name in {**other.value, **self.value}}
        merged = {
            name: other.value[name] if mine is None else mine.over(other.value.get(name, mine))
            for name, mine in both.items()
        }
        return replace(self, value=merged)


def read_nodes(text: str, file: str, report: Report) -> Node | None:
    """Read a document; None where it is no TOML, which is noted.

    Args:
        text: of the document.
        file: its name, for messages.
        report: gets what is wrong.
    """
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    try:
        values = tomllib.loads(text)
        spans = positions(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        match = _AT_LINE.search(message)
        line = int(match[1]) if match else max(1, text.count("\n") + (not text.endswith("\n")))
        what = message.split(" (at ", maxsplit=1)[0]
        report.error(Place(file, line), f"is not TOML here: {what[:1].lower()}{what[1:]}; correct this line")
        return None
    except RecursionError:
        report.error(Place(file, 1), "is nested too deep to be read: use fewer brackets within each other")
        return None
    except ValueError:
        report.error(Place(file, 1), "has a number of thousands of digits: TOML's numbers have 64 bits")
        return None
    return _Builder(file, spans, report).node((), values, "", Place(file, 1))


class _Builder:
    def __init__(self, file: str, spans: Mapping[Path, Span], report: Report) -> None:
        self.file = file
        self.spans = spans
        self.report = report

    def node(self, path: Path, value: object, key: str, above: Place) -> Node:
        span = self.spans.get(path)
        place = Place(self.file, span.line) if span else above
        if isinstance(value, dict):
            table = {
                name: self.node((*path, name), one, _joined(key, name), place) for name, one in value.items()
            }
            return Node(place, key, table)
        if isinstance(value, list):
            items = (self.node((*path, at), one, key, place) for at, one in enumerate(value))
            return Node(place, key, tuple(items))
        if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
            # Python reads any, and then cannot write it down or make it a float.
            self.report.error(place, f"{key} is a number of more than 64 bits: write a smaller one")
            return Node(place, key, 0)
        return Node(place, key, value)


def _joined(key: str, name: str) -> str:
    shown = name if _BARE.fullmatch(name) else f'"{name}"'
    return f"{key}.{shown}" if key else shown
