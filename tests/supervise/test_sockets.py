"""Programs that find a listening socket as their descriptor 0."""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
from pathlib import Path

import pytest

from tests.supervise.controlling import Controlled
from tests.supervise.upping import PATIENCE, STOP, Up, program

GUEST = Path(__file__).parent / "guests" / "accept.py"


def fastcgi(place: str, *options: str) -> str:
    lines = "\n".join(options)
    return (
        f"[fcgi-program:app]\ncommand={sys.executable} {GUEST}\nsocket={place}\nstartsecs=0\n"
        f"stderr_logfile=/dev/stdout\nstderr_logfile_maxbytes=0\nstdout_logfile=NONE\n{lines}\n"
    )


def ask(place: str | tuple[str, int]) -> int:
    """Connect, and return who has answered."""
    family = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
    with socket.socket(family) as asking:
        asking.settimeout(PATIENCE)
        asking.connect(place)
        with asking.makefile() as answer:
            return int(answer.readline())


def free_port() -> int:
    with socket.socket() as probing:
        probing.bind(("127.0.0.1", 0))
        port: int = probing.getsockname()[1]
        return port


def test_all_processes_share_one_socket(tmp_path: Path) -> None:
    place = str(tmp_path / "f")
    text = fastcgi(f"unix://{place}", "numprocs=2", "process_name=app%(process_num)s", "socket_mode=0770")
    with Controlled(tmp_path, text) as up, up.talk() as talk:
        up.wait_for("accepts app0", "accepts app1")
        pids = {row["pid"] for row in talk.rows("app").values()}
        assert ask(place) in pids
        assert stat.S_IMODE(Path(place).stat().st_mode) == 0o770
        assert talk.results("stop", "app-1") == {"app:app0": ""}
        assert ask(place) in pids


def test_who_connects_while_it_is_restarted_waits(tmp_path: Path) -> None:
    place = str(tmp_path / "f")
    with Controlled(tmp_path, fastcgi(f"unix://{place}", "autorestart=true")) as up, up.talk() as talk:
        up.wait_for("accepts app")
        first = ask(place)
        os.kill(first, signal.SIGKILL)
        up.wait_for("app ended by SIGKILL")  # until then it is the first one who may accept
        second = ask(place)
        assert second != first
        assert talk.results("stop", "app") == {"app": ""}
        with pytest.raises(ConnectionRefusedError):
            ask(place)
        assert talk.results("start", "app") == {"app": ""}
        assert ask(place) not in {first, second}


def test_a_port(tmp_path: Path) -> None:
    port = free_port()
    with Up(tmp_path, fastcgi(f"tcp://127.0.0.1:{port}")) as up:
        up.wait_for("accepts app")
        assert ask(("127.0.0.1", port)) > 0
        assert up.stop() == 0


@pytest.mark.parametrize("kind", ["old", "file", "nowhere"])
def test_what_is_in_the_way(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "x" / "f"
    if kind != "nowhere":
        place.parent.mkdir()
    if kind == "old":
        with socket.socket(socket.AF_UNIX) as old:
            old.bind(str(place))
    elif kind == "file":
        place.write_text("precious")
    with Up(tmp_path, fastcgi(f"unix://{place}", "startretries=0") + program("web", STOP)) as up:
        up.wait_for("up web")
        if kind == "old":
            up.wait_for("accepts app")
            assert ask(str(place)) > 0
        else:
            up.wait_for(f"app could not be started: cannot open {place}", "app is given up")
        if kind == "file":
            assert place.read_text() == "precious"
        assert up.stop() == 0
