"""endwell.supervise.control.history and marked: log files with those before, and what their lines say."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from endwell.machine.marks import Marks
from endwell.model.service import Prefix
from endwell.supervise.control.history import History
from endwell.supervise.control.marked import unmarked
from endwell.supervise.logs.stamp import Stamp

if TYPE_CHECKING:
    from pathlib import Path

lines = st.lists(st.binary(max_size=8).map(lambda one: one.replace(b"\n", b"")), max_size=30)


def write(directory: Path, texts: list[bytes], cuts: list[int], compressed: set[int]) -> str:
    """Write lines to a file and those before it; only the newest may end within a line."""
    path = directory / "log"
    for old in directory.iterdir():
        old.unlink()
    files = [texts[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(texts)], strict=True)]
    for number, part in enumerate(reversed(files)):
        data = b"".join(text + b"\n" for text in part)
        name = f"log.{number}" if number else "log"
        if number in compressed and number:
            (directory / f"{name}.gz").write_bytes(gzip.compress(data))
        else:
            (directory / name).write_bytes(data)
    return str(path)


def read(path: str, tail: int | None, *, whole: bool = False) -> list[bytes]:
    return [text for part in History(path).lines(tail, whole=whole) for text in part]


@given(
    texts=lines,
    cuts=st.lists(st.integers(0, 30), max_size=4),
    compressed=st.sets(st.integers(1, 4)),
    tail=st.integers(0, 35),
    rest=st.binary(),
)
def test_lines_are_those_of_all_files_in_their_order(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    texts: list[bytes],
    cuts: list[int],
    compressed: set[int],
    tail: int,
    rest: bytes,
) -> None:
    directory = tmp_path_factory.mktemp("history")
    path = write(directory, texts, sorted(min(cut, len(texts)) for cut in cuts), compressed)
    assert read(path, None) == texts
    assert read(path, tail) == texts[max(len(texts) - tail, 0) :]
    rest = rest.replace(b"\n", b"")
    if rest:
        with open(path, "ab") as file:  # noqa: PTH123  appended to
            file.write(rest)
        assert read(path, None) == [*texts, rest]
        assert read(path, None, whole=True) == texts
        everything = [*texts, rest]
        assert read(path, tail) == everything[max(len(everything) - tail, 0) :]


def test_what_is_put_aside_meanwhile_is_read_once(tmp_path: Path) -> None:
    texts = [b"%d" % number for number in range(50_000)]
    path = write(tmp_path, texts, [20_000], set())
    parts = History(path).lines(None, whole=False)
    found = list(next(parts))
    (tmp_path / "log.1").rename(tmp_path / "log.2")
    (tmp_path / "log").rename(tmp_path / "log.1")
    (tmp_path / "log").write_bytes(b"new\n")
    found += [text for part in parts for text in part]
    assert found == texts


def test_each_step_is_small(tmp_path: Path) -> None:
    path = write(tmp_path, [b"x" * 99] * 100_000, [], set())
    sizes = [sum(map(len, part)) for part in History(path).lines(100_000, whole=False)]
    assert max(sizes) <= 64 * 1024
    assert sum(sizes) == 99 * 100_000


def test_old_files_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, [b"old", b"new"], [1], set())
    os.utime(tmp_path / "log.1", (100, 100))
    os.utime(tmp_path / "log", (200, 200))
    assert [text for part in History(path, 150.0).lines(None, whole=False) for text in part] == [b"new"]


def test_what_is_no_file_has_no_lines(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    assert read(str(tmp_path / "log"), None) == []
    assert read(str(tmp_path / "nothing"), 5) == []
    assert read(str(tmp_path), None) == []
    assert read("/dev/null", None) == []


def test_nothing_is_left_open(tmp_path: Path) -> None:
    path = write(tmp_path, [b"%d" % number for number in range(9)], [3, 6], {1})
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  how many
    history = History(path)
    next(history.lines(2, whole=False))
    history.close()
    read(path, 1)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208  likewise


@given(
    st.sampled_from((Prefix.TIME, Prefix.JSON)),
    st.binary().map(lambda one: one.replace(b"\n", b"")),
    st.integers(0, 4_000_000_000_000),
    st.text(st.characters(categories=("L", "N"), include_characters="-_:"), min_size=1, max_size=12),
    st.integers(0, 12),
)
def test_what_was_marked_can_be_read(prefix: Prefix, text: bytes, at: int, label: str, width: int) -> None:
    marks = Marks(prefix, label, "stderr", Stamp(), width)
    (line,) = marks.mark(text + b"\n", at / 1000).split(b"\n")[:-1]
    found = unmarked(line, "stderr")
    assert found.text == text
    assert found.stream == "stderr"
    assert found.time is not None
    assert abs(found.time - at / 1000) < 0.0011


@given(st.binary().map(lambda one: one.replace(b"\n", b"")))
def test_other_lines_are_returned_as_they_are(text: bytes) -> None:
    assert unmarked(text, "stdout").text == text


@pytest.mark.parametrize(
    "text",
    [
        b'{"time":"',
        b'{"time":"x","message":1}',
        b'{"time":"2026-11-21T15:40:30.123Z"}',
        b'{"time":"","message":""}',
    ],
)
def test_objects_that_are_none_of_ours(text: bytes) -> None:
    assert unmarked(text, "stdout") == (None, "stdout", text)
