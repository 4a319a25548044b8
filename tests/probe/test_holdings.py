"""What was open at the kill is read from the file itself, when everybody has gone."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from endwell.probe import holdings as module
from endwell.probe.holdings import Holdings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from endwell.model.timeline import OpenFile

PAGE = module.TAIL


@pytest.fixture
def holdings() -> Iterator[Holdings]:
    with Holdings() as made:
        yield made


def look(holdings: Holdings) -> None:
    holdings.look([os.getpid()], os.getpid())


def files(holdings: Holdings, directory: Path) -> dict[str, OpenFile]:
    """Return what is known of the files in a directory: the runner of these tests has others open."""
    (held,) = holdings.settle()
    assert held.pid == 1
    prefix = f"{directory}/"
    return {one.path.removeprefix(prefix): one for one in held.files if one.path.startswith(prefix)}


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        (b"", None),
        (b"\n", True),
        (b"one\ntwo\n", True),
        (b"one\ntw", False),
        (b"x" * 3 * PAGE, False),
        (b"x" * 3 * PAGE + b"\n", True),
        # A NUL byte is in no text; where nobody looks for one, far from the end, it is not found.
        (b"one\0two", None),
        (b"one\0two\n", None),
        (b"\0" + b"x" * (PAGE - 1), None),
        (b"\0" + b"x" * PAGE, False),
    ],
)
def test_whether_the_last_line_is_whole(
    holdings: Holdings, tmp_path: Path, content: bytes, *, whole: bool | None
) -> None:
    with (tmp_path / "file").open("wb") as file:
        look(holdings)
        # What is written after the look counts: it is asked for at the end.
        file.write(content)
    found = files(holdings, tmp_path)["file"]
    assert (found.size, found.whole) == (len(content), whole)


def test_only_what_is_open_for_writing(holdings: Holdings, tmp_path: Path) -> None:
    for name in ("read", "written", "appended", "deleted"):
        (tmp_path / name).write_text(name)
    with (
        (tmp_path / "read").open(),
        (tmp_path / "written").open("r+"),
        (tmp_path / "appended").open("a"),
        (tmp_path / "deleted").open("a"),
    ):
        (tmp_path / "deleted").unlink()
        look(holdings)
    assert set(files(holdings, tmp_path)) == {"written", "appended"}


def test_a_file_that_was_renamed_or_removed_after_the_look_is_still_read(
    holdings: Holdings, tmp_path: Path
) -> None:
    with (tmp_path / "half").open("w") as half, (tmp_path / "gone").open("w") as gone:
        look(holdings)
        (tmp_path / "half").rename(tmp_path / "other")
        (tmp_path / "gone").unlink()
        half.write("ha")
        gone.write("gone\n")
    found = files(holdings, tmp_path)
    assert (found["half"].size, found["half"].whole) == (2, False)
    assert (found["gone"].size, found["gone"].whole) == (5, True)


def test_the_last_look_counts(holdings: Holdings, tmp_path: Path) -> None:
    with (tmp_path / "closed").open("w"):
        look(holdings)
    with (tmp_path / "open").open("w"):
        look(holdings)
    assert set(files(holdings, tmp_path)) == {"open"}


def test_listening_sockets(holdings: Holdings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            look(holdings)
    (held,) = holdings.settle()
    assert f"tcp:{port}" in held.listening


def test_who_has_gone_is_no_error(holdings: Holdings) -> None:
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(child, 0)
    holdings.look([child], child)
    assert holdings.settle() == ()


def test_there_is_a_bound_on_what_is_kept(
    holdings: Holdings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 1)
    before = {one for one in os.listdir("/proc/self/fd") if one.isdecimal()}  # noqa: PTH208  names are enough
    with (tmp_path / "a").open("w"), (tmp_path / "b").open("w"):
        look(holdings)
        look(holdings)
    assert len(files(holdings, tmp_path)) <= 1
    holdings.close()
    assert {one for one in os.listdir("/proc/self/fd") if one.isdecimal()} == before  # noqa: PTH208
