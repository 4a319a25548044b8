"""The ways in that a supervisord.conf asks for, and what answers there; see `model.supervisord`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.model.place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixServer:
    """A [unix_http_server] section.

    Args:
        name: the part after the colon; None without one.
        file: an absolute path.
        chmod: of the socket.
        chown: user and group number; -1 leaves it.
        username: None: nobody is asked for a name.
        password: as written: plain, or `{SHA}` and 40 hexadecimal digits.
    """

    section: str
    name: str | None = None
    file: str
    chmod: int = 0o700
    chown: tuple[int, int] = (-1, -1)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class InetServer:
    """An [inet_http_server] section; an empty host is every interface."""

    section: str
    name: str | None = None
    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcInterface:
    """An [rpcinterface:x] section: an entry point and what it is called with."""

    name: str
    factory: str
    arguments: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    place: Place
