"""An engine on another machine, played by a server here: it runs a container `web` whose PID 1 is elsewhere.

The number that it tells is one of this machine all the same: whoever takes it for the container's looks at
somebody else's process.
"""

from __future__ import annotations

import json
import os
import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IDENTITY = "c0ffee" + "0" * 58
NAME = "web"


class Distant:
    """What the engine was asked for, and where it listens, as DOCKER_HOST has it."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self.asked: list[str] = []
        self.over = threading.Event()

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        """Return the status and the answer to a request."""
        self.asked.append(f"{method} {path}")
        match method, path:
            case "GET", "/containers/web/json":
                return 200, self._record()
            case "GET", _ if IDENTITY in path:
                return 200, self._record()
            case "GET", "/info":
                return 200, {"Name": "distant", "KernelVersion": os.uname().release}
            case "POST", _ if path.endswith("/wait"):
                self.over.wait()
                return 200, {"StatusCode": 0}
            case "POST", _ if path.endswith(("/stop", "/kill")):
                self.over.set()
                return 204, None
            case _:
                return 404, {"message": "no such thing"}

    def _record(self) -> dict[str, Any]:
        return {
            "Id": IDENTITY,
            "Name": f"/{NAME}",
            "Image": "",
            "Config": {"Cmd": ["app"], "Tty": False},
            "HostConfig": {"PidMode": ""},
            "State": {"Running": not self.over.is_set(), "Status": "running", "Pid": self.pid},
        }


@contextmanager
def distant_engine(pid: int, socket: Path | None = None) -> Iterator[Distant]:
    """Serve on the loopback, or on a unix socket as a forwarding does; PID 1 is said to be `pid`."""

    class Handler(_Handler):
        engine: Distant

    kind = _Tcp if socket is None else _Unix
    with kind(("127.0.0.1", 0) if socket is None else str(socket), Handler) as server:  # type: ignore[arg-type]
        url = f"tcp://127.0.0.1:{server.socket.getsockname()[1]}" if socket is None else f"unix://{socket}"
        Handler.engine = Distant(url, pid)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield Handler.engine
        finally:
            Handler.engine.over.set()
            server.shutdown()
            thread.join()


class _Tcp(socketserver.ThreadingTCPServer):
    pass


class _Unix(socketserver.ThreadingUnixStreamServer):
    pass


class _Handler(BaseHTTPRequestHandler):
    engine: Distant

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        self.close_connection = True
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if path == "/_ping":
            self._answer(200, None)
            return
        path = "/" + path.split("/", 2)[2]
        if path.endswith("/attach"):
            self.wfile.write(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
            self.rfile.read()
            return
        self._answer(*self.engine.answer(self.command, path))

    def _answer(self, status: int, content: object) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        try:
            self.send_response(status)
            self.send_header("Api-Version", "1.41")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            # Whoever asked has left, as at the end of a wait.
            pass
