"""What takes a while: a log that is followed, a process in the foreground, a restart, an end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from typing import TYPE_CHECKING, Self

import pytest

from tests.compat.conftest import missing
from tests.compat.supervisord.clients import HEAD, SERVER, clients
from tests.compat.supervisord.servers import ENVIRONMENT, PATIENCE, REAL, STARTED, Server, mask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Programs = Mapping[str, tuple[str, ...]]

pytestmark = pytest.mark.slow

PROGRAMS = """
[program:cat]
command=cat
startsecs=0
stdout_logfile={here}/cat.out
stderr_logfile={here}/cat.err
[program:shown]
command=sh -c "echo before; exec cat"
startsecs=0
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
[program:long]
command=cat
autostart=false
startsecs=1000
"""


class Client:
    """A client whose input stays open.

    Args:
        server: whom it talks to.
        programs: which it is.
        words: of its command line.
    """

    def __init__(self, server: Server, programs: Programs, *words: str) -> None:
        self.process = subprocess.Popen(
            [*programs["supervisorctl"], "-c", str(server.file), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**ENVIRONMENT, "PYTHONUNBUFFERED": "1"},
        )
        self.text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def until(self, text: str) -> None:
        """Read until it has said that."""
        while text not in self.text:
            assert self._read(), f"{text!r} did not come: {self.text!r}"

    def end(self) -> int:
        """Read to the end, and return the exit status."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def type(self, text: str) -> None:
        """Type something."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def _read(self) -> bool:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        assert ready, f"nothing came any more: {self.text!r}"
        part = os.read(self.process.stdout.fileno(), 65536)
        self.text += part.decode()
        return bool(part)


@pytest.fixture(params=["Debian", "PyPI"])
def client(request: pytest.FixtureRequest) -> Programs:
    found = clients().get(request.param)
    if found is None:
        missing(f"no supervisorctl of {request.param}: apt-get install supervisor, pip install supervisor")
    return found


@pytest.fixture(params=["real", "ours"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    programs = REAL if request.param == "real" else SERVER
    with Server(HEAD + PROGRAMS, programs) as there:
        there.wait_for(STARTED)
        yield there


def write(server: Server, name: str, text: str) -> None:
    with (server.here / name).open("a") as file:
        file.write(text)


def test_tail_follows_what_is_written(server: Server, client: Programs) -> None:
    write(server, "cat.out", "x" * 1500 + "\nbefore\n")
    with Client(server, client, "tail", "-f", "cat") as following:
        following.until("before\n")
        assert following.text == "==> Press Ctrl-C to exit <==\n" + "x" * 1016 + "\nbefore\n"
        write(server, "cat.out", "after\n")
        following.until("after\n")
        # Put aside, as a log file is when it is full.
        (server.here / "cat.out").rename(server.here / "cat.out.1")
        write(server, "cat.out", "another file\n")
        following.until("another file\n")
        if server.programs is SERVER:
            # The real one breaks off here, though it means to say so, too.
            os.truncate(server.here / "cat.out", 0)
            following.until("==> File truncated <==\n")
            write(server, "cat.out", "anew\n")
            following.until("anew\n")
        following.process.send_signal(signal.SIGINT)
        assert following.end() == 0


def test_tail_ends_with_the_server(server: Server, client: Programs) -> None:
    write(server, "cat.err", "here it is\n")
    with Client(server, client, "tail", "-f", "cat", "stderr") as following:
        following.until("here it is\n")
        assert server.stop() == 0
        following.end()


def test_maintail_follows_the_own_log(server: Server, client: Programs) -> None:
    with Client(server, client, "maintail", "-f") as following:
        following.until("supervisord started with pid")
        write(server, "own.log", "something new\n")
        following.until("something new\n")
        following.process.send_signal(signal.SIGINT)
        assert following.end() == 0


def test_maintail_shows_the_end_of_the_own_log(server: Server, client: Programs) -> None:
    while not all(f"success: {name} " in (server.here / "own.log").read_text() for name in ("cat", "shown")):
        pass
    write(server, "own.log", "the end\n")
    answer = server.ask(client, "maintail", "-4")
    assert (answer.status, answer.out) == (0, "end\n\n")
    answer = server.ask(client, "maintail")
    assert answer.status == 0
    assert answer.out == mask((server.here / "own.log").read_text()[-1600:]) + "\n"


def test_in_the_foreground_it_hears_and_is_heard(server: Server, client: Programs) -> None:
    with Client(server, client, "fg", "cat") as front:
        front.until("==> Press Ctrl-C to exit <==\n")
        front.type("hello\n")
        front.until("hello\n")
        front.type("wörld\n")
        front.until("wörld\n")
        assert server.ask(client, "stop", "cat").out == "cat: stopped\n"
        front.type("anybody?\n")
        front.until("Process got killed\nExiting foreground\n")


def pid(server: Server, client: Programs) -> str:
    words = [*client["supervisorctl"], "-c", str(server.file), "pid", "cat"]
    done = subprocess.run(
        words, capture_output=True, text=True, env=ENVIRONMENT, timeout=PATIENCE, check=False
    )
    return done.stdout.strip()


def test_reload_stops_and_starts_everything(server: Server, client: Programs) -> None:
    before = pid(server, client)
    answer = server.ask(client, "reload")
    assert (answer.status, answer.out) == (0, "Restarted supervisord\n")
    # The real one may not listen in the meantime, and says so in several ways.
    while not (now := pid(server, client)).isdigit() or now in (before, "0"):
        pass
    assert server.stop() == 0


STAYS = """
[program:stays]
command=sh -c "trap '' TERM; read line <{here}/gate"
startsecs=0
stopwaitsecs=600
"""


@pytest.mark.parametrize("server", ["real", "ours"])
def test_until_everything_has_ended_for_a_reload_there_is_one_answer(server: str, client: Programs) -> None:
    programs = REAL if server == "real" else SERVER
    with Server(HEAD + STAYS, programs, fifos=("gate",)) as there:
        there.wait_for(STARTED)
        gate = os.open(there.here / "gate", os.O_RDWR)
        before = there.ask(client, "pid")
        assert there.ask(client, "reload").out == "Restarted supervisord\n"
        while (answer := there.ask(client, "pid")) == before:
            pass
        assert answer.status == 1
        assert "<Fault 6: 'SHUTDOWN_STATE'>" in answer.out
        os.write(gate, b"\n")
        while there.ask(client, "pid") != before:
            pass
        os.write(gate, b"\n")
        os.close(gate)
        assert there.stop() == 0


def test_who_waits_for_a_start_hears_of_the_end(server: Server, client: Programs) -> None:
    with Client(server, client, "start", "long") as waiting:
        while "STARTING" not in server.ask(client, "status", "long").out:
            pass
        assert server.stop() == 0
        assert waiting.end() != 0


def test_while_the_server_stops_it_says_so(server: Server, client: Programs) -> None:
    """The real one forgets whom it has to answer when all ends at once; asked here is only that it ends."""
    assert server.ask(client, "shutdown").out == "Shut down\n"
    assert server.wait() == 0
    answer = server.ask(client, "status")
    assert (answer.status, answer.out) == (4, "unix://HERE/s no such file\n")


@pytest.mark.parametrize("client", ["Debian"], indirect=True)
def test_ours_shows_what_goes_to_the_output_of_the_container(client: Programs) -> None:
    with Server(HEAD + PROGRAMS, SERVER) as there:
        there.wait_for(STARTED, "before")
        answer = there.ask(client, "tail", "shown")
        assert (answer.status, answer.out) == (0, "before\n\n")
        with Client(there, client, "tail", "-f", "shown") as following:
            following.until("before\n")
            with Client(there, client, "fg", "shown") as front:
                front.until("exit <==")
                front.type("now\n")
                following.until("now\n")
        assert there.stop() == 0
