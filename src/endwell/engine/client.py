"""A client for the HTTP API that Docker and podman share: requests, answers, and the streams they become.

Every request has a connection of its own, so that one that is given up, by a Ctrl-C or by `Call.abort`, takes
nothing with it. The engine is asked once which version of the API it speaks; requests name the newest that
both sides know.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from endwell.engine.protocol import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.engine.endpoint import Endpoint

Version = tuple[int, int]

# The newest version whose answers this code knows; engines refuse numbers above their own.
NEWEST: Version = (1, 47)
OLDEST: Version = (1, 30)
_LIBPOD = "4.0.0"
_CONNECT_LIMIT = 10.0
_ANSWER_LIMIT = 120.0
_HEAD_LIMIT = 65536
_ERRORS_FROM = 400
_SWITCHED = 101
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})")


class RefusedError(EngineError):
    """The engine has answered, and refuses; `status` is that of HTTP, `said` the engine's own words."""

    def __init__(self, message: str, status: int, said: str) -> None:
        super().__init__(message)
        self.status = status
        self.said = said


class _Connection(http.client.HTTPConnection):
    """HTTP over whatever the endpoint names."""

    def __init__(self, endpoint: Endpoint, timeout: float | None) -> None:
        super().__init__(endpoint.host or "localhost", endpoint.port or None, timeout=timeout)
        self._endpoint = endpoint

    def connect(self) -> None:
        self.sock = connect(self._endpoint)
        self.sock.settimeout(self.timeout)


def connect(endpoint: Endpoint) -> socket.socket:
    """Open a connection; OSError as the system has it."""
    if not endpoint.path:
        return socket.create_connection((endpoint.host, endpoint.port), _CONNECT_LIMIT)
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        found.settimeout(_CONNECT_LIMIT)
        found.connect(endpoint.path)
    except BaseException:
        found.close()
        raise
    return found


class Call:
    """One request, which `answer` performs and another thread may `abort`."""

    def __init__(
        self, client: Client, method: str, path: str, body: tuple[bytes | None, str], limit: float | None
    ) -> None:
        self._client = client
        self._what = method, path, body[0], {"Content-Type": body[1], "Connection": "close"}
        self._connection = _Connection(client.endpoint, limit)
        # http.client forgets its socket as soon as it has read the head of an answer.
        self._socket: socket.socket | None = None
        self._aborted = False

    def answer(self) -> bytes:
        """Send the request; return the body of the answer.

        Raises:
            RefusedError: the answer is an error.
            EngineError: there was no answer.
        """
        method, path, body, headers = self._what
        try:
            self._connection.connect()
            self._socket = self._connection.sock
            if self._aborted:
                raise ConnectionAbortedError
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            content = answer.read()
        except TimeoutError as error:
            self.close()
            raise EngineError(
                f"{self._client.title} did not answer {method} {path} within {self._connection.timeout:g} s; "
                "look at its log"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if self._aborted:
                raise EngineError(f"{method} {path} was given up") from error
            raise self._client.unreachable(error) from error
        self.close()
        if answer.status >= _ERRORS_FROM:
            raise self._client.refused(method, path, answer.status, content)
        return content

    def settle(self, limit: float = 30.0) -> None:
        """Wait until the engine has dealt with a request whose answer was not awaited, and close.

        The engine closes the connection when it has answered: with that, what was asked for is done.
        """
        if self._socket is not None:
            with suppress(OSError):
                self._socket.settimeout(limit)
                while self._socket.recv(65536):
                    pass
        self.close()

    def abort(self) -> None:
        """Give the request up: `answer`, in another thread, fails at once."""
        self._aborted = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; may be called more than once."""
        self._connection.close()


class Client:
    """Talks to one engine; `title` is its name in messages, `program` the command that its users type."""

    def __init__(self, endpoint: Endpoint, *, title: str, program: str) -> None:
        self.endpoint = endpoint
        self.title = title
        self.program = program
        self._version: Version | None = None

    @property
    def version(self) -> Version:
        """The version of the API that both sides speak."""
        if self._version is None:
            connection = _Connection(self.endpoint, _CONNECT_LIMIT)
            try:
                connection.request("GET", "/_ping", headers={"Connection": "close"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                raise self.unreachable(error) from error
            finally:
                connection.close()
            found = re.fullmatch(r"(\d+)\.(\d+)", answer.headers.get("Api-Version", ""))
            if not found:
                raise EngineError(
                    f"cannot talk to {self.title} at {self.endpoint.url}: what answers there is no "
                    f"{self.title}; set DOCKER_HOST"
                )
            theirs = int(found[1]), int(found[2])
            if theirs < OLDEST:
                raise EngineError(
                    f"cannot talk to {self.title} at {self.endpoint.url}: it speaks API version "
                    f"{found[0]}, we need {OLDEST[0]}.{OLDEST[1]}; update it"
                )
            self._version = min(NEWEST, theirs)
        return self._version

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: object = None,
        *,
        limit: float | None = _ANSWER_LIMIT,
    ) -> Call:
        """Prepare a request; `body` is bytes or becomes JSON, `limit` seconds of silence are an error."""
        return Call(self, method, self.place(path, query), _encoded(body), limit)

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: object = None,
        *,
        limit: float | None = _ANSWER_LIMIT,
    ) -> Any:  # noqa: ANN401  JSON
        """Perform a request and return the JSON of the answer, or None where it has none."""
        call = self.call(method, path, query, body, limit=limit)
        try:
            content = call.answer()
        except BaseException:
            call.close()
            raise
        try:
            return json.loads(content) if content.strip() else None
        except ValueError:
            return content.decode(errors="replace")

    def hijack(
        self, path: str, query: Mapping[str, object] | None = None, body: object = None
    ) -> tuple[socket.socket, bytes]:
        """Perform a POST whose connection becomes a stream; return it and what came behind the answer."""
        content, kind = _encoded(body)
        where = self.place(path, query)
        head = (
            f"POST {where} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(content or b'')}\r\n\r\n"
        )
        stream = None
        try:
            stream = connect(self.endpoint)
            stream.settimeout(_ANSWER_LIMIT)
            stream.sendall(head.encode() + (content or b""))
            answer = b""
            while b"\r\n\r\n" not in answer and len(answer) < _HEAD_LIMIT:
                piece = stream.recv(4096)
                if not piece:
                    raise ConnectionResetError("the engine closed the connection")  # noqa: TRY301  as recv would
                answer += piece
            head_of_answer, _, rest = answer.partition(b"\r\n\r\n")
            found = _STATUS_LINE.match(head_of_answer)
            status = int(found[1]) if found else 0
            if status >= _ERRORS_FROM or not status:
                stream.settimeout(1.0)
                content = _rest_of(stream, head_of_answer, rest)
                raise self.refused("POST", where, status, content)  # noqa: TRY301  it closes the stream
            stream.settimeout(None)
        except BaseException as error:
            if stream is not None:
                stream.close()
            if isinstance(error, OSError):
                raise self.unreachable(error) from error
            raise
        return stream, rest

    def place(self, path: str, query: Mapping[str, object] | None) -> str:
        """Return the path of a request with its version and query."""
        major, minor = self.version
        given = {name: value for name, value in (query or {}).items() if value is not None}
        # Podman's own part of the API counts its versions by itself.
        version = _LIBPOD if path.startswith("/libpod/") else f"{major}.{minor}"
        return f"/v{version}{quote(path)}" + (f"?{urlencode(given, doseq=True)}" if given else "")

    def unreachable(self, error: Exception) -> EngineError:
        """Say why nobody answers, and what would help."""
        why = f"cannot reach {self.title} at {self.endpoint.url}: {getattr(error, 'strerror', None) or error}"
        if isinstance(error, PermissionError):
            step = "run with sudo" if self.program == "podman" else "join the group docker, or run with sudo"
        elif isinstance(error, FileNotFoundError | ConnectionRefusedError):
            step = "is the engine running? start it, or set DOCKER_HOST"
            if self.program == "podman":
                step = "start it with podman system service, or set CONTAINER_HOST"
        else:
            step = "is the engine running?"
        return EngineError(f"{why}; {step}")

    def refused(self, method: str, path: str, status: int, content: bytes) -> RefusedError:
        """Return the error that the engine's answer is."""
        try:
            said = str(json.loads(content)["message"])
        except (ValueError, LookupError, TypeError):
            said = content.decode(errors="replace") or "no reason given"
        said = " ".join(said.split())
        return RefusedError(f"{self.title} refuses {method} {path.partition('?')[0]}: {said}", status, said)


def _encoded(body: object) -> tuple[bytes | None, str]:
    if body is None:
        return None, "application/json"
    if isinstance(body, bytes):
        return body, "application/x-tar"
    return json.dumps(body).encode(), "application/json"


def _rest_of(stream: socket.socket, head: bytes, rest: bytes) -> bytes:
    """Return the whole body of a refusal, or as much of it as comes."""
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    length = int(found[1]) if found else None
    with suppress(OSError):
        while length is None or len(rest) < length:
            piece = stream.recv(4096)
            if not piece:
                break
            rest += piece
    return rest
