"""Where in a TOML document each key and value stands, which the standard library's reader does not tell.

tomllib has read the document before, so that it is known to be right: what is left is to follow its structure
(headers, dotted keys, arrays, inline tables) and to step over the values. Where tomllib and this disagree
about the paths of a document, this is wrong; a test holds them against each other.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

# The names of tables and the numbers of items in arrays, from the outside.
Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")
# A multi-line string may end with up to two quotation marks more than the three that close it.
_STRING = re.compile(
    r'"""(?:[^"\\]|\\[\s\S]|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
)
_PLAIN = re.compile(r"[^,\]}#\n]*")


@dataclass(frozen=True, slots=True)
class Span:
    """A key and its value.

    Args:
        line: of the key, or of an item of an array, from 1.
        start: where the value begins, in characters; of a table, its header's or its first key's.
        end: where it ends.
    """

    line: int
    start: int
    end: int


def positions(text: str) -> Mapping[Path, Span]:
    """Return where everything stands in a document that tomllib reads.

    Args:
        text: the document, its lines ending with line feeds.
    """
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, Span] = {}
        # How many tables each [[name]] has so far.
        self.tables: dict[Path, int] = {}
        # Lines are counted on from the last place that was asked for: documents are read forwards.
        self.counted = (0, 1)

    def scan(self) -> dict[Path, Span]:
        table: Path = ()
        while self.skip(_BLANK) < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
        return self.found

    def skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def line(self, at: int) -> int:
        before, line = self.counted
        line += self.text.count("\n", before, at) if at >= before else -self.text.count("\n", at, before)
        self.counted = (at, line)
        return line

    def note(self, path: Path, start: int, end: int) -> None:
        """A table that was written down before, by one of its keys, begins where that stands."""
        self.found.setdefault(path, Span(self.line(start), start, end))

    def names(self) -> list[str]:
        """Step over a key, dotted or not."""
        found = []
        while True:
            start = self.skip(_SPACE)
            written = self.text[start : self.skip(_KEY)]
            found.append(_unquoted(written))
            self.skip(_SPACE)
            if self.text[self.at] != ".":
                return found
            self.at += 1

    def header(self) -> Path:
        start = self.at
        double = self.text.startswith("[[", start)
        self.at += 2 if double else 1
        *outer, last = self.names()
        self.at += 2 if double else 1
        path: Path = ()
        for name in outer:
            path = self.inside((*path, name), start)
        path = (*path, last)
        if not double:
            self.note(path, start, self.at)
            return self.inside(path, start)
        self.note(path, start, self.at)
        number = self.tables.get(path, 0)
        self.tables[path] = number + 1
        self.note((*path, number), start, self.at)
        return (*path, number)

    def inside(self, path: Path, start: int) -> Path:
        """Return the path of a table, or of the last one of its name."""
        self.note(path, start, start)
        return (*path, self.tables[path] - 1) if path in self.tables else path

    def pair(self, table: Path) -> None:
        start = self.at
        path = table
        names = self.names()
        for name in names[:-1]:
            path = (*path, name)
            self.note(path, start, start)
        self.at += 1  # the sign
        self.skip(_SPACE)
        self.value((*path, names[-1]), self.line(start))

    def value(self, path: Path, line: int) -> None:
        start = self.at
        first = self.text[start]
        if first == "[":
            self.array(path)
        elif first == "{":
            self.inline(path)
        elif first in "\"'":
            self.skip(_STRING)
        else:
            self.skip(_PLAIN)
        end = start + len(self.text[start : self.at].rstrip(" \t"))
        self.found[path] = Span(line, start, end)

    def array(self, path: Path) -> None:
        self.at += 1
        number = 0
        while self.text[self.skip(_BLANK)] != "]":
            self.value((*path, number), self.line(self.at))
            number += 1
            if self.text[self.skip(_BLANK)] == ",":
                self.at += 1
        self.at += 1

    def inline(self, path: Path) -> None:
        self.at += 1
        while self.text[self.skip(_BLANK)] != "}":
            self.pair(path)
            if self.text[self.skip(_BLANK)] == ",":
                self.at += 1
        self.at += 1


def _unquoted(written: str) -> str:
    if written[0] not in "\"'":
        return written
    text: str = tomllib.loads(f"x = {written}")["x"]
    return text
