"""Parts of a log file, counted as supervisord counts them."""

from __future__ import annotations

import os
from itertools import product
from typing import TYPE_CHECKING

import pytest

from endwell.gateway import files
from endwell.gateway.faults import FaultError
from endwell.model.faults import Fault

if TYPE_CHECKING:
    from pathlib import Path

TEXT = b"0123456789"
NUMBERS = (-(2**20), -21, -11, -10, -9, -1, 0, 1, 4, 9, 10, 11, 21, 2**20)


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "log").write_bytes(TEXT)
    return str(tmp_path / "log")


def test_it_reads_what_supervisord_reads(path: str) -> None:
    options = pytest.importorskip("supervisor.options", exc_type=ImportError)
    for offset, length in product(NUMBERS, NUMBERS):
        try:
            expected = options.readFile(path, offset, length)
        except ValueError as error:
            with pytest.raises(FaultError, match=str(error.args[0])):
                files.read(path, offset, length)
            continue
        assert files.read(path, offset, length) == expected, (offset, length)


def test_it_reads_the_tail_that_supervisord_reads(path: str) -> None:
    options = pytest.importorskip("supervisor.options", exc_type=ImportError)
    for offset, length in product(NUMBERS, NUMBERS):
        text, end, overflow = options.tailFile(path, offset, length)
        assert files.tail(path, offset, length) == (text.encode(), end, overflow), (offset, length)


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [(0, 0, TEXT), (-3, 0, b"789"), (-30, 0, TEXT), (4, 2, b"45"), (8, 5, b"89"), (12, 1, b"")],
)
def test_parts(path: str, offset: int, length: int, expected: bytes) -> None:
    assert files.read(path, offset, length) == expected


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [(0, 4, (b"6789", 10, True)), (6, 4, (b"6789", 10, False)), (10, 4, (b"", 10, False))],
)
def test_tails(path: str, offset: int, length: int, expected: tuple[bytes, int, bool]) -> None:
    assert files.tail(path, offset, length) == expected


def code_of(path: str, offset: int = 0, length: int = 0) -> Fault:
    with pytest.raises(FaultError) as caught:
        files.read(path, offset, length)
    return caught.value.code


def test_what_cannot_be_read(path: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert code_of(path, -1, 1) is Fault.BAD_ARGUMENTS
    assert code_of(path, 0, -1) is Fault.BAD_ARGUMENTS
    assert code_of(f"{path}.none") is Fault.NO_FILE
    assert code_of(str(tmp_path)) is Fault.FAILED
    assert code_of(str(tmp_path / "fifo")) is Fault.FAILED


def test_more_than_memory_is_for_is_not_read_at_once(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(files.LONGEST + 1)
    assert code_of(str(tmp_path / "huge")) is Fault.FAILED
    assert len(files.read(str(tmp_path / "huge"), -10, 0)) == 10
