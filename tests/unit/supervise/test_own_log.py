"""The supervisor's own log: its form, its levels, and what is left out where nothing can be written."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from endwell.supervise.own_log import Level, OwnLog
from endwell.supervise.voice import Voice

if TYPE_CHECKING:
    from pathlib import Path

AT = 1_700_000_000.25


def test_a_line_has_the_time_the_level_and_the_message(tmp_path: Path) -> None:
    log = OwnLog(str(tmp_path / "log"), wall=lambda: AT)
    log.write(Level.WARN, "something")
    log.write(Level.INFO, "something else")
    first, second = (tmp_path / "log").read_text().splitlines()
    assert re.fullmatch(r"2023-11-1\d \d\d:\d\d:20,250 WARN something", first)
    assert second.endswith("20,250 INFO something else")


@pytest.mark.parametrize("level", list(Level))
def test_lines_that_matter_less_are_left_out(tmp_path: Path, level: Level) -> None:
    log = OwnLog(str(tmp_path / "log"), level, wall=lambda: AT)
    for one in Level:
        log.write(one, "x")
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.split()[2] for line in lines] == [one.name for one in Level if one >= level]


def test_lines_go_to_voices_too() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as end:
        log = OwnLog("", voices=(Voice(writing, ""),), wall=lambda: AT)
        log.open()
        log.write(Level.INFO, "hello")
        log.reopen()
        log.clear()
        log.close()
        os.close(writing)
        assert end.read().endswith(b" INFO hello\n")


def test_a_file_that_cannot_be_opened_is_given_up(tmp_path: Path) -> None:
    log = OwnLog(str(tmp_path), wall=lambda: AT)
    with pytest.raises(IsADirectoryError):
        log.open()
    log.write(Level.INFO, "nobody hears it")
    assert not log.path


def test_what_a_full_disk_does_not_take_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = OwnLog(str(tmp_path / "log"), wall=lambda: AT)
    log.open()

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        log.write(Level.INFO, "one")
        log.write(Level.INFO, "two")
    log.write(Level.INFO, "three")
    log.write(Level.INFO, "four")
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.split(" INFO ")[1] for line in lines] == [
        "three (2 lines before this one were left out)",
        "four",
    ]


def test_reopened_it_writes_to_the_file_that_has_the_name_now(tmp_path: Path) -> None:
    log = OwnLog(str(tmp_path / "log"), wall=lambda: AT)
    log.write(Level.INFO, "before")
    (tmp_path / "log").rename(tmp_path / "aside")
    log.reopen()
    log.write(Level.INFO, "after")
    assert "before" in (tmp_path / "aside").read_text()
    assert "after" in (tmp_path / "log").read_text()
    log.clear()
    assert not (tmp_path / "log").read_text()
