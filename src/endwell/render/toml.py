"""Values as TOML: what the standard library reads and does not write."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH = 100


def written_key(name: str) -> str:
    """Return a key, in quotation marks where it needs them."""
    return name if _BARE.fullmatch(name) else written_text(name)


def written_text(text: str) -> str:
    """Return a text in quotation marks: in single ones, which escape nothing, where that is easier."""
    if ('"' in text or "\\" in text) and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def written_value(value: object) -> str:
    """Return a value in one line.

    Args:
        value: a text, a number, a truth value, a list or tuple of them, or a dict with texts as keys.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        pairs = ", ".join(f"{written_key(name)} = {written_value(one)}" for name, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written_value, value))}]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return written_text(value) if isinstance(value, str) else repr(value)


def written_table(header: str, table: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table; tables in it have their own header where they do not fit into a line.

    Args:
        header: the names of the table, with dots between them.
        table: what is in it.
    """
    later = {}
    lines = []
    for name, value in table.items():
        line = f"{written_key(name)} = {written_value(value)}"
        if isinstance(value, dict) and len(line) > _WIDTH:
            later[name] = value
        elif isinstance(value, list) and len(line) > _WIDTH:
            items = "".join(f"    {written_value(one)},\n" for one in value)
            lines.append(f"{written_key(name)} = [\n{items}]")
        else:
            lines.append(line)
    if lines or not later:
        yield f"[{header}]"
        yield from lines
    for name, value in later.items():
        yield ""
        yield from written_table(f"{header}.{written_key(name)}", value)
