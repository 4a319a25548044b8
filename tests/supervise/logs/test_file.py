"""endwell.supervise.logs.file and compressor: put aside in order, and nothing lost when that fails."""

from __future__ import annotations

import errno
import gzip
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from endwell.model.service import Log, Prefix, Rotation
from endwell.supervise.logs.compressor import Compressor
from endwell.supervise.logs.file import LogFile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.supervise.logs.rig import Rig

DAY = 86400.0


class World:
    """A directory, a clock, and what was said."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "log"
        self.time = 1_800_000_000.0
        self.said: list[str] = []
        self.compressor = Compressor()

    def file(self, rotation: Rotation, **more: Any) -> LogFile:  # noqa: ANN401  whatever LogFile takes
        clock, say = (lambda: self.time), self.said.append
        return LogFile(str(self.path), rotation, clock, self.compressor, say, zone=lambda _: 0.0, **more)

    def packed(self) -> None:
        """Wait until nothing is being compressed."""
        limit = time.monotonic() + 20
        while self.compressor.busy:
            assert time.monotonic() < limit

    def names(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir())

    def read(self, name: str) -> bytes:
        data = (self.directory / name).read_bytes()
        return gzip.decompress(data) if name.endswith(".gz") else data


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def put(file: LogFile, data: bytes) -> None:
    begin = 0
    while begin < len(data):
        begin = file.write(data, begin)


def test_by_size(world: World) -> None:
    file = world.file(Rotation(size=8, keep=2))
    for number in range(9):
        put(file, b"%d..\n" % number)
    assert world.names() == ["log", "log.1", "log.2"]
    assert [world.read(name) for name in world.names()] == [b"8..\n", b"6..\n7..\n", b"4..\n5..\n"]
    file.close()


def test_what_is_there_already_counts(world: World) -> None:
    world.path.write_bytes(b"old.....\n")
    file = world.file(Rotation(size=8))
    put(file, b"new\n")
    assert (world.read("log.1"), world.read("log")) == (b"old.....\n", b"new\n")
    file.close()


def test_none_are_kept(world: World) -> None:
    file = world.file(Rotation(size=8, keep=0))
    for number in range(9):
        put(file, b"%d..\n" % number)
    assert world.names() == ["log"]
    assert world.read("log") == b"8..\n"
    file.close()


def test_by_time_at_midnight_and_only_if_something_is_written(world: World) -> None:
    file = world.file(Rotation(every=DAY))
    put(file, b"monday\n")
    world.time += 3 * DAY
    put(file, b"thursday\n")
    put(file, b"too\n")
    assert [world.read(name) for name in ("log", "log.1")] == [b"thursday\ntoo\n", b"monday\n"]
    world.time -= 3 * DAY
    put(file, b"clock put back\n")
    assert world.names() == ["log", "log.1"]
    file.close()


def test_a_file_of_yesterday_is_put_aside_at_the_first_line_of_today(world: World) -> None:
    world.path.write_bytes(b"yesterday\n")
    os.utime(world.path, (world.time - DAY, world.time - DAY))
    file = world.file(Rotation(every=DAY))
    put(file, b"today\n")
    assert world.read("log.1") == b"yesterday\n"
    file.close()


def test_those_put_aside_are_compressed(world: World) -> None:
    file = world.file(Rotation(size=8, keep=3, compress=True))
    world.path.touch(mode=0o640)
    for number in range(9):
        put(file, b"%d..\n" % number)
        world.packed()
    assert world.names() == ["log", "log.1.gz", "log.2.gz", "log.3.gz"]
    assert [world.read(name) for name in world.names()] == [
        b"8..\n",
        b"6..\n7..\n",
        b"4..\n5..\n",
        b"2..\n3..\n",
    ]
    assert (world.directory / "log.1.gz").stat().st_mode == (world.directory / "log").stat().st_mode
    file.close()


def test_names_may_change_while_one_is_compressed(world: World) -> None:
    file = world.file(Rotation(size=8, keep=100, compress=True))
    for number in range(80):
        put(file, b"%02d.\n" % number)
    world.packed()
    assert not world.said
    assert [name for name in world.names() if name != "log"] == sorted(f"log.{n}.gz" for n in range(1, 40))
    packed = b"".join(world.read(f"log.{number}.gz") for number in range(39, 0, -1))
    assert packed + world.read("log") == b"".join(b"%02d.\n" % number for number in range(80))
    file.close()


def test_what_a_dead_supervisor_left_half_compressed_is_removed(world: World) -> None:
    (world.directory / "log.compressing").write_bytes(b"half")
    (world.directory / "log.1").write_bytes(b"not packed\n")
    file = world.file(Rotation(size=8, keep=3, compress=True))
    put(file, b"1......\n")
    assert "log.compressing" not in world.names()
    put(file, b"2......\n")
    world.packed()
    assert world.names() == ["log", "log.1.gz", "log.2.gz"]
    file.close()


def test_a_compressor_that_is_closed_leaves_no_half_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed while the thread is in the middle of a file."""
    fchmod = os.fchmod

    def close_first(descriptor: int, mode: int) -> None:
        world.compressor.close()
        fchmod(descriptor, mode)

    monkeypatch.setattr(os, "fchmod", close_first)
    file = world.file(Rotation(size=8, keep=3, compress=True))
    for number in range(4):
        put(file, b"%d..\n" % number)
    world.packed()
    assert world.names() == ["log", "log.1"]
    file.close()


def test_one_that_cannot_be_put_aside_goes_on_growing_and_is_tried_again_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = world.file(Rotation(size=8, keep=2))

    def refuse(*_: object) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", refuse)
        for number in range(4):
            put(file, b"%d..\n" % number)
    assert world.said == [f"cannot put {world.path} aside: Device or resource busy; it goes on growing"]
    put(file, b"4..\n")
    put(file, b"5..\n")
    assert world.read("log.1") == b"0..\n1..\n2..\n3..\n"
    assert world.read("log") == b"4..\n5..\n"
    file.close()


def test_one_that_others_have_emptied_is_as_small_as_it_is(world: World) -> None:
    file = world.file(Rotation(size=8, keep=2))
    put(file, b"0..\n1..\n")
    os.truncate(world.path, 0)
    put(file, b"2..\n")
    assert world.names() == ["log"]
    file.close()


def test_where_a_line_was_left_open_is_known(world: World) -> None:
    world.path.write_bytes(b"cut")
    file = world.file(Rotation())
    file.open()
    assert file.within
    file.close()


def test_a_fifo_without_a_reader_is_no_reason_to_wait(world: World) -> None:
    os.mkfifo(world.path)
    file = world.file(Rotation(size=8))
    begin, data = 0, b"x" * 1_000_000
    while (end := file.write(data, begin)) > begin:
        begin = end
    assert 0 < begin < len(data)
    file.close()


LINES = st.lists(st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"") + b"\n"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.integers(1, 60), st.lists(st.integers(1, 9)), st.lists(st.integers(1, 9)))
def test_joined_the_files_are_what_was_written(  # noqa: PLR0917  hypothesis and pytest share them
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    lines: list[bytes],
    limit: int,
    pieces: list[int],
    shorts: list[int],
) -> None:
    """Whatever the pieces it is given in, and however little of each a write takes."""
    world = World(tmp_path_factory.mktemp("logs"))
    write, short = os.write, iter(shorts)
    file = world.file(Rotation(size=limit, keep=200))
    text, begin = b"".join(lines), 0
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: write(fd, data[: next(short, len(data))]))
        for size in [*pieces, len(text)]:
            put(file, text[begin : begin + size])
            begin += size
    file.close()
    names = sorted(world.names(), key=lambda name: -int(name[4:] or 0))
    files = [world.read(name) for name in names]
    assert b"".join(files) == text
    for one in files:
        assert one.endswith(b"\n") or not text
        assert one.rfind(b"\n", 0, -1) < limit  # beyond it is only the end of a line that was begun


# ------------------------------------------------------------------------------------------- with a full disk


def test_a_service_goes_on_while_the_disk_is_full(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    outlets = rig.open(Log(str(path), Prefix.NONE))
    os.set_blocking(outlets.stdout, False)
    write, full = os.write, [False]

    def sometimes(descriptor: int, data: bytes) -> int:
        if full[0] and descriptor != outlets.stdout:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", sometimes)
    os.write(outlets.stdout, b"before\n")
    rig.until(lambda: path.read_bytes() == b"before\n")
    full[0] = True
    for _ in range(100):
        os.write(outlets.stdout, b"0123456789\n" * 1000)
        rig.settle()
    full[0] = False
    rig.until(lambda: path.stat().st_size > 10)
    os.write(outlets.stdout, b"after\n")
    rig.until(lambda: path.read_bytes().endswith(b"after\n"))
    shown = path.read_bytes().count(b"0123456789\n")
    lost = 100_000 - shown
    told = f"{lost} lines ({lost * 11} bytes) dropped: No space left on device\nafter\n"
    assert path.read_bytes().endswith(told.encode())
    assert rig.said == [
        f"cannot write to {path}: No space left on device; lines are dropped and counted until it can be",
        f"{path} can be written to again",
    ]
    assert rig.watcher.alarm is None
    outlets.close()


def test_a_disk_that_is_full_at_the_start_is_no_failed_start(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        outlets = rig.open(Log(str(tmp_path / "log")))
        os.write(outlets.stdout, b"one\n")
        rig.until(lambda: rig.said)
    rig.until(lambda: (tmp_path / "log").exists() and (tmp_path / "log").read_bytes() == b"one\n")
    outlets.close()


def test_a_device_that_is_always_full_is_accounted_for(rig: Rig) -> None:
    outlets = rig.open(Log("/dev/full"))
    os.write(outlets.stdout, b"one\ntwo\n")
    outlets.close()
    outlets.ended()
    rig.capture.finish()
    assert rig.capture.close() == ("web stdout: 2 lines (8 bytes) dropped: No space left on device",)
