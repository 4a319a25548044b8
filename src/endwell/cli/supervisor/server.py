"""A supervisord, real or endwell's own, as its clients reach it: XML-RPC and log files over HTTP.

It listens on a Unix socket (unix:///run/supervisor.sock) or a port (http://localhost:9001).
"""

from __future__ import annotations

import base64
import codecs
import http.client
import socket
import xmlrpc.client
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

UNIX = "unix://"
HTTP = "http://"
_HTTP_OK = 200
_CHUNK = 65536
# XML 1.0 has no room for most control characters; logs are full of them, and servers send them as they are.
_CONTROLS = bytes(one for one in range(32) if chr(one) not in "\t\n\r")


class Server:
    """One server, by its address; each call has a connection of its own for as long as it takes.

    Args:
        url: its address.
        username: for basic authentication; None: none.
        password: likewise.
    """

    def __init__(self, url: str, username: str | None = None, password: str | None = None) -> None:
        self.url = url
        self.username = username
        self.password = password

    def call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401  as the method has it
        """Call a method, such as `supervisor.getState`, and return what it returns.

        Raises:
            xmlrpc.client.Fault: the method says why not.
            xmlrpc.client.ProtocolError: the server does not answer the call.
            OSError: it cannot be reached.
            ValueError: it has an address of another kind.
        """
        transport = _Transport(self)
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            return getattr(proxy, method)(*arguments)

    def connection(self) -> http.client.HTTPConnection:
        """Return a connection that is not open yet.

        Raises:
            ValueError: the address is of another kind.
        """
        if self.url.startswith(HTTP):
            parts = urlsplit(self.url)
            return http.client.HTTPConnection(parts.hostname or "", parts.port or 80)
        if self.url.startswith(UNIX):
            return _UnixConnection(self.url.removeprefix(UNIX))
        raise ValueError(f"Unknown protocol for serverurl {self.url}")

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers of every request."""
        if self.username is None or self.password is None:
            return []
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return [("Authorization", f"Basic {pair}")]


class Following:
    """A log that is followed: what is in it last, and then what is written to it.

    Args:
        server: whose it is.
        path: /mainlogtail, or /logtail/NAME/stdout.
    """

    def __init__(self, server: Server, path: str) -> None:
        self._name = server.url + path
        self._path = quote(path, safe="/:*")
        self._headers = dict(server.headers())
        self._connection = server.connection()

    def run(self, show: Callable[[str], None], complain: Callable[[str], None]) -> None:
        """Go on until the server ends it, or somebody calls `stop`.

        Args:
            show: gets the text.
            complain: gets a line that says why not.
        """
        try:
            self._connection.request("GET", self._path, headers=self._headers)
            answer = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            complain(f"{self._name} Cannot connect, error: {type(error)} ({error})")
            return
        if answer.status != _HTTP_OK:
            complain(f"{self._name} Cannot read, status code {answer.status}")
            return
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            while part := answer.read1(_CHUNK):
                show(decoder.decode(part))
        except (OSError, ValueError, http.client.HTTPException):
            return  # it has ended, in the middle of something

    def stop(self) -> None:
        """End it, also from another thread."""
        if self._connection.sock is not None:
            try:
                self._connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


class _UnixConnection(http.client.HTTPConnection):
    """A connection to a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


class _Transport(xmlrpc.client.Transport):
    """As the standard library's, to where the server is."""

    accept_gzip_encoding = False

    def __init__(self, server: Server) -> None:
        super().__init__(headers=server.headers())
        self._server = server
        self._open: http.client.HTTPConnection | None = None

    def make_connection(self, host: object) -> http.client.HTTPConnection:  # noqa: ARG002  it is not there
        """Return the connection."""
        if self._open is None:
            self._open = self._server.connection()
        return self._open

    def close(self) -> None:
        """Close the connection."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def request(
        self,
        host: Any,  # noqa: ANN401  likewise
        handler: str,
        request_body: Any,  # noqa: ANN401  likewise
        verbose: bool = False,  # noqa: FBT001, FBT002  likewise
    ) -> Any:  # noqa: ANN401  likewise
        """Do a request once: the standard library would start a process a second time."""
        return self.single_request(host, handler, request_body, verbose)

    def parse_response(self, response: Any) -> Any:  # noqa: ANN401  likewise
        """Read what a method returns."""
        parser, unmarshaller = self.getparser()
        parser.feed(response.read().translate(None, _CONTROLS))
        parser.close()
        return unmarshaller.close()
