"""The doors of supervisord's clients: what is opened, who is behind it, and when."""

from __future__ import annotations

import base64
import contextlib
import os
import select
import signal
import socket
import stat
import sys
import sysconfig
import tempfile
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xmlrpc.client import Fault, ProtocolError, ServerProxy

import pytest

from tests.gateway.fake import Unix, UnixConnection, connect, to_the_end
from tests.supervise.upping import PATIENCE, SOURCES, STOP, Up, program

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERFACE = (
    "[rpcinterface:supervisor]\n"
    "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
)


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose name is short enough for a socket's."""
    with tempfile.TemporaryDirectory(prefix="dr") as directory:
        yield Path(directory)


def door(short: Path, *options: str) -> str:
    lines = "\n".join(options)
    return f"[unix_http_server]\nfile={short}/s\n{lines}\n{INTERFACE}"


def proxy(short: Path) -> Any:  # noqa: ANN401  methods appear as they are called
    return ServerProxy("http://localhost", Unix(str(short / "s")))


def gateways(up: Up) -> list[int]:
    """The processes of gateways below a supervisor."""
    children = Path(f"/proc/{up.process.pid}/task/{up.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"endwell.gateway" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def gone(pidfd: int) -> None:
    ready, _, _ = select.select([pidfd], [], [], PATIENCE)
    os.close(pidfd)
    assert ready, "it does not end"


def test_there_is_no_gateway_before_somebody_comes(tmp_path: Path, short: Path) -> None:
    with Up(tmp_path, door(short) + program("web", STOP)) as up:
        up.wait_for("up web")
        assert gateways(up) == []
        with proxy(short) as client:
            assert client.supervisor.getPID() == up.process.pid
            (pid,) = gateways(up)
            pidfd = os.pidfd_open(pid)
            # Nobody's business: it is not among those who are told to end, and costs the end nothing.
            assert up.stop() == 0
        gone(pidfd)
        assert any(": 1 of 1 services ended by themselves" in line for line in up.err)
        assert up.report["rest"] == []
        assert not (short / "s").exists()


def test_a_gateway_that_dies_is_started_anew(tmp_path: Path, short: Path) -> None:
    with Up(tmp_path, door(short) + program("web", STOP)) as up:
        up.wait_for("up web")
        seen = set()
        for _ in range(2):
            with proxy(short) as client:
                assert client.supervisor.getState()["statename"] == "RUNNING"
            (pid,) = gateways(up)
            seen.add(pid)
            pidfd = os.pidfd_open(pid)
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            gone(pidfd)
        assert len(seen) == 2
        assert up.stop() == 0


def broken(tmp_path: Path, line: str) -> tuple[str, ...]:
    """What makes a gateway fail as it is loaded."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "h11.py").write_text(line)
    return ("env", f"PYTHONPATH={tmp_path}/broken:{os.environ.get('PYTHONPATH', '')}:{SOURCES}")


def test_one_that_cannot_live_is_not_started_again_and_again(tmp_path: Path, short: Path) -> None:
    prefix = broken(tmp_path, "raise SystemExit(7)\n")
    with Up(tmp_path, door(short) + program("web", STOP), prefix=prefix) as up:
        up.wait_for("up web")
        with connect(str(short / "s")) as first:
            up.wait_for(
                "the gateway of [unix_http_server] has ended with 7: started again for who comes after 1 s",
                "the gateway of [unix_http_server] has ended with 7: started again for who comes after 2 s"
                "; until then everybody is answered with 503",
            )
            assert to_the_end(first).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        # Nobody has to wait any more, whether he asks first or only comes.
        with connect(str(short / "s")) as silent:
            assert to_the_end(silent).startswith(b"HTTP/1.1 503 ")
        with pytest.raises(ProtocolError) as caught:
            proxy(short).supervisor.getPID()
        assert caught.value.errcode == 503
        assert up.stop() == 0
        # Whoever has come when the pause was over has had one more started, and no other.
        assert len([line for line in up.err if "the gateway of" in line]) in (2, 3)


def test_one_that_cannot_be_loaded_says_so_in_a_line(tmp_path: Path, short: Path) -> None:
    prefix = broken(tmp_path, "raise ImportError('half a package')\n")
    with Up(tmp_path, door(short) + program("web", STOP), prefix=prefix) as up:
        up.wait_for("up web")
        with connect(str(short / "s")) as client:
            assert to_the_end(client).startswith(b"HTTP/1.1 503 ")
        assert up.stop() == 0
        said = [line for line in up.err if "gateway" in line]
        assert [line for line in said if "cannot be loaded: ImportError: half a package: install" in line]
        assert not [line for line in up.err if "Traceback" in line]


def test_one_that_cannot_be_executed_leaves_nobody_waiting(tmp_path: Path, short: Path) -> None:
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    site = f"{os.environ.get('PYTHONPATH', '')}:{SOURCES}:{sysconfig.get_path('purelib')}"
    prefix = ("env", f"PYTHONPATH={site}")
    with Up(
        tmp_path, door(short) + program("web", STOP), prefix=prefix, endwell=(str(python), "-m", "endwell")
    ) as up:
        up.wait_for("up web")
        python.unlink()
        with connect(str(short / "s")) as client:
            assert to_the_end(client).startswith(b"HTTP/1.1 503 ")
        failed = "the gateway of [unix_http_server] cannot be started"
        up.wait_until(lambda: len([line for line in up.err if failed in line]) == 2)
        assert up.stop() == 0


def test_a_port_is_answered_too(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = f"[inet_http_server]\nport=127.0.0.1:{port}\n{INTERFACE}{program('web', STOP)}"
    with Up(tmp_path, text, prefix=broken(tmp_path, "raise SystemExit(7)\n")) as up:
        up.wait_for("up web")
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("POST", "/RPC2", body=b"x" * 1000)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Retry-After")) == (503, "2")
        assert b"the supervisor's own output says why" in answer.read()
        connection.close()
        assert up.stop() == 0


def test_when_the_supervisor_is_killed_the_gateway_leaves(tmp_path: Path, short: Path) -> None:
    with Up(tmp_path, door(short) + program("web", STOP)) as up:
        up.wait_for("up web")
        with connect(str(short / "s")) as idle:
            with proxy(short) as client:
                web = client.supervisor.getProcessInfo("web")["pid"]
            pidfds = [os.pidfd_open(pid) for pid in gateways(up)]
            up.process.kill()
            gone(pidfds[0])
            assert idle.recv(1) == b""
        os.kill(web, signal.SIGTERM)
        up.wait()


def test_modes_and_stale_files(tmp_path: Path, short: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(short / "s"))
    with Up(tmp_path, door(short, "chmod=0722") + program("web", STOP)) as up:
        up.wait_for("up web")
        assert stat.S_IMODE((short / "s").stat().st_mode) == 0o722
        with proxy(short) as client:
            assert client.supervisor.getState()["statecode"] == 1
        assert up.stop() == 0


@pytest.mark.root
def test_owners(tmp_path: Path, short: Path) -> None:
    with Up(tmp_path, door(short, "chown=nobody:nogroup") + program("web", STOP)) as up:
        up.wait_for("up web")
        assert (short / "s").owner() == "nobody"
        assert (short / "s").group() == "nogroup"
        assert up.stop() == 0


def test_a_door_that_cannot_be_opened_is_told_before_anything_starts(tmp_path: Path, short: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = f"{door(short)}[inet_http_server]\nport=127.0.0.1:{port}\n{program('web', STOP)}"
        with Up(tmp_path, text) as up:
            assert up.wait() == 2
            (line,) = [line for line in up.err if "cannot be opened" in line]
            assert (
                f"supervisord.conf:{text[: text.index('[inet')].count(chr(10)) + 4}: [inet_http_server]"
                in line
            )
            assert f"cannot be opened at 127.0.0.1:{port}: somebody listens there already: " in line
            assert up.out == []
            assert not (short / "s").exists()


@pytest.mark.parametrize("kind", ["live", "file", "no directory", "long"])
def test_what_is_in_the_way_stays(tmp_path: Path, short: Path, kind: str) -> None:
    text = door(short)
    with socket.socket(socket.AF_UNIX) as live:
        if kind == "live":
            live.bind(str(short / "s"))
            live.listen()
        elif kind == "file":
            (short / "s").write_text("precious")
        elif kind == "no directory":
            text = text.replace(f"{short}/s", f"{short}/none/s")
        else:
            text = text.replace(f"{short}/s", f"{short}/{'s' * 120}")
        with Up(tmp_path, text + program("web", STOP)) as up:
            assert up.wait() == 2
            assert any("[unix_http_server] cannot be opened at" in line for line in up.err)
            assert up.out == []
        assert (short / "s").exists() is (kind in ("live", "file"))


def test_each_door_has_its_own_key(tmp_path: Path, short: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = f"{door(short)}[inet_http_server]\nport=127.0.0.1:{port}\nusername=kim\npassword=secret\n"
    with Up(tmp_path, text + program("web", STOP)) as up:
        up.wait_for("up web")
        token = base64.b64encode(b"kim:secret").decode()
        for connection, headers, status in (
            (UnixConnection(str(short / "s")), {}, 404),
            (HTTPConnection("127.0.0.1", port, timeout=PATIENCE), {}, 401),
            (HTTPConnection("127.0.0.1", port, timeout=PATIENCE), {"Authorization": f"Basic {token}"}, 404),
        ):
            connection.request("GET", "/logtail/none", headers=headers)
            assert connection.getresponse().status == status
            connection.close()
        assert len(gateways(up)) == 1
        assert up.stop() == 0


@pytest.mark.parametrize(
    ("written", "open_"), [("127.0.0.1:{}", False), ("localhost:{}", False), ("{}", True), ("*:{}", True)]
)
def test_who_lets_everybody_in_is_told_so(tmp_path: Path, written: str, open_: bool) -> None:  # noqa: FBT001
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = f"[inet_http_server]\nport={written.format(port)}\n{INTERFACE}{program('web', STOP)}"
    with Up(tmp_path, text) as up:
        up.wait_for("up web")
        with ServerProxy(f"http://127.0.0.1:{port}") as client:
            # Whoever called, the interface is the same.
            assert client.supervisor.getAPIVersion() == "3.0"
        assert up.stop() == 0
        warnings = [line for line in up.err if f"lets everybody in who can reach port {port}" in line]
        assert len(warnings) == open_


def test_ipv6(tmp_path: Path) -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as free:
            port = free.getsockname()[1]
    except OSError:
        pytest.skip("there is no IPv6 here")
    text = f"[inet_http_server]\nport=[::1]:{port}\n{INTERFACE}{program('web', STOP)}"
    with Up(tmp_path, text) as up:
        up.wait_for("up web")
        with ServerProxy(f"http://[::1]:{port}") as client:
            assert client.supervisor.getAPIVersion() == "3.0"
        assert up.stop() == 0


def test_a_changed_file_moves_the_door(tmp_path: Path, short: Path) -> None:
    with Up(tmp_path, door(short) + program("web", STOP)) as up:
        up.wait_for("up web")
        with connect(str(short / "s")), proxy(short) as client:
            assert client.supervisor.getState()["statecode"] == 1
            pidfds = [os.pidfd_open(pid) for pid in gateways(up)]
            up.path.write_text(up.path.read_text().replace(f"{short}/s", f"{short}/t"))
            up.process.send_signal(signal.SIGHUP)
            up.wait_until(lambda: up.out.count("up web") == 2)
            gone(pidfds[0])
        assert not (short / "s").exists()
        (short / "s").symlink_to("t")
        with proxy(short) as client:
            assert client.supervisor.getState()["statecode"] == 1
        assert up.stop() == 0


def test_clients_who_hang_are_no_hindrance_to_the_end(tmp_path: Path, short: Path) -> None:
    listening = program("web", STOP).replace(
        "stdout_logfile=/dev/stdout", f"stdout_logfile={tmp_path}/web.log"
    )
    with Up(tmp_path, door(short) + listening) as up, contextlib.ExitStack() as clients:
        up.wait_until(lambda: any("web is running" in line for line in up.err))
        for text in (
            b"",
            b"POST /RPC2 HTTP/1.1\r\nContent-",
            b"GET /logtail/web HTTP/1.1\r\nHost: x\r\n\r\n",
        ) * 20:
            talk = clients.enter_context(connect(str(short / "s")))
            talk.sendall(text)
            assert not text.startswith(b"GET") or talk.recv(12) == b"HTTP/1.1 200"
        assert up.stop() == 0
        assert up.report["rest"] == []


def test_who_waits_when_all_ends_is_answered(tmp_path: Path, short: Path) -> None:
    text = door(short) + program("long", STOP, "autostart=false", "startsecs=1000") + program("web", STOP)
    with Up(tmp_path, text.replace("startsecs=0\nautostart", "autostart")) as up:
        up.wait_for("up web")
        with proxy(short) as first, proxy(short) as second:
            assert first.supervisor.startProcess("long", 0) is True
            up.wait_for("up long")
            assert first.supervisor.shutdown() is True
            with pytest.raises((Fault, OSError)) as caught:
                second.supervisor.startProcess("web")
            if isinstance(caught.value, Fault):
                assert caught.value.faultCode in (6, 60)
        assert up.wait() == 0
