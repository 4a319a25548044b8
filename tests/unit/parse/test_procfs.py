"""The text of /proc: real ones, and what programs put into their names."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from endwell.parse.procfs import (
    has,
    is_open_for_writing,
    listening,
    read_command,
    read_stat,
    read_status,
)

STATUS = """Name:\tx\\nPid:\t9
State:\tS (sleeping)
Tgid:\t4711
Ngid:\t0
Pid:\t4712
PPid:\t4700
TracerPid:\t0
Uid:\t33\t0\t0\t0
Gid:\t0\t0\t0\t0
NSpid:\t4712\t7\t2
Threads:\t3
SigQ:\t0/63480
SigPnd:\t0000000000000000
ShdPnd:\t0000000000004000
SigBlk:\t0000000000004000
SigIgn:\t0000000000001000
SigCgt:\t8000000180000002
"""
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4242 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000 0 0 4343 1 0 20 4 30 10 -1
   2: garbage
"""
TCP6 = """  sl  local_address remote_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode
   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 77 1
"""


def test_a_status_has_numbers_and_masks() -> None:
    status = read_status(STATUS)
    assert (status.pid, status.tgid, status.ppid, status.uid, status.threads) == (4712, 4711, 4700, 33, 3)
    assert (status.inside, status.state) == (2, "S")
    assert has(status.shared, 15)
    assert has(status.blocked, 15)
    assert has(status.ignored, 13)
    assert has(status.caught, 2)
    assert has(status.caught, 64)
    assert not has(status.pending, 15)


def test_our_own_status_and_stat_agree() -> None:
    status = read_status(Path("/proc/self/status").read_text())
    stat = read_stat(Path("/proc/self/stat").read_text())
    assert status.tgid == stat.pid == os.getpid()
    assert status.ppid == stat.ppid == os.getppid()
    assert status.name == stat.name
    assert stat.started > 0
    handlers = {number for number in range(1, 32) if callable(signal.getsignal(number))}
    assert handlers <= {number for number in range(1, 32) if has(status.caught, number)}


@pytest.mark.parametrize("text", ["", "Name:\tx\n", STATUS.replace("Uid:\t33\t0\t0\t0", "Uid:"), "Pid:\tx"])
def test_what_is_no_status_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"/proc|invalid"):
        read_status(text)


@given(st.text(max_size=15))
def test_a_name_is_no_field_of_stat(name: str) -> None:
    stat = read_stat(f"7 ({name}) S 1 7 7 0 -1 4194560 1 0 0 0 12 3 0 0 20 0 1 0 9876 0 0\n")
    assert (stat.pid, stat.name, stat.ppid, stat.used, stat.started) == (7, name, 1, 15, 9876)


@given(st.text())
def test_no_text_raises_anything_but_value_error(text: str) -> None:
    for read in (read_status, read_stat):
        try:
            read(text)
        except ValueError:
            continue
    is_open_for_writing(text)
    listening(text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ()),
        (b"sh\0-c\0a b\0", ("sh", "-c", "a b")),
        (b"sh\0-c\0\0", ("sh", "-c", "")),
        (b"nginx: master process nginx\0\0\0\0\0", ("nginx: master process nginx",)),
        (b"postgres: writer", ("postgres: writer",)),
        (b"\xff\0", ("\ufffd",)),
    ],
)
def test_a_command_line_is_cut_into_words(content: bytes, words: tuple[str, ...]) -> None:
    assert read_command(content) == words


@pytest.mark.parametrize(
    ("flags", "expected"),
    [(os.O_RDONLY, False), (os.O_WRONLY, True), (os.O_RDWR, True), (os.O_WRONLY | os.O_APPEND, True)],
)
def test_a_descriptor_tells_whether_it_can_be_written_to(
    tmp_path: Path, flags: int, *, expected: bool
) -> None:
    descriptor = os.open(tmp_path / "file", flags | os.O_CREAT)
    try:
        assert is_open_for_writing(Path(f"/proc/self/fdinfo/{descriptor}").read_text()) is expected
    finally:
        os.close(descriptor)


def test_a_text_without_flags_is_not_open_for_writing() -> None:
    assert not is_open_for_writing("pos:\t0\n")


def test_listening_sockets_are_found() -> None:
    assert [(one.address, one.port, one.inode) for one in listening(TCP)] == [("127.0.0.1", 8080, 4242)]
    assert [(one.address, one.port, one.inode) for one in listening(TCP6)] == [("::1", 80, 77)]


def test_our_own_socket_is_among_them() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        inode = os.fstat(server.fileno()).st_ino
        mine = [one for one in listening(Path("/proc/self/net/tcp").read_text()) if one.inode == inode]
        assert [(one.address, one.port) for one in mine] == [server.getsockname()]
