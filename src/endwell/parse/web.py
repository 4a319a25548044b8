"""The page to look at, of an endwell.toml and of a supervisord.conf alike."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from endwell.model.web import HOST, PORT, Web

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.model.place import Place

LISTEN, USERNAME, PASSWORD = "listen", "username", "password"
_WRITTEN = re.compile(r"(?:(?P<host>[^\s:\[\]/]+|\[[0-9A-Fa-f:.]+\]):)?(?P<port>[0-9]{1,5})")
_HASHED = "{SHA}"
_HASH = re.compile(r"[0-9a-f]{40}")
_LARGEST_PORT = 65535


def listen(value: str) -> tuple[str, int]:
    """Read PORT, HOST:PORT, [IPV6]:PORT or *:PORT to host and port.

    Without a host it is loopback; an empty one, which is how `*` is returned, is every interface.

    Raises:
        ValueError: it is none of these; with what to write instead.
    """
    match = _WRITTEN.fullmatch(value.strip())
    if match is None or not 1 <= int(match["port"]) <= _LARGEST_PORT:
        raise ValueError(f"is not HOST:PORT: write for example {HOST}:{PORT}")
    host = HOST if match["host"] is None else match["host"].strip("[]").lower()
    return "" if host in {"*", "0.0.0.0"} else host, int(match["port"])  # noqa: S104  it is read, not opened


def web_of(
    address: tuple[str, int] | None,
    username: str | None,
    password: str | None,
    place: Place,
    refuse: Callable[[str, str], None],
) -> Web:
    """Return where the page is and who may see it.

    Args:
        address: as `listen` returns it; None for the usual one.
        username: as written.
        password: as written.
        place: where all this stands.
        refuse: told which of `LISTEN`, `USERNAME` and `PASSWORD` cannot be as it is, and why.
    """
    host, port = address or (HOST, PORT)
    if (username is None) is not (password is None):
        has, lacks = (USERNAME, PASSWORD) if password is None else (PASSWORD, USERNAME)
        refuse(has, f"stands there without a {lacks}: write both, or none")
    elif username is not None and (not username or ":" in username):
        refuse(USERNAME, "is empty or has a colon in it, which no browser can send: write another one")
    elif password is not None and not _usable(password):
        refuse(PASSWORD, "is empty, or {SHA} without the 40 digits that `sha1sum` prints: write those")
    elif username is None and not is_loopback(host):
        where = f"{f'[{host}]' if ':' in host else host or '*'}:{port}"
        refuse(
            LISTEN,
            f"is {where}, where others can come in, and there is no password: write username and password "
            f"beside it, or listen on {HOST}:{port}",
        )
    return Web(host=host, port=port, username=username, password=password, place=place)


def is_loopback(host: str) -> bool:
    """Whether only this machine, or this container, can come in there."""
    return host in {"localhost", "::1"} or re.fullmatch(r"127\.[0-9.]+", host) is not None


def _usable(password: str) -> bool:
    if password.startswith(_HASHED):
        return _HASH.fullmatch(password.removeprefix(_HASHED)) is not None
    return bool(password)
