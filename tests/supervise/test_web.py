"""[web]: the door of the page, opened by a real supervisor; and what the page is told of it."""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

import pytest

from tests.gateway.openmetrics import families
from tests.gateway.pages import FORM, token_of
from tests.supervise.controlling import Controlled
from tests.supervise.upping import DEAF, PATIENCE, SOURCES, STOP, Up, program

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = '[services.web]\ncommand = "sleep 1000"\n'


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def get(port: int, path: str, account: str = "") -> tuple[int, str]:
    """Ask for a page."""
    headers = {"Authorization": f"Basic {base64.b64encode(account.encode()).decode()}"} if account else {}
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()


def post(port: int, path: str, token: str) -> int:
    """Send a form."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request("POST", path, f"token={token}", {"Content-Type": FORM})
        return connection.getresponse().status


def refused(port: int) -> None:
    """Wait until nobody listens: a gateway that is leaving has the socket until it has left."""
    until = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < until
        try:
            get(port, "/healthz")
        except ConnectionRefusedError:
            return
        except (ConnectionError, HTTPException):
            continue


def up(directory: Path, text: str) -> Up:
    return Up(directory, text, name="endwell.toml")


def test_a_page_of_an_endwell_toml(tmp_path: Path) -> None:
    port = free_port()
    with up(tmp_path, f'[web]\nlisten = "{port}"\n{SERVICE}') as one:
        one.wait_for("web is running")
        assert get(port, "/healthz") == (200, "ok\n")
        assert get(port, "/readyz") == (200, "ok\n")
        status, text = get(port, "/")
        assert status == 200
        assert "1 of 1 ready" in text
        assert families(get(port, "/metrics")[1])["endwell_service_processes"].values.popitem()[1] == 1
        # Nobody speaks XML-RPC where nobody has asked for it.
        assert get(port, "/RPC2")[0] == 404
        assert post(port, "/services/web/stop", token_of(text)) == 303
        until = time.monotonic() + PATIENCE
        while 'data-state="STOPPED"' not in get(port, "/")[1]:
            assert time.monotonic() < until
        assert one.stop() == 0
        assert not [line for line in one.err if "mistake" in line]


def test_a_token_outlives_the_gateway(tmp_path: Path) -> None:
    port = free_port()
    with up(tmp_path, f'[web]\nlisten = "{port}"\n{SERVICE}') as one:
        one.wait_for("web is running")
        token = token_of(get(port, "/")[1])
        children = (tmp_path / f"/proc/{one.process.pid}/task/{one.process.pid}/children").read_text().split()
        (gateway,) = [
            int(pid) for pid in children if b"gateway" in (tmp_path / f"/proc/{pid}/cmdline").read_bytes()
        ]
        descriptor = os.pidfd_open(gateway)
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        assert select.select([descriptor], [], [], PATIENCE)[0]
        os.close(descriptor)
        # Whoever comes now is answered by another one.
        assert post(port, "/services/web/stop", token) == 303


def test_elsewhere_than_on_loopback_a_password_is_needed(tmp_path: Path) -> None:
    with up(tmp_path, f'[web]\nlisten = "*:9080"\n{SERVICE}') as one:
        assert one.wait() == 2
        (line,) = one.err
        assert f"{one.path}:2: web.listen is *:9080, where others can come in" in line
        assert "write username and password beside it, or listen on 127.0.0.1:9080" in line


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with up(tmp_path, f'[web]\nlisten = "{port}"\n{SERVICE}') as one:
            assert one.wait() == 2
            assert (
                f"{one.path}:1: the page cannot be opened at 127.0.0.1:{port}: somebody listens there already"
                in one.err[-1]
            )


def test_a_reload_opens_moves_and_closes_it(tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    with up(tmp_path, SERVICE) as one:
        one.wait_for("web is running")
        steps = (
            (f'[web]\nlisten = "{first}"\n', first, second),
            (f'[web]\nlisten = "{second}"\n', second, first),
            ("", None, second),
        )
        for reloads, (text, there, gone) in enumerate(steps, 1):
            one.write(text + SERVICE)
            one.process.send_signal(signal.SIGHUP)
            one.wait_until(lambda: sum("reloaded:" in line for line in one.err) == reloads)  # noqa: B023  at once
            if there is not None:
                assert get(there, "/healthz")[0] == 200
            refused(gone)
        assert one.stop() == 0


@pytest.mark.parametrize("own", [False, True])
def test_a_page_of_a_supervisord_conf(tmp_path: Path, *, own: bool) -> None:
    port = free_port()
    section = f"[inet_http_server]\nport=127.0.0.1:{port}\nusername=kim\npassword=secret\n"
    settings = ""
    if own:
        settings = f"endwell_web_listen={port}\nendwell_web_username=kim\nendwell_web_password=secret\n"
        section = ""
    with Up(tmp_path, section + program("web", STOP), settings=settings) as one:
        one.wait_for("up web")
        assert get(port, "/")[0] == 401
        assert get(port, "/metrics", "kim:wrong")[0] == 401
        assert get(port, "/healthz")[0] == 200
        status, text = get(port, "/", "kim:secret")
        assert status == 200
        assert 'href="services/web"' in text
        # supervisord's clients are answered only where supervisord would.
        assert get(port, "/RPC2", "kim:secret")[0] == (404 if own else 400)
        assert one.stop() == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("endwell_web_listen=0.0.0.0:9080", "endwell_web_listen is *:9080, where others can come in"),
        ("endwell_web_listen=x", "endwell_web_listen='x' is not HOST:PORT"),
        ("endwell_web_listen=80\nendwell_web_password=hunter2", "endwell_web_password stands there without"),
        ("endwell_web_listen=80\nendwell_web_username=a\nendwell_web_password=%(x)s", "(not shown)"),
    ],
)
def test_what_is_wrong_in_a_supervisord_conf(tmp_path: Path, settings: str, said: str) -> None:
    with Up(tmp_path, program("web", STOP), settings=settings) as one:
        assert one.wait() == 2
        assert said in one.err[0]
        assert "hunter2" not in "".join(one.err)


def test_the_plan_is_that_of_endwell_plan(tmp_path: Path) -> None:
    text = (
        '[stop]\ngrace = "7s"\n[services.db]\ncommand = "sleep 1000"\nreplicas = 2\nstop-timeout = "4s"\n'
        '[services.web]\ncommand = "sleep 1000"\nafter = ["db"]\ndrain = "1s"\nstop-group = true\n'
    )
    with Controlled(tmp_path, text, name="endwell.toml") as one, one.talk() as talk:
        found = talk.ask("plan")
        done = subprocess.run(
            [sys.executable, "-m", "endwell", "plan", "--json", str(one.path)],
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
        )
        said = json.loads(done.stdout)
        assert [step.pop("label") for step in found["stop"]["steps"]] == ["web", "db-1", "db-2"]
        assert found["stop"] == said["stop"]
        assert found["start"] == [[one["service"] for one in level] for level in said["start"]]
        assert not found["stop"]["fits"]


def test_a_row_tells_the_last_stop_after_a_restart_too(tmp_path: Path) -> None:
    text = program("web", STOP) + program("deaf", DEAF, "endwell_stop_timeout=30ms")
    with Controlled(tmp_path, text) as one, one.talk() as talk:
        one.wait_for("up web", "up deaf")
        rows = talk.rows()
        assert (rows["web"]["stop"], rows["web"]["autostart"], rows["web"]["completed"]) == (
            None,
            True,
            False,
        )
        talk.results("restart", "web", "deaf")
        rows = talk.rows()
        for label, how, killed in (("web", "exited with 0", False), ("deaf", "ended by SIGKILL", True)):
            row, stop = rows[label], rows[label]["stop"]
            assert row["state"] == "RUNNING"
            assert stop["how"] == how
            assert (stop["killed"] is not None) is killed
            assert stop["asked"] <= stop["told"] <= (stop["killed"] or stop["told"]) <= stop["ended"]
            assert stop["ended"] <= row["started"]
