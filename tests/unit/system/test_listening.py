"""endwell.system.listening, credentials and descriptors: Unix sockets as the supervisor uses them."""

from __future__ import annotations

import _socket
import array
import errno
import fcntl
import os
import socket
import stat
from typing import TYPE_CHECKING

import pytest

from endwell.system.credentials import peer
from endwell.system.descriptors import receive
from endwell.system.listening import LONGEST, Listening, connected

if TYPE_CHECKING:
    from pathlib import Path


def test_it_listens_for_its_owner_alone_from_the_first_moment(tmp_path: Path) -> None:
    place = tmp_path / "s"
    umask = os.umask(0)
    try:
        listening = Listening(str(place))
    finally:
        os.umask(umask)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert not os.get_inheritable(listening.fileno())
    assert listening.accept() is None
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place))
        accepted = listening.accept()
        assert accepted is not None
        assert not os.get_inheritable(accepted.fileno())
        assert not os.get_blocking(accepted.fileno())
        assert peer(accepted) == (os.getpid(), os.geteuid(), os.getegid())
        assert peer(client) == (os.getpid(), os.geteuid(), os.getegid())
        accepted.close()
    listening.close()
    assert not place.exists()
    listening.close()


def test_a_name_that_is_no_file() -> None:
    place = f"@endwell-test-{os.getpid()}"
    listening = Listening(place)
    with pytest.raises(OSError, match="Address already in use"):
        Listening(place)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"\0{place[1:]}")
    listening.close()


def test_what_nobody_listens_to_any_more_is_replaced(tmp_path: Path) -> None:
    place = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(place))
        stale.listen()
    listening = Listening(str(place))
    with pytest.raises(OSError, match="Address already in use") as caught:
        Listening(str(place))
    assert caught.value.errno == errno.EADDRINUSE
    listening.close()


def test_one_whose_queue_is_full_is_somebody(tmp_path: Path) -> None:
    place = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as client:
        busy.bind(place)
        busy.listen(0)
        client.connect(place)
        with pytest.raises(OSError, match="Address already in use"):
            Listening(place)


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    for place in (tmp_path / "file", tmp_path / "link"):
        (tmp_path / "file").write_text("precious")
        if place.name == "link":
            place.symlink_to(tmp_path / "file")
        with pytest.raises(OSError, match="Address already in use"):
            Listening(str(place))
        assert (tmp_path / "file").read_text() == "precious"


def test_a_path_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="has at most 107 bytes"):
        Listening(f"{tmp_path}/".ljust(LONGEST + 1, "x"))


def test_the_file_of_another_one_stays_at_the_end(tmp_path: Path) -> None:
    place = tmp_path / "s"
    listening = Listening(str(place))
    place.unlink()
    place.write_text("another")
    listening.close()
    assert place.read_text() == "another"


def test_descriptors_come_with_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    here, there = socket.socketpair(socket.AF_UNIX)
    ours = connected(here.detach())
    with pytest.raises(BlockingIOError):
        receive(ours, 100, 3)
    there.sendall(b"first")
    descriptor = os.open(tmp_path / "f", os.O_RDONLY)
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array("i", [descriptor] * 5))]
    there.sendmsg([b"second"], rights)
    there.sendall(b"third")
    seen, found = b"", []
    while len(seen) < len(b"firstsecondthird"):
        data, descriptors = receive(ours, 100, 3)
        seen += data
        found += descriptors
        if descriptors:
            assert seen == b"firstsecond"
    assert len(found) == 3
    for one in found:
        assert fcntl.fcntl(one, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        assert os.path.samestat(os.fstat(one), os.fstat(descriptor))
        os.close(one)
    os.close(descriptor)
    there.close()
    assert receive(ours, 100, 3) == (b"", [])
    ours.close()
