"""endwell.machine.marks: who has written a line, and when."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, strategies as st

from endwell.machine.marks import Marks
from endwell.model.service import Prefix


def stamp(at: float) -> bytes:
    return b"T%d" % at


def marks(prefix: Prefix, label: str = "web", width: int = 0) -> Marks:
    return Marks(prefix, label, "stdout", stamp, width)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        (Prefix.NONE, b"a\n\nb\n"),
        (Prefix.NAME, b"web | a\nweb | \nweb | b\n"),
        (Prefix.TIME, b"T7 web | a\nT7 web | \nT7 web | b\n"),
    ],
)
def test_each_line_is_marked(prefix: Prefix, expected: bytes) -> None:
    assert marks(prefix).mark(b"a\n\nb\n", 7) == expected


def test_names_stand_in_columns() -> None:
    assert marks(Prefix.NAME, width=5).mark(b"a\n", 0) == b"web   | a\n"


def test_pieces_of_a_long_line_are_lines_that_say_so() -> None:
    one = marks(Prefix.NAME)
    assert [one.mark(data, 0) for data in (b"a\nlo", b"ng", b"er\nb\n", b"c\n")] == [
        b"web | a\nweb | lo\n",
        b"web ~ ng\n",
        b"web ~ er\nweb | b\n",
        b"web | c\n",
    ]


def test_a_piece_that_has_no_successor_is_forgotten() -> None:
    one = marks(Prefix.NAME)
    one.mark(b"lo", 0)
    one.interrupt()
    assert one.mark(b"a\n", 0) == b"web | a\n"


def objects(data: bytes) -> list[dict[str, object]]:
    assert data.endswith(b"\n")
    return [json.loads(line) for line in data.decode().split("\n")[:-1]]


def test_lines_become_json_objects() -> None:
    assert objects(marks(Prefix.JSON).mark(b'a "b" \\n\n\n\tc\r\n', 7)) == [
        {"time": "T7", "service": "web", "stream": "stdout", "message": message}
        for message in ('a "b" \\n', "", "\tc\r")
    ]


def test_in_json_all_pieces_but_the_last_are_partial() -> None:
    one = marks(Prefix.JSON)
    found = [objects(one.mark(data, 0)) for data in (b"a\nlo", b"ng", b"er\nb\n")]
    assert [[(each["message"], each.get("partial")) for each in some] for some in found] == [
        [("a", None), ("lo", True)],
        [("ng", True)],
        [("er", None), ("b", None)],
    ]


@given(st.lists(st.binary().map(lambda data: data.replace(b"\n", b"")), min_size=1), st.booleans())
def test_whatever_bytes_a_line_has_json_has_them_all(lines: list[bytes], partial: bool) -> None:  # noqa: FBT001
    partial = partial and bool(lines[-1])
    data = b"\n".join(lines) + (b"" if partial else b"\n")
    found = objects(marks(Prefix.JSON).mark(data, 0))
    got = [
        base64.b64decode(str(one["base64"])) if "base64" in one else str(one["message"]).encode()
        for one in found
    ]
    assert got == lines
    assert [one.get("partial", False) for one in found] == [False] * (len(lines) - 1) + [partial]


@given(st.text(), st.text())
def test_a_name_and_a_note_may_be_anything(label: str, text: str) -> None:
    one = Marks(Prefix.JSON, label, "stderr", stamp)
    (note,) = objects(one.note(text.replace("\n", ""), 1))
    assert note["endwell"] is True
    assert str(note["message"]).startswith("endwell: ")
    for prefix in Prefix:
        assert Marks(prefix, label, "stderr", stamp).mark(b"x\n", 1).count(b"\n") == 1


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        (Prefix.NONE, b"endwell: web stdout: 3 lines\n"),
        (Prefix.NAME, b"web | endwell: 3 lines\n"),
        (Prefix.TIME, b"T7 web | endwell: 3 lines\n"),
    ],
)
def test_a_note_looks_like_the_lines_around_it(prefix: Prefix, expected: bytes) -> None:
    assert marks(prefix).note("3 lines", 7) == expected
