"""endwell.cli.surroundings: this machine, as a file of services is read on it."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import pytest

from endwell.cli.surroundings import surroundings

if TYPE_CHECKING:
    from pathlib import Path


def test_users_and_groups() -> None:
    around = surroundings()
    assert around.user("root") == around.user(0) == (0, 0)
    assert around.group("root") == around.group(0) == 0
    for nobody in ("no such user", 2**70, -7, "a\0b"):
        assert around.user(nobody) is None
        assert around.group(nobody) is None


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_bytes(b"\xc3\xa9\r\n")
    (tmp_path / "b").write_bytes(b"\xff")
    around = surroundings()
    assert around.read("a") == "\u00e9\r\n"
    with pytest.raises(UnicodeError):
        around.read("b")
    with pytest.raises(FileNotFoundError):
        around.read("c")
    assert sorted(around.glob(str(tmp_path / "*"))) == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert (around.is_directory("."), around.is_directory("a")) == (True, False)
    assert (around.directory, around.node, around.uid) == (str(tmp_path), platform.node(), os.getuid())


def test_temporary_files_go_where_python_puts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert surroundings().temporary == str(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert surroundings().temporary is None


def test_a_directory_that_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a deployment that puts another one in its place: files with a whole path can be read."""
    (tmp_path / "old").mkdir()
    (tmp_path / "file").write_text("text")
    monkeypatch.chdir(tmp_path / "old")
    (tmp_path / "old").rmdir()
    around = surroundings()
    assert around.directory == "/"
    assert around.read(f"{tmp_path}/file") == "text"
