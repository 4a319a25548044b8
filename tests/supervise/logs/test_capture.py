"""endwell.supervise.logs.capture: from the pipes of services to where their lines belong."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings, strategies as st

from endwell.model.readiness import Means, Readiness
from endwell.model.service import Log, Prefix, Rotation, ServiceSpec, Stream, WhenBlocked
from tests.supervise.logs.rig import Rig, fill, spec

if TYPE_CHECKING:
    from endwell.supervise.streams import Outlets, Streams

RAW = Log(prefix=Prefix.NONE)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_lines_come_out_with_the_name_of_the_service(rig: Rig) -> None:
    outlets = rig.open(Log(), "web", Log())
    os.write(outlets.stdout, b"one\ntw")
    os.write(outlets.stderr, b"bad\n")
    rig.until(lambda: rig.hear() == b"web | one\n" and rig.hear(rig.err) == b"web | bad\n")
    os.write(outlets.stdout, b"o\n")
    rig.until(lambda: rig.hear() == b"web | one\nweb | two\n")
    outlets.close()
    rig.until(lambda: rig.capture.empty)


def test_it_is_what_the_supervisor_asks_for(rig: Rig) -> None:
    streams: Streams = rig.capture
    outlets: Outlets = streams.open(spec(Log()))
    assert outlets.stdout != outlets.stderr or streams.empty is False
    outlets.close()


def test_files_that_nobody_uses_any_more_are_closed(rig: Rig, tmp_path: Path) -> None:
    one = spec(Log(str(tmp_path / "log")))
    rig.capture.open(one).close()
    rig.until(lambda: rig.capture.empty)
    before = descriptors()
    rig.capture.expect([one])
    assert descriptors() == before
    rig.capture.expect([])
    assert descriptors() == before - 1


def test_names_stand_in_columns_when_they_are_known(rig: Rig) -> None:
    rig.capture.expect([spec(Log()), spec(Log(), "database")])
    outlets = rig.open()
    os.write(outlets.stdout, b"one\n")
    rig.until(lambda: rig.hear() == b"web      | one\n")
    outlets.close()


def test_json_says_when_and_from_where(rig: Rig) -> None:
    outlets = rig.open(Log(prefix=Prefix.JSON), "web", Log(prefix=Prefix.JSON, stream=Stream.STDOUT))
    os.write(outlets.stderr, b"a\n")
    rig.until(rig.hear)
    assert json.loads(rig.hear()) == {
        "time": "2027-01-15T08:00:00.000Z",
        "service": "web",
        "stream": "stderr",
        "message": "a",
    }
    outlets.close()


def test_a_service_that_is_alone_is_heard_before_its_line_is_complete(rig: Rig) -> None:
    outlets = rig.open(RAW)
    os.write(outlets.stdout, b"Password: ")
    rig.until(lambda: rig.hear() == b"Password: ")
    outlets.close()
    rig.until(lambda: rig.hear() == b"Password: \n")


def test_one_of_several_is_heard_line_by_line(rig: Rig) -> None:
    rig.capture.expect([spec(RAW), spec(RAW, "db")])
    web, db = rig.open(RAW), rig.open(RAW, "db")
    os.write(web.stdout, b"one ")
    rig.settle()
    os.write(db.stdout, b"two\n")
    rig.until(lambda: rig.hear() == b"two\n")
    os.write(web.stdout, b"and\n")
    rig.until(lambda: rig.hear() == b"two\none and\n")
    web.close()
    db.close()


def test_the_last_line_is_completed_when_the_process_ends_though_another_holds_the_pipe(rig: Rig) -> None:
    outlets = rig.open()
    grandchild = os.dup(outlets.stdout)
    os.write(outlets.stdout, b"last words")
    outlets.close()
    outlets.ended()
    assert rig.hear() == b"web | last words\n"
    os.write(grandchild, b"still here\n")
    rig.until(lambda: rig.hear().endswith(b"web | still here\n"))
    os.close(grandchild)
    rig.until(lambda: rig.capture.empty)


def test_both_streams_may_go_together_or_nowhere(rig: Rig) -> None:
    together = rig.open(Log())
    assert together.stderr == together.stdout
    nowhere = rig.open(Log(discard=True), "db", Log(discard=True))
    os.write(nowhere.stdout, b"x" * 1_000_000)
    assert os.fstat(nowhere.stderr).st_rdev == Path(os.devnull).stat().st_rdev
    together.close()
    nowhere.close()
    rig.settle()
    assert rig.hear() == b""


def test_others_can_listen(rig: Rig) -> None:
    outlets = rig.open(Log(), "web", Log())
    seen: list[tuple[str, bytes]] = []
    outlets.watch(lambda stream, data: seen.append((stream, data)))
    os.write(outlets.stdout, b"rea")
    rig.until(lambda: seen == [("stdout", b"rea")])
    os.write(outlets.stderr, b"dy")
    rig.until(lambda: seen[1:] == [("stderr", b"dy")])
    outlets.close()


def test_readiness_is_heard_of_one_whose_output_goes_nowhere(rig: Rig) -> None:
    quiet = ServiceSpec(
        name="web", command=("x",), stdout=Log(discard=True), ready=Readiness(Means.LOG, "up")
    )
    outlets = rig.capture.open(quiet)
    seen: list[bytes] = []
    outlets.watch(lambda _, data: seen.append(data))
    os.write(outlets.stdout, b"up\n")
    rig.until(lambda: seen == [b"up\n"])
    outlets.close()


def test_what_a_process_gets_is_none_of_the_first_three(rig: Rig) -> None:
    saved = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 100)
    os.close(0)
    try:
        outlets = rig.open(Log(), "web", Log(discard=True))
        assert min(outlets.stdout, outlets.stderr) > 2
        assert not os.get_inheritable(outlets.stdout)
        assert os.get_blocking(outlets.stdout)
        outlets.close()
    finally:
        rig.capture.close()  # it may have been given 0 meanwhile, which is stdin again from here on
        os.dup2(saved, 0)
        os.close(saved)


# ------------------------------------------------------------------------------------ nobody reads our output


def test_a_blocked_stdout_makes_the_writer_wait_and_nobody_else(rig: Rig, tmp_path: Path) -> None:
    fill(rig.stdout)
    web, db = rig.open(), rig.open(Log(str(tmp_path / "db")), "db")
    os.set_blocking(web.stdout, False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 1_000_000:
            sent += os.write(web.stdout, b"0123456789\n" * 300)
            rig.settle()
    assert sent < 1_000_000
    os.write(db.stdout, b"fine\n")
    rig.until(lambda: (tmp_path / "db").read_bytes() == b"fine\n")
    web.close()
    whole = sent // 11
    rig.until(lambda: rig.hear().count(b"web | 0123456789\n") == whole)
    db.close()
    rig.until(lambda: rig.hear() and rig.capture.empty)
    assert b"dropped" not in rig.hear()


def test_with_drop_the_writer_never_waits_and_a_line_says_what_is_missing(rig: Rig) -> None:
    fill(rig.stdout)
    outlets = rig.open(Log(when_blocked=WhenBlocked.DROP))
    os.set_blocking(outlets.stdout, False)
    lines = 0
    for _ in range(300):
        os.write(outlets.stdout, b"0123456789\n" * 300)
        lines += 300
        rig.settle()
    outlets.close()
    rig.until(lambda: rig.hear() and rig.capture.empty)
    shown = rig.hear().count(b"web | 0123456789\n")
    assert 0 < shown < lines
    missing = lines - shown
    told = b"web | endwell: %d lines (%d bytes) dropped: nobody has read them\n" % (missing, missing * 11)
    assert told in rig.hear()
    assert rig.capture.close() == ()


def test_stdout_itself_is_not_touched(rig: Rig) -> None:
    outlets = rig.open()
    os.write(outlets.stdout, b"x\n")
    rig.until(rig.hear)
    assert os.get_blocking(rig.stdout)
    outlets.close()


def test_the_end_waits_for_a_slow_reader_but_not_for_one_who_does_not_read(rig: Rig) -> None:
    fill(rig.stdout)
    outlets = rig.open()
    os.write(outlets.stdout, b"x" * 59_999 + b"\n")
    outlets.close()
    rig.capture.finish()
    first = rig.watcher.alarm
    assert first is not None
    os.read(rig.out, 8192)
    rig.until(rig.capture._taken)
    over = []
    for tick in (first, first + 1):
        assert rig.watcher.alarm == tick
        rig.capture.tick(tick)
        over.append(rig.capture.empty)
    assert over == [False, True]
    (told,) = rig.capture.close()
    assert told.endswith("dropped: nobody has taken them in time")


def test_what_could_not_be_written_in_time_is_told(rig: Rig) -> None:
    fill(rig.stdout)
    outlets = rig.open()
    os.write(outlets.stdout, b"one\ntwo\nthr")
    outlets.close()
    outlets.ended()
    rig.capture.finish()
    assert not rig.capture.empty
    assert rig.capture.close() == ("web stdout: 3 lines (12 bytes) dropped: nobody has taken them in time",)


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from([Prefix.NONE, Prefix.NAME]),
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 3000), st.integers(0, 5000)), max_size=60),
)
def test_whatever_the_pieces_lines_are_whole_and_in_order(
    prefix: Prefix, steps: list[tuple[int, int, int]]
) -> None:
    """Two services, written and read in whatever pieces, with a stdout that is blocked again and again."""
    rig = Rig()
    log = Log(prefix=prefix)
    rig.capture.expect([spec(log, "s0"), spec(log, "s1")])
    both = [rig.open(log, "s0"), rig.open(log, "s1")]
    texts = [
        b"".join(b"%b%d:%b\n" % (letter, n, b"x" * (n * 37 % 200)) for n in range(2000))
        for letter in (b"a", b"b")
    ]
    done = [0, 0]
    fill(rig.stdout)
    for outlets in both:
        os.set_blocking(outlets.stdout, False)
    for which, size, read in steps:
        with contextlib.suppress(BlockingIOError):
            done[which] += os.write(both[which].stdout, texts[which][done[which] : done[which] + size * 20])
        rig.settle(3)
        if read:
            with contextlib.suppress(BlockingIOError):
                rig.heard[rig.out] += os.read(rig.out, read * 10)
            rig.settle(3)
    for outlets in both:
        outlets.close()
    rig.until(lambda: rig.hear() is not None and rig.capture.empty)
    seen = [line.rpartition(b"| ")[2] for line in rig.hear().split(b"\n")]
    for text, size in zip(texts, done, strict=True):
        expected = [line for line in text[:size].split(b"\n") if line]
        assert [line for line in seen if line[:1] == text[:1]] == expected
    rig.close()


def test_what_is_still_in_the_pipes_at_the_end_is_read(rig: Rig) -> None:
    outlets = rig.open()
    left_behind = os.dup(outlets.stdout)
    os.write(outlets.stdout, b"one\ntwo")
    outlets.close()
    rig.capture.finish()
    assert rig.capture.empty
    assert rig.hear() == b"web | one\nweb | two\n"
    os.close(left_behind)


def test_one_that_ends_again_and_again_fills_nothing(rig: Rig) -> None:
    fill(rig.stdout)
    before = descriptors()
    for number in range(100):
        outlets = rig.open()
        os.write(outlets.stdout, b"%d" % number + b"x" * 60_000 + b"\n")
        outlets.close()
        outlets.ended()
        rig.settle()
    assert descriptors() < before + 20
    rig.until(lambda: rig.hear() and rig.capture.empty)
    shown = rig.hear().count(b"x\n")
    (line,) = [one for one in rig.hear().split(b"\n") if b"dropped" in one]
    assert b"endwell: %d lines" % (100 - shown) in line


def test_a_reader_that_is_gone_stops_nobody(rig: Rig) -> None:
    outlets = rig.open()
    os.close(rig.out)
    for _ in range(50):
        os.write(outlets.stdout, b"0123456789\n" * 1000)
        rig.settle()
    outlets.close()
    rig.until(lambda: rig.capture.empty)
    said = "cannot write to the container's stdout: Broken pipe; what goes there is dropped and counted"
    assert rig.said == [said]
    (told,) = rig.capture.close()
    assert told == "web stdout: 50000 lines (550000 bytes) dropped: Broken pipe"
    rig.out = os.dup(rig.err)


# ------------------------------------------------------------------------------------------------------ files


def test_a_link_to_stdout_is_stdout(rig: Rig, tmp_path: Path) -> None:
    link = tmp_path / "log"
    link.symlink_to(f"/proc/self/fd/{rig.stdout}")
    outlets = rig.open(Log(str(link)))
    os.write(outlets.stdout, b"one\n")
    rig.until(lambda: rig.hear() == b"web | one\n")
    outlets.close()


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/1/fd/1"])
def test_the_names_of_stdout(rig: Rig, path: str) -> None:
    outlets = rig.open(Log(path, Prefix.NONE), "web", Log(path, Prefix.NONE))
    os.write(outlets.stderr, b"one\n")
    rig.until(lambda: rig.hear() == b"one\n")
    outlets.close()


def test_two_replicas_share_a_file_and_put_it_aside_once(rig: Rig, tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"), rotation=Rotation(size=1000, keep=1000))
    rig.capture.expect([spec(log), spec(log, "db")])
    one, two = rig.open(log), rig.open(log, "db")
    for number in range(300):
        os.write(one.stdout, b"one %d\n" % number)
        os.write(two.stdout, b"two %d\n" % number)
        rig.settle()
    one.close()
    two.close()
    rig.until(lambda: rig.capture.empty)
    files = sorted(tmp_path.iterdir(), key=lambda path: -int(path.suffix[1:] or 0))
    assert all(file.stat().st_size <= 1000 and file.read_bytes().endswith(b"\n") for file in files)
    lines = b"".join(file.read_bytes() for file in files).split(b"\n")
    for name in (b"one", b"two"):
        assert [line for line in lines if line.startswith(name)] == [b"%b %d" % (name, n) for n in range(300)]


def test_a_log_that_cannot_be_opened_is_a_failed_start(rig: Rig, tmp_path: Path) -> None:
    before = descriptors()
    with pytest.raises(FileNotFoundError) as caught:
        rig.open(Log(), "web", Log(str(tmp_path / "no" / "log")))
    assert caught.value.filename == str(tmp_path / "no" / "log")
    rig.settle()
    assert descriptors() <= before + 1  # what stdout was opened for stays


def test_files_are_opened_anew_and_emptied(rig: Rig, tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = Log(str(path))
    outlets = rig.open(log)
    os.write(outlets.stdout, b"one\n")
    rig.until(lambda: path.read_bytes() == b"one\n")
    path.rename(tmp_path / "old")
    rig.capture.reopen()
    os.write(outlets.stdout, b"two\n")
    rig.until(lambda: path.exists() and path.read_bytes() == b"two\n")
    rig.capture.clear(spec(log))
    assert path.read_bytes() == b""
    os.write(outlets.stdout, b"three\n")
    rig.until(lambda: path.read_bytes() == b"three\n")
    assert (tmp_path / "old").read_bytes() == b"one\n"
    assert rig.capture.paths(spec(log)) == (str(path), None)
    outlets.close()


def test_a_temporary_file_begins_empty_and_is_nobody_elses(rig: Rig, tmp_path: Path) -> None:
    precious, path = tmp_path / "precious", tmp_path / "log"
    precious.write_text("precious")
    path.symlink_to(precious)
    outlets = rig.open(Log(str(path), temporary=True))
    os.write(outlets.stdout, b"one\n")
    rig.until(lambda: path.read_bytes() == b"one\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert precious.read_text() == "precious"
    outlets.close()


def test_colors_are_left_out(rig: Rig) -> None:
    outlets = rig.open(Log(strip_ansi=True))
    os.write(outlets.stdout, b"\x1b[31mred\x1b[0m\n")
    rig.until(lambda: rig.hear() == b"web | red\n")
    outlets.close()


def test_a_real_process_loses_nothing(rig: Rig, tmp_path: Path) -> None:
    path = tmp_path / "log"
    outlets = rig.open(Log(str(path), rotation=Rotation(size=100_000, keep=1000)))
    child = subprocess.Popen(["seq", "200000"], stdout=outlets.stdout)
    outlets.close()
    rig.until(lambda: rig.capture.empty)
    assert child.wait() == 0
    files = sorted(tmp_path.iterdir(), key=lambda file: -int(file.suffix[1:] or 0))
    assert b"".join(file.read_bytes() for file in files) == b"".join(b"%d\n" % n for n in range(1, 200001))
    assert all(file.read_bytes().endswith(b"\n") for file in files)
