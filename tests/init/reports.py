"""Reads reports of the init strictly: valid JSON and UTF-8, no key twice, and as report.schema.json says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

SCHEMA: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("report.schema.json").read_text())
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def parse(text: str | bytes) -> dict[str, Any]:
    """The report in this text, which is one line and nothing else; AssertionError says what is wrong."""
    line = text.decode() if isinstance(text, bytes) else text
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    report: dict[str, Any] = json.loads(line, object_pairs_hook=_object, parse_constant=_refuse)
    check(report, SCHEMA, "report")
    return report


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    assert len(found) == len(pairs), f"a key stands twice: {pairs}"
    return found


def _refuse(word: str) -> object:
    raise AssertionError(f"{word} is no JSON")


def check(value: Any, schema: dict[str, Any], where: str) -> None:  # noqa: ANN401 - JSON is any of them
    """Hold a value against a schema; the keywords that report.schema.json uses, and no others."""
    if "$ref" in schema:
        check(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], where)
        return
    if "anyOf" in schema:
        assert any(_fits(value, one, where) for one in schema["anyOf"]), f"{where} is {value!r}"
        return
    if "type" in schema:
        number = isinstance(value, bool) and schema["type"] != "boolean"
        assert isinstance(value, _TYPES[schema["type"]]), f"{where} is {value!r}, not {schema['type']}"
        assert not number, f"{where} is {value!r}, not {schema['type']}"
    assert value == schema.get("const", value), where
    assert value in schema.get("enum", [value]), f"{where} is {value!r}"
    assert value >= schema["minimum"] if "minimum" in schema else True, f"{where} is {value!r}"
    assert value <= schema["maximum"] if "maximum" in schema else True, f"{where} is {value!r}"
    assert re.search(schema["pattern"], value) if "pattern" in schema else True, f"{where} is {value!r}"
    if isinstance(value, dict):
        assert set(value) == set(schema["required"]), f"{where} has {sorted(value)}"
        for name, part in value.items():
            check(part, schema["properties"][name], f"{where}.{name}")
    if isinstance(value, list):
        for index, part in enumerate(value):
            check(part, schema["items"], f"{where}[{index}]")


def _fits(value: object, schema: dict[str, Any], where: str) -> bool:
    try:
        check(value, schema, where)
    except AssertionError:
        return False
    return True
