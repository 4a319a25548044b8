"""Questions to a service: does it take connections, does it answer, is the file there?

A question takes no thread and never blocks: it is a socket that the loop watches, or a child. Names of hosts
are looked up in /etc/hosts only, since asking a name server would block; a service in the same container
is at localhost, or at the container's own name, which is in there.
"""

from __future__ import annotations

import _socket  # socket makes enumerations of hundreds of constants that nobody needs here
import contextlib
import errno
import os
from typing import TYPE_CHECKING, Protocol

from endwell.model.readiness import Means

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.system.loop import Loop

_HOSTS = "/etc/hosts"
_LOCAL = ("127.0.0.1", "::1")
_MOST_OF_AN_ANSWER = 4096
_REDIRECT_END = 400

# Whether the answer is a good one, and else what was seen, in a few words.
Told = "Callable[[bool, str], None]"


class Question(Protocol):
    """A question under way."""

    def cancel(self) -> None:
        """Ask no longer; no answer comes."""


class Runner(Protocol):
    """Who can run a command as the service it asks about."""

    def __call__(self, command: str, answer: Callable[[bool, str], None]) -> Question:
        """Run it, and answer whether it has ended with 0, or how else."""


class Settled:
    """A question that was answered at once."""

    def cancel(self) -> None:
        """There is nothing to cancel."""


def ask(means: Means, value: str, loop: Loop, run: Runner, answer: Callable[[bool, str], None]) -> Question:
    """Ask once; the answer may come before this returns.

    Args:
        means: TCP, HTTP, EXEC or FILE.
        value: as with `model.readiness.Readiness`.
        loop: for waiting.
        run: for EXEC.
        answer: called with the answer, at most once.
    """
    if means is Means.FILE:
        answer(os.path.exists(value), "no such file")  # noqa: PTH110  pathlib brings urllib along
        return Settled()
    if means is Means.EXEC:
        return run(value, answer)
    if means is Means.TCP:
        host, port = split_address(value)
        return Connection(loop, host, port, None, answer)
    host, port, request = http_request(value)
    return Connection(loop, host, port, request, answer)


class Connection:
    """A connection to a service, and a request over it if there is one to be made.

    Args:
        loop: for waiting.
        host: a name or an address.
        port: its number.
        request: what is sent; None: that it takes the connection is all that was asked.
        answer: called with whether it did, or has answered with a status below 400.
    """

    def __init__(
        self, loop: Loop, host: str, port: int, request: bytes | None, answer: Callable[[bool, str], None]
    ) -> None:
        self._loop = loop
        self._port = port
        self._request = request or b""
        self._asks = request is not None
        self._answer: Callable[[bool, str], None] | None = answer
        self._left = list(addresses(host))
        self._seen = "" if self._left else f"{host} is not in /etc/hosts"
        self._read = b""
        self._socket: _socket.socket | None = None
        self._next()

    def cancel(self) -> None:
        """As `Question.cancel`."""
        self._answer = None
        self._close()

    def _next(self) -> None:
        """Try the next address."""
        self._close()
        while self._left:
            address = self._left.pop(0)
            family = _socket.AF_INET6 if ":" in address else _socket.AF_INET
            try:
                self._socket = _socket.socket(family, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK)
            except OSError as error:
                self._fail(error.errno)
                continue
            # Not writable before it is connected, or refused.
            number = self._socket.connect_ex((address, self._port))
            if number in {0, errno.EINPROGRESS}:
                self._loop.watch(self._socket.fileno(), self._connected, writing=True)
                return
            self._fail(number)
            self._close()
        self._settle(self._seen)

    def _connected(self) -> None:
        assert self._socket is not None  # noqa: S101  it is what was watched
        if number := self._socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR):
            self._fail(number)
            self._next()
            return
        if not self._asks:
            self._settle()
            return
        try:
            sent = self._socket.send(self._request)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(error.errno)
            self._next()
            return
        self._request = self._request[sent:]
        if not self._request:
            self._loop.watch(self._socket.fileno(), self._answered)

    def _answered(self) -> None:
        assert self._socket is not None  # noqa: S101  it is what was watched
        try:
            part = self._socket.recv(_MOST_OF_AN_ANSWER)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        self._read += part
        if b"\n" in self._read or not part or len(self._read) > _MOST_OF_AN_ANSWER:
            self._settle("" if is_good(self._read) else status_of(self._read))

    def _fail(self, number: int | None) -> None:
        # Of several addresses the first one is what people mean; localhost is two.
        self._seen = self._seen or os.strerror(number or 0).lower()

    def _settle(self, seen: str = "") -> None:
        """Answer; `seen` is what was wrong."""
        self._close()
        answer, self._answer = self._answer, None
        if answer is not None:
            answer(not seen, seen)

    def _close(self) -> None:
        if self._socket is not None:
            self._loop.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None


def is_good(answer: bytes) -> bool:
    """Whether an answer begins with an HTTP status line whose status is below 400."""
    version, _, rest = answer.partition(b"\n")[0].partition(b" ")
    status = rest.strip()[:3]
    return version.startswith(b"HTTP/") and status.isdigit() and int(status) < _REDIRECT_END


def status_of(answer: bytes) -> str:
    """Say in a few words what an answer is that is no good one."""
    version, _, rest = answer.partition(b"\n")[0].partition(b" ")
    status = rest.strip()[:3]
    return f"HTTP {int(status)}" if version.startswith(b"HTTP/") and status.isdigit() else "no answer in HTTP"


def split_address(value: str) -> tuple[str, int]:
    """Read PORT, HOST:PORT or [HOST]:PORT.

    Raises:
        ValueError: it is none of these.
    """
    host, _, port = value.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"{value!r} is no address: write PORT or HOST:PORT")
    return host.strip("[]") or "localhost", int(port)


def http_request(url: str) -> tuple[str, int, bytes]:
    """Return the host, the port and the request for a URL, which begins with http:// or with // .

    Raises:
        ValueError: it is no such URL.
    """
    scheme, slashes, rest = url.partition("//")
    if scheme not in {"http:", ""} or not slashes:
        raise ValueError(f"{url!r} cannot be asked for: write http://HOST:PORT/PATH; there is no TLS here")
    authority, _, path = rest.partition("/")
    has_port = authority.rpartition("]")[2].count(":")
    host, port = split_address(authority if has_port else f"{authority}:80")
    request = f"GET /{path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: endwell\r\nConnection: close\r\n\r\n"
    return host, port, request.encode()


def addresses(host: str) -> tuple[str, ...]:
    """Return the addresses of a host, without asking anybody beyond this machine; none if it is not known."""
    for family in (_socket.AF_INET, _socket.AF_INET6):
        with contextlib.suppress(OSError):
            _socket.inet_pton(family, host)
            return (host,)
    if host == "localhost":
        return _LOCAL
    found: list[str] = []
    with contextlib.suppress(OSError), open(_HOSTS, encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
        for line in lines:
            address, *names = line.partition("#")[0].split() or [""]
            if host in names:
                found.append(address)
    return tuple(found)
