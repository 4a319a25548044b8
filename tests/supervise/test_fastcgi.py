"""A real web server in front of real FastCGI programs, which find their common socket as descriptor 0."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.gateway.fake import to_the_end
from tests.supervise.upping import PATIENCE, Up

if TYPE_CHECKING:
    from collections.abc import Iterator

NGINX, WRAP = shutil.which("nginx"), shutil.which("fcgiwrap")
MANY = 4

SCRIPT = r"""#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n'
echo "begun $PPID"
read line <"$GATE"
echo "done"
"""

# Everything it writes is in one place, and it needs to be nobody else.
SITE = """
daemon off; worker_processes 1; pid {0}/pid; error_log stderr; {1}
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {0}/1; proxy_temp_path {0}/2; fastcgi_temp_path {0}/3;
  uwsgi_temp_path {0}/4; scgi_temp_path {0}/5;
  server {{
    listen unix:{0}/web;
    location / {{
      fastcgi_pass unix:{0}/app; fastcgi_buffering off; fastcgi_param NO_BUFFERING 1;
      fastcgi_param SCRIPT_FILENAME {0}/script; fastcgi_param REQUEST_METHOD GET; fastcgi_param GATE {0}/gate;
    }}
  }}
}}
"""

SERVICES = f"""
[fcgi-program:app]
command={WRAP}
priority=1
socket=unix://{{0}}/app
socket_mode=0777
numprocs={MANY}
process_name=app%(process_num)s
startsecs=0

[program:web]
command={NGINX} -e stderr -p {{0}} -c {{0}}/site
stopsignal=QUIT
startsecs=0
endwell_ready=file:{{0}}/pid
"""


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose name is short enough for a socket's."""
    with tempfile.TemporaryDirectory(prefix="fc") as directory:
        yield Path(directory)


def asked(short: Path) -> socket.socket:
    """A client who has sent his request."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE)
    client.connect(str(short / "web"))
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    return client


def begun(client: socket.socket) -> int:
    """Wait until his request is being answered, and return by which process."""
    text = b""
    while b"begun" not in text or not text.endswith(b"\n"):
        piece = client.recv(4096)
        assert piece, text
        text += piece
    return int(text.split()[-1])


@pytest.mark.skipif(not (NGINX and WRAP), reason="nginx or fcgiwrap is not installed")
def test_requests_that_are_under_way_are_answered_to_their_end(tmp_path: Path, short: Path) -> None:
    (short / "script").write_text(SCRIPT)
    (short / "script").chmod(0o755)
    (short / "site").write_text(SITE.format(short, "user root;" if os.getuid() == 0 else ""))
    os.mkfifo(short / "gate")
    with Up(tmp_path, SERVICES.format(short)) as up, ExitStack() as clients:
        up.wait_for("web is running")
        there = [clients.enter_context(asked(short)) for _ in range(MANY)]
        # Each of them takes one request at a time.
        assert len({begun(client) for client in there}) == MANY
        up.process.send_signal(signal.SIGTERM)
        up.wait_for("stopping: SIGTERM")
        with (short / "gate").open("w") as gate:
            gate.write("go\n" * MANY)
            gate.flush()
            assert [to_the_end(client) for client in there] == [b"done\n"] * MANY
        assert up.wait() == 0
        assert {row["end"].get("code") for row in up.report["services"]} == {0}
        # By their numbers: who passes requests on has ended before those whom he passes them on to are told.
        web = up.service("web")
        assert all(up.service("app", number)["told"] >= web["ended"] for number in range(1, MANY + 1))
