"""Who may look at the page, and whose clicks count: those of somebody who has seen it.

A browser takes part in whatever any page asks of it. So that nobody's page can use it to stop a service:

    basic authentication    browsers remember it, and send it along with whatever a foreign page posts
    Sec-Fetch-Site, Origin  a browser says itself where a request comes from (see `access`, too)
    a token                 each form has one that only somebody knows who can read our pages
    Host                    a name that its owner lets point at us (DNS rebinding) makes him our own origin;
                            so without a password we answer to addresses and names without dots only
    Content-Security-Policy no other page may show ours in a frame, nothing is loaded, only our script runs
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from endwell.gateway.message import problem

if TYPE_CHECKING:
    from endwell.gateway.message import Answered, Asked
    from endwell.model.gateway import Door

FIELD = "token"
_FORM = "application/x-www-form-urlencoded"


class Guard:
    """It.

    Args:
        secret: of which tokens are made; empty for one of its own.
    """

    def __init__(self, secret: str) -> None:
        self._secret = (secret or secrets.token_hex()).encode()

    def token(self, door: Door) -> str:
        """Return what a form has to have in it that is to count, for whoever comes in by a door."""
        whose = f"page {door.section} {door.username}".encode(errors="surrogatepass")
        return hmac.new(self._secret, whose, hashlib.sha256).hexdigest()

    def refuses(self, door: Door, asked: Asked) -> Answered | None:
        """Return what somebody is answered who may not look here; None if he may."""
        host = asked.headers.get("host", "")
        if door.username or door.local or not host or _is_ours(host):
            return None
        return problem(
            HTTPStatus.FORBIDDEN,
            close=True,
            why="without a password this answers to addresses only, not to names that anybody can let point "
            "here: ask by the address, or set a username and a password",
        )

    def refuses_post(self, door: Door, asked: Asked) -> Answered | None:
        """Return what somebody is answered whose form does not count; None if it does."""
        if asked.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return problem(HTTPStatus.FORBIDDEN, close=True, why="it comes from another server's page")
        if not hmac.compare_digest(field(asked, FIELD).encode(), self.token(door).encode()):
            why = "it has not come from this page as it is now: go back, reload the page and try again"
            return problem(HTTPStatus.FORBIDDEN, why=why)
        return None


def field(asked: Asked, name: str) -> str:
    """Return a field of a form; empty where it is not there."""
    if asked.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return ""
    try:
        values = parse_qs(asked.body.decode("ascii", errors="replace"), max_num_fields=16)
    except ValueError:
        return ""
    return values.get(name, [""])[0].encode(errors="replace").decode()


def _is_ours(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        ipaddress.ip_address(name)
    except ValueError:
        name = host.partition(":")[0].lower()
        return "." not in name or name.endswith(".localhost")
    return True
