"""Programs beside a service: on the client's own descriptors, with the service's environment and user."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
from typing import TYPE_CHECKING

import pytest

from tests.supervise.controlling import Controlled, Talk
from tests.supervise.upping import PATIENCE, STOP, program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Controlled]:
    (tmp_path / "there").mkdir()
    options = (f"directory={tmp_path}/there", "environment=OWN=yes,OTHER=no", "umask=027")
    script = STOP.replace("<>never", f"<>{tmp_path}/never")
    with Controlled(tmp_path, program("web", script, *options)) as up:
        up.wait_for("up web")
        yield up


class Ends:
    """What an executed program has for its descriptors: pipes."""

    def __init__(self) -> None:
        self.stdin = os.pipe()
        self.stdout = os.pipe()
        self.stderr = os.pipe()

    def run(self, talk: Talk, script: str, **arguments: object) -> int:
        """Start a shell's script, and return the number of the request."""
        theirs = self.stdin[0], self.stdout[1], self.stderr[1]
        number = talk.send(
            "exec", descriptors=theirs, service="web", command=["sh", "-c", script], **arguments
        )
        for descriptor in theirs:
            os.close(descriptor)
        return number

    def read(self, *, error: bool = False) -> bytes:
        """Return all that it has written."""
        text = b""
        source = self.stderr[0] if error else self.stdout[0]
        while part := os.read(source, 65536):
            text += part
        return text

    def close(self) -> None:
        for descriptor in (self.stdin[1], self.stdout[0], self.stderr[0]):
            os.close(descriptor)


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def test_it_has_the_services_surroundings_and_the_clients_descriptors(one: Controlled, ends: Ends) -> None:
    with one.talk() as talk:
        number = ends.run(
            talk,
            'read line; echo "$line $OWN $OTHER"; pwd; umask; echo err >&2; exit 7',
            environment={"OTHER": "mine"},
        )
        os.write(ends.stdin[1], b"words\n")
        more, last = talk.answer(number)
        (started,) = more
        assert started["pid"] > 0
        assert last["ok"] == {"status": 7}
    out = ends.read().decode().splitlines()
    assert (out[0], out[2]) == ("words yes mine", "0027")
    assert out[1].endswith("/there")
    assert ends.read(error=True) == b"err\n"


def test_directory_and_user_may_be_others(one: Controlled, ends: Ends, tmp_path: Path) -> None:
    with one.talk() as talk:
        user = {"user": "65534"} if os.geteuid() == 0 else {}
        tmp_path.chmod(0o755)
        _, last = talk.answer(ends.run(talk, "pwd; id -u", directory="/", **user))
        assert last["ok"] == {"status": 0}
    assert ends.read().decode().split() == ["/", str(65534 if user else os.geteuid())]


def test_a_signal_goes_to_it_and_those_below_it(one: Controlled, ends: Ends) -> None:
    with one.talk() as talk:
        number = ends.run(talk, "sleep 1000 & echo $!; wait")
        assert os.read(ends.stdout[0], 100)
        assert talk.ask("signal", of=number, signal="INT") == {}
        _, last = talk.answer(number)
        assert last["ok"] == {"status": 128 + 2}
        assert talk.refused("signal", of=number, signal="INT")[0] == "not-running"


def test_who_goes_away_leaves_nobody_behind(one: Controlled, ends: Ends) -> None:
    with one.talk() as talk:
        ends.run(talk, "echo here; sleep 1000")
        assert os.read(ends.stdout[0], 100) == b"here\n"
    assert ends.read() == b""  # its end: both were told SIGHUP


@pytest.mark.parametrize(
    ("command", "kind"),
    [(["/nowhere/at-all"], "no-file"), (["/etc/passwd"], "not-executable"), (["a\0b"], "bad-arguments")],
)
def test_what_cannot_be_started_is_said(one: Controlled, ends: Ends, command: list[str], kind: str) -> None:
    with one.talk() as talk:
        theirs = ends.stdin[0], ends.stdout[1], ends.stderr[1]
        _, last = talk.answer(talk.send("exec", descriptors=theirs, service="web", command=command))
        for descriptor in theirs:
            os.close(descriptor)
        assert last["error"]["kind"] == kind
        assert "\n" not in last["error"]["message"]
        assert ends.read() == b""  # nobody has kept its other end


def test_a_user_that_is_not_there(one: Controlled, ends: Ends) -> None:
    with one.talk() as talk:
        _, last = talk.answer(ends.run(talk, "true", user="nobody-of-that-name"))
        assert "there is no user" in last["error"]["message"]


def test_it_may_have_a_terminal_of_its_own(one: Controlled) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    script = (
        "tty -s && echo terminal; stty size < /dev/tty; "
        "trap 'echo interrupted; exit 3' INT; echo ready; read line"
    )
    with one.talk() as talk:
        number = talk.send(
            "exec",
            descriptors=(theirs, theirs, theirs),
            service="web",
            command=["sh", "-c", script],
            tty=True,
        )
        os.close(theirs)
        seen = until(ours, b"ready")
        assert b"terminal\r\n33 77\r\n" in seen
        os.write(ours, b"\x03")  # Ctrl-C: the terminal is the one that this session is controlled by
        assert until(ours, b"interrupted")
        _, last = talk.answer(number)
        assert last["ok"] == {"status": 3}
    os.close(ours)


def test_services_end_although_somebody_is_in_there(one: Controlled, ends: Ends) -> None:
    with one.talk() as talk:
        number = ends.run(talk, "echo here; sleep 1000")
        assert os.read(ends.stdout[0], 100) == b"here\n"
        assert talk.results("stop", "web") == {"web": ""}
        assert talk.results("start", "web") == {"web": ""}
        # Told between its trap and its read, a shell would wait for a line first.
        one.wait_until(lambda: one.out.count("up web") == 2)
        one.process.terminate()
        _, last = talk.answer(number)
        assert last.get("ok", {}).get("status") in {128 + 15, None}
    assert one.wait() == 0
    assert ends.read() == b""


@pytest.mark.root
def test_a_terminal_for_another_user(one: Controlled) -> None:
    ours, theirs = pty.openpty()
    with one.talk() as talk:
        number = talk.send(
            "exec",
            descriptors=(theirs, theirs, theirs),
            service="web",
            command=["sh", "-c", "id -u; tty -s && echo terminal; kill -INT $$"],
            tty=True,
            user="65534",
            directory="/",
        )
        os.close(theirs)
        assert b"65534\r\nterminal\r\n" in until(ours, b"terminal\r\n")
        assert talk.answer(number)[1]["ok"] == {"status": 128 + 2}
    os.close(ours)


def until(descriptor: int, wanted: bytes) -> bytes:
    """Read until a text has come."""
    seen = b""
    while wanted not in seen:
        ready, _, _ = select.select([descriptor], [], [], PATIENCE)
        assert ready, seen
        seen += os.read(descriptor, 65536)
    return seen
