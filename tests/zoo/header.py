"""The leading comment of a guest: `key: value`, a line each; other lines of it are remarks."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# One value each, and those that may come several times.
SINGLE = frozenset(
    {
        "guest",
        "caller",
        "run",
        "grace",
        "signal",
        "ready",
        "needs",
        "mode",
        "prints",
        "never prints",
        "not under",
    }
)
SEVERAL = frozenset({"expect"})

_FIELD = re.compile(r"(?P<key>[a-z]+(?: [a-z]+)?): +(?P<value>\S.*)")


def read_header(path: Path) -> dict[str, list[str]]:
    """Return the fields of the leading comment of a guest's file.

    Raises:
        ValueError: a key is unknown or comes twice, or there is not exactly one of `guest` and `caller`.
    """
    fields: dict[str, list[str]] = {}
    for number, line in _comment(path):
        match = _FIELD.fullmatch(line)
        if match is None:
            continue
        key = match["key"]
        if key not in SINGLE | SEVERAL:
            near = difflib.get_close_matches(key, sorted(SINGLE | SEVERAL), n=1)
            hint = (
                f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(SINGLE | SEVERAL))}"
            )
            raise ValueError(f"{path}:{number}: there is no key {key!r}; {hint}")
        if key in fields and key in SINGLE:
            raise ValueError(f"{path}:{number}: {key!r} comes a second time; put it all into one line")
        fields.setdefault(key, []).append(match["value"])
    if ("guest" in fields) == ("caller" in fields):
        raise ValueError(
            f"{path}: no line 'guest: ...' or 'caller: ...', or both; say in one line what it does wrong"
        )
    return fields


def _comment(path: Path) -> Iterator[tuple[int, str]]:
    in_c = path.suffix == ".c"
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        line = raw.strip()
        if raw.startswith("#!"):
            continue
        if not line.startswith(("/*", "*") if in_c else "#"):
            return
        yield number, line.removesuffix("*/").lstrip("/*# ").rstrip()
        if in_c and line.endswith("*/"):
            return
