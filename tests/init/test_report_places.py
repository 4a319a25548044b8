"""Where the report goes: a file, whole or not at all; a descriptor; stdout; and readers who do not read."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
from pathlib import Path
from typing import Final

import pytest

from tests.init import reports
from tests.init.namespaces import mount
from tests.init.support import Init, Place, everywhere, guest, needs_root, run, shell

TERM: Final = signal.SIGTERM
MS_BIND: Final = 4096
MAIN: Final = guest("hear(SIGTERM, leave=7)\nsay('ready')\nforever()")


@everywhere
def test_a_file(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("an older one")
    assert run("--report", str(file), "--", *shell("exit 3"), place=place) == (3, "", "")
    assert reports.parse(file.read_bytes())["exit"] == 3
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_file_beside_where_it_was_started(tmp_path: Path) -> None:
    assert run("--report", "report.json", "--", *shell("cd /; exit 3"), directory=tmp_path).status == 3
    assert reports.parse((tmp_path / "report.json").read_bytes())["exit"] == 3
    (tmp_path / "sub").mkdir()
    assert run('--report=sub/é ".json', "--", "true", directory=tmp_path).status == 0
    assert reports.parse((tmp_path / "sub" / 'é ".json').read_bytes())["exit"] == 0


def test_nothing_is_there_before_the_end(tmp_path: Path) -> None:
    with Init("--report", str(tmp_path / "report.json"), "--", *MAIN) as init:
        init.expect("ready")
        assert list(tmp_path.iterdir()) == []
        init.send(TERM)
        init.end()
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_what_an_init_that_was_killed_has_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / ".report.json.new").write_text("half a rep")
    assert run("--report", "report.json", "--", "true", directory=tmp_path) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_link_in_the_place_of_the_new_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / ".report.json.new").symlink_to("precious")
    assert run("--report", "report.json", "--", "true", directory=tmp_path).status == 0
    assert (tmp_path / "precious").read_text() == "kept"


@pytest.mark.parametrize(
    "target", ["no/such/report.json", "file/report.json", "folder", "folder/", ".", "..", "/", "x" * 300]
)
def test_a_place_that_cannot_be_is_refused_before_anything_is_started(target: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    ended = run("--report", target, "--", "touch", "started", directory=tmp_path)
    assert ended.status == 125
    assert ended.err.startswith("endwell-init: --report '")
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "started").exists()


@needs_root
def test_a_folder_that_is_read_only(tmp_path: Path) -> None:
    def prepare() -> None:
        mount("none", str(tmp_path), "tmpfs", 1)  # MS_RDONLY

    ended = run("--report", str(tmp_path / "report.json"), "--", "echo", "started", prepare=prepare)
    assert (ended.status, ended.out) == (125, "")
    assert "Read-only file system" in ended.err


def test_the_folder_vanishes(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    ended = run("--report", str(folder / "report.json"), "--", *shell(f"rmdir '{folder}'; exit 3"))
    assert (ended.status, ended.out) == (3, "")
    assert ended.err.count("\n") == 1
    assert "report.json" in ended.err


@needs_root
def test_a_full_disk(tmp_path: Path) -> None:
    def prepare() -> None:
        mount("none", str(tmp_path), "tmpfs", 0, "size=4k")
        (tmp_path / "full").write_bytes(b"x" * 4096)

    script = f"trap 'ls -A {tmp_path}' EXIT; exit 3"
    ended = run(
        "--report",
        str(tmp_path / "report.json"),
        "--after-exit",
        "true",
        "--",
        *shell(script),
        prepare=prepare,
    )
    assert (ended.status, ended.out) == (3, "full\n")
    assert ended.err.count("\n") == 1
    assert "could not be written" in ended.err


@needs_root
def test_a_file_that_is_a_mount_is_written_in_place(tmp_path: Path) -> None:
    # as Kubernetes mounts /dev/termination-log: it cannot be renamed onto
    target, behind = tmp_path / "termination-log", tmp_path / "behind"
    target.touch()
    behind.write_text("x" * 5000)

    def prepare() -> None:
        mount(str(behind), str(target), None, MS_BIND)

    assert run("--report", str(target), "--", *shell("exit 3"), prepare=prepare) == (3, "", "")
    assert reports.parse(behind.read_bytes())["exit"] == 3


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    assert run("--report", str(link), "--", "true") == (0, "", "")
    assert link.is_symlink()
    assert Path("/dev/null").stat().st_rdev == os.makedev(1, 3)


def test_a_fifo_that_somebody_reads(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    assert run("--report", str(fifo), "--", "true") == (0, "", "")
    assert reports.parse(os.read(reader, 65536))["exit"] == 0
    os.close(reader)


def test_a_fifo_that_nobody_reads_does_not_hang(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    ended = run("--report", str(fifo), "--", *shell("exit 3"))
    assert ended.status == 3
    assert ended.err.count("\n") == 1


def test_standard_output() -> None:
    ended = run("--report", "-", "--", "echo", "hello")
    hello, _, report = ended.out.partition("\n")
    assert hello == "hello"
    assert reports.parse(report)["exit"] == 0


@pytest.mark.parametrize("number", [1, 2, 3, 7, 400])
def test_a_descriptor(number: int) -> None:
    read, write = os.pipe()

    def prepare() -> None:
        os.dup2(write, number)

    found = guest(f"try:\n    os.fstat({number})\nexcept OSError:\n    os._exit(0)\nos._exit(1)")
    ended = run("--report", f"fd:{number}", "--", *found, prepare=prepare)
    os.close(write)
    assert ended == (number < 3, "", ""), "the command gets only the standard ones"
    assert reports.parse(os.read(read, 65536))["exit"] == (number < 3)
    os.close(read)


def filled(write: int) -> None:
    """Fill a pipe to the last byte."""
    os.set_blocking(write, False)
    for size in (4096, 1):
        try:
            while True:
                os.write(write, b"x" * size)
        except BlockingIOError:
            pass
    os.set_blocking(write, True)


@pytest.mark.parametrize("where", ["-", "fd:2", "fd:9", "-v"])
@everywhere
def test_a_reader_who_does_not_read(where: str, place: Place) -> None:
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    filled(write)
    given = {"-": {"stdout": write}, "fd:2": {"stderr": write}, "-v": {"stderr": write}, "fd:9": {}}[where]
    words = ("-v", "--report", "fd:2") if where == "-v" else ("--report", where)

    def prepare() -> None:
        os.dup2(write, 9)

    def quiet() -> None:
        return

    with Init(
        *words, "--", *shell("exit 3"), place=place, prepare=prepare if where == "fd:9" else quiet, **given
    ) as init:
        assert init.left() == 3
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("full", [True, False])
def test_a_terminal_that_nobody_reads(full: bool) -> None:  # noqa: FBT001
    # It is writable as long as one byte fits; the rest of a long report would block.
    ours, theirs = pty.openpty()
    if full:
        filled(theirs)
    with Init("--report", "fd:2", "--", *shell("exit 3"), *["x" * 4000] * 9, stderr=theirs) as init:
        assert init.left() == 3
    os.close(ours)
    os.close(theirs)


@everywhere
def test_nobody_reads_any_more(place: Place) -> None:
    # the writes raise SIGPIPE, which is nobody's business but ours
    read, write = os.pipe()
    os.close(read)
    body = "hear(SIGPIPE, name='main')\nhear(SIGUSR1)\nhear(SIGTERM, leave=7)\nsay('ready')\nforever()"
    with Init("-v", "--report", "fd:2", "--", *guest(body), place=place, stderr=write) as init:
        init.expect("ready")
        init.send(signal.SIGUSR1)
        init.expect("SIGUSR1")
        init.send(TERM)
        ended = init.end()
    os.close(write)
    assert (ended.status, ended.out) == (7, "ready\nSIGUSR1\nSIGTERM\n")


def test_a_sigpipe_from_outside_is_forwarded() -> None:
    with Init("--", *guest("hear(SIGPIPE, leave=4)\nsay('ready')\nforever()")) as init:
        init.expect("ready")
        init.send(signal.SIGPIPE)
        assert init.end().status == 4


@needs_root
def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    import resource  # noqa: PLC0415 - only here

    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    ended = run("--report", str(tmp_path / "report.json"), "--", *shell("exit 3"), prepare=prepare)
    assert ended.status == 3
    assert list(tmp_path.iterdir()) == []
