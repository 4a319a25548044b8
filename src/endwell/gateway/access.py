"""Who may ask: basic authentication, and no pages of other people's servers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from endwell.gateway.message import problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.gateway.message import Answered, Asked
    from endwell.model.gateway import Door

_HASHED = "{SHA}"
# Whoever asks whether we are there, such as an orchestrator, has no name; what it hears is a word or two.
_OPEN = ("/healthz", "/readyz")


def gate(door: Door, asked: Asked) -> Answered | None:
    """Return what somebody is answered who may not ask this here; None if he may.

    Args:
        door: where he has come in.
        asked: his request, without its body.
    """
    return None if asked.path in _OPEN else refusal(door, asked.headers)


def refusal(door: Door, headers: Mapping[str, str]) -> Answered | None:
    """Return what somebody is answered who may not ask here; None if he may.

    Args:
        door: where he has come in.
        headers: of his request, by name in lower case.
    """
    if _foreign(headers):
        # A browser on this machine may be made to post something by any page it shows; it says so itself.
        return problem(HTTPStatus.FORBIDDEN, close=True, why="it comes from another server's page")
    if not door.username:
        return None
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, password = base64.b64decode(token.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return problem(HTTPStatus.BAD_REQUEST, close=True, why="the authorization cannot be read")
        if _same(name, door.username) & _right(password, door.password or ""):
            return None
    realm = ("WWW-Authenticate", 'Basic realm="default"')
    return problem(HTTPStatus.UNAUTHORIZED, realm, close=True)


def _right(password: str, wanted: str) -> bool:
    if wanted.startswith(_HASHED):
        # What the file asks for: supervisord knows no better one.
        found = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest()
        return _same(found, wanted.removeprefix(_HASHED))
    return _same(password, wanted)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass"))


def _foreign(headers: Mapping[str, str]) -> bool:
    origin = headers.get("origin")
    try:
        return origin is not None and urlsplit(origin).netloc != headers.get("host")
    except ValueError:
        return True  # no browser writes such a thing
