"""endwell.system.listening, credentials and descriptors: Unix sockets as the supervisor uses them."""

from __future__ import annotations

import _socket
import array
import errno
import fcntl
import os
import socket
import stat
from pathlib import Path
from typing import NoReturn

import pytest

from endwell.system import listening as module
from endwell.system.credentials import peer
from endwell.system.descriptors import receive
from endwell.system.listening import LONGEST, Listening, connected


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


def test_of_many_that_begin_at_once_one_listens_and_stays(tmp_path: Path) -> None:
    place = str(tmp_path / "s")
    for _ in range(10):
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(place)
            stale.listen()
        said = _begin_at_once(place, 8)
        winners = [pid for answer, pid in said if answer == "listens"]
        assert len(winners) == 1, said
        assert {answer for answer, _ in said} == {"listens", "taken"}
        assert [one.name for one in tmp_path.iterdir()] == ["s"]
        Path(place).unlink()


def _begin_at_once(place: str, number: int) -> list[tuple[str, int]]:
    """Fork so many who listen there, all at once, and return what each says: the first one is who answers."""
    go, gate = os.pipe()
    told, telling = os.pipe()
    over, end = os.pipe()
    children = []
    try:
        for _ in range(number):
            if not (pid := os.fork()):
                _begin(place, (go, gate), telling, (over, end))
            children.append(pid)
        os.close(telling)
        os.close(gate)
        with os.fdopen(told) as answers:
            said = [(answer, int(pid)) for answer, pid in (answers.readline().split() for _ in children)]
        # Nobody has taken it from the one who got it.
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(place)
            assert ("listens", peer(client).pid) in said
        return said
    finally:
        os.close(end)
        for pid in children:
            os.waitpid(pid, 0)
        os.close(go)
        os.close(over)


def _begin(place: str, go: tuple[int, int], telling: int, over: tuple[int, int]) -> NoReturn:
    """Wait for the word, listen, say whether that could be, and wait for the end."""
    is_stale = module._is_stale

    def look(place: str) -> bool:
        found = is_stale(place)
        for _ in range(20 if found else 0):  # the others have their turn just now
            os.sched_yield()
        return found

    try:
        module._is_stale = look
        os.close(go[1])
        os.close(over[1])
        os.read(go[0], 1)
        try:
            held = Listening(place)
        except OSError as error:
            answer = "taken" if error.errno == errno.EADDRINUSE else type(error).__name__
        else:
            answer = "listens" if held.fileno() >= 0 else ""
        os.write(telling, f"{answer} {os.getpid()}\n".encode())
        os.read(over[0], 1)
    finally:
        os._exit(0)


def test_one_who_locks_the_directory_for_ever_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("endwell.system.listening.time.sleep", waits.append)
    strange = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(strange, fcntl.LOCK_EX)
    held = Listening(str(tmp_path / "s"))
    assert sum(waits) < 1
    waits.clear()
    held.close()
    assert not waits, "the end of a supervisor has no time for that"
    os.close(strange)
    assert not list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_written_or_read(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Listening(str(tmp_path / "no" / "s"))
    with pytest.raises(OSError) as caught:  # noqa: PT011  which one depends on who we are
        Listening("/proc/self/s")
    assert caught.value.errno in {errno.EPERM, errno.EACCES, errno.ENOENT, errno.EROFS}


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
