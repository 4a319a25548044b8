"""How the states of all services are asked for, each system by its own fastest public way."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import xmlrpc.client
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.supervisors.contenders import Task

_SECONDS = 60.0


def endwell(task: Task) -> Callable[[], int]:
    """Ask over the control socket, with a connection that is there."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_SECONDS)
    connection.connect(str(task.directory / "socket"))
    lines = connection.makefile("rb")

    def ask() -> int:
        connection.sendall(b'{"id":1,"do":"ps"}\n')
        return len(json.loads(lines.readline())["ok"]["services"])

    return ask


class _Door(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def supervisord(task: Task) -> Callable[[], int]:
    """Ask by XML-RPC, with a connection that is there."""
    connection = _Door(str(task.directory / "rpc"))
    body = xmlrpc.client.dumps((), "supervisor.getAllProcessInfo")

    def ask() -> int:
        connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
        answer = connection.getresponse().read()
        (rows,), _ = xmlrpc.client.loads(answer)
        return len(rows) if isinstance(rows, list) else 0

    return ask


def circus(program: Path) -> Callable[[Task], Callable[[], int]]:
    """Ask with its own client, which has to be started each time."""

    def way(task: Task) -> Callable[[], int]:
        command = [
            str(program),
            "--endpoint",
            f"ipc://{task.directory}/endpoint",
            "--timeout",
            "60",
            "status",
        ]
        return lambda: _lines(command)

    return way


def s6(task: Task) -> Callable[[], int]:
    """Ask with the client that asks for one."""
    places = [str(task.directory / "services" / one.name) for one in task.services]
    return lambda: sum(_lines(["s6-svstat", place]) for place in places)


def runit(task: Task) -> Callable[[], int]:
    """Ask with the client that asks for many."""
    places = [str(task.directory / "services" / one.name) for one in task.services]
    return lambda: _lines(["sv", "status", *places])


def _lines(command: list[str]) -> int:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    return len(done.stdout.splitlines())
