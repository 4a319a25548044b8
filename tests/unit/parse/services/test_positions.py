"""endwell.parse.services.positions and nodes: where everything stands, held against tomllib."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, reject, settings

from endwell.parse.problems import Report
from endwell.parse.services.nodes import read_nodes
from endwell.parse.services.positions import positions
from tests.unit.parse.services.documents import documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.parse.services.positions import Path


def leaves(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Go through everything in a document, tables and arrays before what is in them."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(one, (*path, name))
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from leaves(one, (*path, at))


@settings(max_examples=500, suppress_health_check=[HealthCheck.filter_too_much])
@given(documents)
@example('a = """x"""""\nb = \'\'\'\'\'\'\n')
@example("[[a]]\nb.c = 1\n[[a]]\n[a.d]\ne = [[1], [{f = 2}]]\n")
@example("[a.b]\nc = 1\n[a]\nd = 2\n")
def test_every_path_and_every_value_is_found(text: str) -> None:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        reject()
    spans = positions(text)
    there = dict(leaves(values))
    assert set(spans) == set(there)
    for path, span in spans.items():
        before = text[: span.start]
        assert 1 <= span.line <= before.count("\n") + 1
        written = text[span.start : span.end]
        header = written.startswith("[") and isinstance(path[-1], str) and isinstance(there[path], dict)
        if written and not header and not _is_table_of_array(there, path, written):
            assert repr(tomllib.loads(f"x = {written}\n")["x"]) == repr(there[path])


def _is_table_of_array(there: dict[Path, object], path: Path, written: str) -> bool:
    """Whether this is what a [[header]] makes: an array of tables, or one of them."""
    value = there[path]
    return written.startswith("[[") and (
        isinstance(value, dict) or (isinstance(value, list) and all(isinstance(one, dict) for one in value))
    )


def test_lines_are_those_of_keys_and_of_items() -> None:
    text = '\n# x\n[a]\nb = """\n\n"""\nc = [\n  1, # one\n\n  2]\n[[d.e]]\n[[d.e]]\n"f.g".h = {i = 1}\n'
    lines = {path: span.line for path, span in positions(text).items()}
    assert lines == {
        ("a",): 3,
        ("a", "b"): 4,
        ("a", "c"): 7,
        ("a", "c", 0): 8,
        ("a", "c", 1): 10,
        ("d",): 11,
        ("d", "e"): 11,
        ("d", "e", 0): 11,
        ("d", "e", 1): 12,
        ("d", "e", 1, "f.g"): 13,
        ("d", "e", 1, "f.g", "h"): 13,
        ("d", "e", 1, "f.g", "h", "i"): 13,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\nb = \n", "2: is not TOML here: invalid value; correct this line"),
        (
            "a = 1\n[b",
            "2: is not TOML here: expected ']' at the end of a table declaration; correct this line",
        ),
        ("[services.a]\n[services.b]\n[services.a]\n", "3: is not TOML here: cannot declare"),
        ("a = 1\r\na = 2\r\n", "2: is not TOML here: cannot overwrite a value; correct this line"),
        ("a = " + "[" * 100_000, "1: is nested too deep"),
    ],
)
def test_what_is_no_toml(text: str, message: str) -> None:
    report = Report()
    assert read_nodes(text, "f", report) is None
    (problem,) = report.errors
    assert str(problem).startswith(f"f:{message}")


def test_nodes_know_their_place_and_their_name() -> None:
    root = read_nodes('\ufeff[a]\r\n"b c" = [1, {d = 2}]\r\n', "f", Report())
    assert root
    node = root.table["a"].table["b c"]
    assert (str(node.place), node.key, node.kind) == ("f:2", 'a."b c"', "a list")
    assert node.value[1].table["d"].shown == 'a."b c".d = 2'


def test_a_table_is_put_over_another_key_by_key() -> None:
    root = read_nodes("[a]\nx = 1\nt = {p = 1}\n[b]\nx = 2\ny = 3\nt = {q = 2}\n", "f", Report())
    assert root
    both = root.table["a"].over(root.table["b"])
    assert {name: one.value for name, one in both.table.items() if name != "t"} == {"x": 1, "y": 3}
    assert {name: one.value for name, one in both.table["t"].table.items()} == {"q": 2, "p": 1}
    assert both.table["y"].key == "b.y"
