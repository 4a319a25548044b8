"""endwell.supervise.logs.places: the same place is the same, however it is written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from endwell.model.service import Log, Stream
from endwell.supervise.logs.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """The container's stdout and stderr, which are files here."""
    both = [os.open(tmp_path / name, os.O_WRONLY | os.O_CREAT) for name in ("own-out", "own-err")]
    yield both[0], both[1]
    for one in both:
        os.close(one)


def of(places: Places, path: Path | str, *, temporary: bool = False) -> Stream | str | None:
    return places.of(Log(str(path), temporary=temporary), Stream.STDOUT)


def test_a_file_by_several_names(tmp_path: Path, own: tuple[int, int]) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file-link").symlink_to("real/log")
    (tmp_path / "real" / "log").write_text("")
    places = Places(own)
    names = ("real/log", "link/log", "file-link", "real/../link/./log", "link//log")
    assert {of(places, f"{tmp_path}/{name}") for name in names} == {
        str((tmp_path / "real" / "log").resolve())
    }


def test_what_is_not_there_yet(tmp_path: Path, own: tuple[int, int]) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to("later")
    places = Places(own)
    assert of(places, tmp_path / "link" / "log") == str(tmp_path.resolve() / "log")
    assert of(places, tmp_path / "dangling") == str(tmp_path.resolve() / "later")
    assert of(places, tmp_path / "nowhere" / "log") == str(tmp_path.resolve() / "nowhere" / "log")


def test_a_directory_that_becomes_another_one(tmp_path: Path, own: tuple[int, int]) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    logs = tmp_path / "logs"
    logs.symlink_to("one")
    places = Places(own)
    assert of(places, logs / "log") == str(tmp_path.resolve() / "one" / "log")
    logs.unlink()
    logs.symlink_to("two")
    assert of(places, logs / "log") == str(tmp_path.resolve() / "two" / "log")


def test_a_way_to_the_containers_own_output(tmp_path: Path, own: tuple[int, int]) -> None:
    (tmp_path / "link").symlink_to("own-err")
    places = Places(own)
    assert of(places, tmp_path / "link") is Stream.STDERR
    assert of(places, tmp_path / "own-out") is Stream.STDOUT
    assert of(places, tmp_path / "own-out", temporary=True) == f"{tmp_path}/own-out"
    assert of(places, "") is Stream.STDOUT
    assert places.of(Log(discard=True), Stream.STDERR) is None


def test_both_outputs_are_one(tmp_path: Path, own: tuple[int, int]) -> None:
    places = Places((own[0], own[0]))
    assert places.of(Log(), Stream.STDERR) is Stream.STDOUT
    assert of(places, tmp_path / "own-out") is Stream.STDOUT
