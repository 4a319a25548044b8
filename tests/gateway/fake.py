"""A gateway as a process of its own, and a supervisor that answers what a test wants it to."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import tempfile
import threading
import time
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from xmlrpc.client import ServerProxy, Transport

from endwell.model.gateway import CONTROL, FIRST_DOOR, SAID, Commission, Door
from endwell.system.program import Program
from endwell.system.spawn import spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Value = dict[str, Any]
    # From a request to what it ends with: a value, an error as (kind, message), or None for not yet.
    Handler = Callable[[Value], Value | tuple[str, str] | None]

SOURCES = Path(__file__).parents[2] / "src"
# Not a measure of anything: what would otherwise be waited for in vain ends a test here.
PATIENCE = 30.0


def row(process: str, group: str = "", **other: Any) -> Value:  # noqa: ANN401  whatever rows have
    """A row of `ps`, running unless it says otherwise."""
    return {
        "service": process,
        "group": group or process,
        "process": process,
        "label": process,
        "state": "RUNNING",
        "code": 20,
        "pid": 4242,
        "started": 1000.5,
        "stopped": 0,
        "status": None,
        "spawn_error": "",
        "waiting": "",
        "command": ["cat"],
        "stdout": None,
        "stderr": None,
        **other,
    }


class UnixConnection(HTTPConnection):
    """HTTP over a Unix socket.

    Args:
        path: of the socket.
    """

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        """Connect, at first and whenever the connection was closed."""
        self.sock = connect(self._path)


class Unix(Transport):
    """XML-RPC over a Unix socket.

    Args:
        path: of the socket.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> HTTPConnection:  # noqa: ANN401  the standard library's
        """Return the one connection there is."""
        if not isinstance(self._connection[1], HTTPConnection):
            self._connection = host, UnixConnection(self._path)
        found = self._connection[1]
        assert isinstance(found, HTTPConnection)
        return found


def connect(path: str) -> socket.socket:
    """Connect to a Unix socket."""
    talk = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    talk.settimeout(PATIENCE)
    try:
        talk.connect(path)
    except OSError:
        talk.close()
        raise
    return talk


def to_the_end(talk: socket.socket) -> bytes:
    """Read until the other side closes."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := talk.recv(65536):
            found += piece
    return found


class Gateway:
    """A gateway with one door, a Unix socket, and this process as its supervisor.

    Args:
        rows: of `ps`.
        door: who may come in.
        patience: seconds until it leaves.
        project: more of what `ps` says about the whole.
        handlers: by request.
        interfaces: as the file has them.
    """

    def __init__(  # noqa: PLR0917  none of them is taken by place
        self,
        rows: list[Value] | None = None,
        door: Door | None = None,
        patience: float = 60.0,
        project: Value | None = None,
        handlers: Mapping[str, Any] | None = None,
        interfaces: tuple[str, ...] = ("supervisor",),
    ) -> None:
        self.rows = rows or []
        self.project = {"state": "RUNNING", "pid": 77, "identifier": "supervisor", **(project or {})}
        self.requests: list[Value] = []
        self._handlers: dict[str, Handler] = {
            "ps": lambda _: {"project": self.project, "services": self.rows},
            "version": lambda _: {"state": self.project["state"]},
            "config": lambda _: {"programs": []},
            "cancel": lambda _: {},
            **(handlers or {}),
        }
        self._came = threading.Condition()
        self._held = contextlib.ExitStack()
        directory = self._held.enter_context(
            tempfile.TemporaryDirectory(prefix="gw", ignore_cleanup_errors=True)
        )
        self.path = f"{directory}/s"
        self.listening = self._held.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        self.listening.bind(self.path)
        self.listening.listen(256)
        self.listening.setblocking(False)  # noqa: FBT003  the standard library's
        self.talk, theirs = socket.socketpair()
        self._held.callback(self.talk.close)
        said, saying = os.pipe()
        commission = Commission(
            doors=(door or Door(section="unix_http_server"),), interfaces=interfaces, patience=patience
        )
        os.write(saying, json.dumps(commission.value).encode())
        os.close(saying)
        self.errors = Path(directory) / "errors"
        with self.errors.open("wb") as errors, open(os.devnull, "rb") as silence:  # noqa: PTH123
            self.process = spawn(
                Program(
                    command=(sys.executable, "-P", "-m", "endwell.gateway"),
                    environment={**os.environ, "PYTHONPATH": str(SOURCES)},
                    stdin=silence.fileno(),
                    stdout=errors.fileno(),
                    stderr=errors.fileno(),
                    descriptors={SAID: said, CONTROL: theirs.fileno(), FIRST_DOOR: self.listening.fileno()},
                )
            )
        os.close(said)
        theirs.close()
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send(signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.process.pid, 0)
        self.process.close()
        self._thread.join(PATIENCE)
        self._held.close()

    # -------------------------------------------------------------------------------------------- for tests

    @cached_property
    def proxy(self) -> Any:  # noqa: ANN401  methods appear as they are called
        """A client, whose methods are those of the interface."""
        return self._held.enter_context(ServerProxy("http://localhost", Unix(self.path)))

    def connect(self) -> socket.socket:
        """Come in."""
        return connect(self.path)

    def ended(self) -> int:
        """Wait until the process has ended, and return its exit status."""
        ready, _, _ = select.select([self.process.pidfd], [], [], PATIENCE)
        assert ready, "the gateway does not end"
        return os.waitstatus_to_exitcode(os.waitpid(self.process.pid, 0)[1])

    def asked(self, do: str, count: int = 1) -> list[Value]:
        """Wait until something was asked for so many times, and return that."""
        until = time.monotonic() + PATIENCE
        with self._came:
            while len(found := [one for one in self.requests if one["do"] == do]) < count:
                assert self._came.wait(until - time.monotonic()), (
                    f"nobody has asked for {do}: {self.requests}"
                )
        return found

    def send(self, value: Value) -> None:
        """Send the gateway a line."""
        self.talk.sendall(json.dumps(value).encode() + b"\n")

    # --------------------------------------------------------------------------------------- the supervisor

    def _answer(self) -> None:
        with contextlib.suppress(OSError), self.talk.makefile("rb") as lines:
            for line in lines:
                value = json.loads(line)
                answer = self._handlers[value["do"]](value)
                if isinstance(answer, tuple):
                    self.send({"id": value["id"], "error": {"kind": answer[0], "message": answer[1]}})
                elif answer is not None:
                    self.send({"id": value["id"], "ok": answer})
                with self._came:
                    self.requests.append(value)
                    self._came.notify_all()


def results(value: Value, **other: object) -> Value:
    """What `start`, `stop` and `kill` answer: all went well, or what else is said."""
    found = []
    for name in value["services"]:
        group, _, process = name.partition(":")
        result = {"label": process, "group": group, "process": process, "ok": True, "kind": "", "message": ""}
        found.append(result | other)
    return {"results": found}
