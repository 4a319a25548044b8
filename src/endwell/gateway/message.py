"""What a client asks and what it is answered, HTTP's details left out."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request.

    Args:
        method: GET, POST or another.
        target: as sent: a path, and perhaps a query.
        headers: by name in lower case; of several of the same name, the last.
        body: all of it.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path, its escapes undone."""
        return unquote(urlsplit(self.target).path, errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A response.

    Args:
        status: of HTTP.
        headers: in addition to those that say how long it is and when it was made.
        body: all of it, or what comes bit by bit for as long as the client listens.
        close: whether the connection ends with it.
    """

    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | AsyncGenerator[bytes, None] = field(default=b"", repr=False)
    close: bool = False


def problem(
    status: HTTPStatus, *headers: tuple[str, str], close: bool = False, why: str | None = None
) -> Answered:
    """Return a response that says that it does not work, and perhaps why."""
    text = f"{status.value} {status.phrase}{f': {why}' if why else ''}\n"
    kind = ("Content-Type", "text/plain;charset=utf-8")
    return Answered(status=status, headers=(kind, *headers), body=text.encode(), close=close)
