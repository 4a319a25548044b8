"""Variables in texts, as compose replaces them.

| written | becomes |
|---|---|
| `$NAME`, `${NAME}` | its value; nothing if it is not set, with a warning |
| `${NAME:-other}` | `other` if it is not set or empty |
| `${NAME-other}` | `other` if it is not set |
| `${NAME:?why}`, `${NAME?why}` | an error that says `why` if it is not set (or empty) |
| `${NAME:+other}`, `${NAME+other}` | `other` if it is set (and not empty), else nothing |
| `$$` | one dollar sign |

`other` and `why` may hold variables themselves. Source of the semantics: the interpolation chapter of the
Compose file reference.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIGN = re.compile(r":?[-?+]")


def expand(text: str, variables: Mapping[str, str], missing: Callable[[str], None]) -> str:
    """Replace the variables of a text.

    Args:
        text: as written.
        variables: what they stand for.
        missing: is told why one that is not set, and for which the text has no other value, is empty.

    Raises:
        ValueError: a dollar sign begins no variable, or one is needed and not set; says what to do.
    """
    return _Expansion(text, variables, missing).run()


def escape(text: str) -> str:
    """Return a text that `expand` makes this one of."""
    return text.replace("$", "$$")


class _Expansion:
    def __init__(self, text: str, variables: Mapping[str, str], missing: Callable[[str], None]) -> None:
        self.text = text
        self.variables = variables
        self.missing = missing
        self.at = 0

    def run(self) -> str:
        return self.until("", wanted=True)

    def until(self, end: str, *, wanted: bool) -> str:
        """Return what stands before a closing brace, or all; what is not wanted may lack its variables."""
        pieces = []
        while self.at < len(self.text) and not (end and self.text[self.at] == end):
            if self.text[self.at] == "$":
                self.at += 1
                pieces.append(self.variable(wanted=wanted))
            else:
                pieces.append(self.text[self.at])
                self.at += 1
        return "".join(pieces)

    def variable(self, *, wanted: bool) -> str:
        following = self.text[self.at : self.at + 1]
        if following == "$":
            self.at += 1
            return "$"
        if following == "{":
            self.at += 1
            return self.braced(wanted=wanted)
        name = self.name()
        if not name:
            raise ValueError("has a dollar sign that begins no variable: write $$ for one dollar sign")
        return self.value(name, wanted=wanted)

    def name(self) -> str:
        match = _NAME.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return match[0] if match else ""

    def braced(self, *, wanted: bool) -> str:
        name = self.name()
        sign = _SIGN.match(self.text, self.at)
        if not name or not (sign or self.text.startswith("}", self.at)):
            raise ValueError(
                "has a ${ that begins no variable: write ${NAME}, ${NAME:-default}, or $$ for one dollar sign"
            )
        if sign is None:
            self.at += 1
            return self.value(name, wanted=wanted)
        self.at = sign.end()
        known = self.variables.get(name)
        there = bool(known) if sign[0].startswith(":") else known is not None
        other = self.until("}", wanted=wanted and there is (sign[0][-1] == "+"))
        if self.at >= len(self.text):
            raise ValueError("has a ${ without its }: close it, or write $$ for one dollar sign")
        self.at += 1
        if sign[0][-1] == "+":
            return other if there else ""
        if there:
            return known or ""
        if sign[0][-1] == "?" and wanted:
            raise ValueError(f"needs the variable {name}: {other or 'set it in the environment of endwell'}")
        return other

    def value(self, name: str, *, wanted: bool) -> str:
        if name not in self.variables and wanted:
            import difflib  # noqa: PLC0415  only for words that are wrong

            near = difflib.get_close_matches(name, self.variables, n=1, cutoff=0.7)
            meant = f"did you mean {near[0]}?" if near else f"write ${{{name}:-}} if that is meant"
            self.missing(f"has ${{{name}}}, which is not set and becomes nothing: {meant}")
        return self.variables.get(name, "")
