"""A web application for WSGI and ASGI servers; /slow takes until a byte can be read from the FIFO $GATE."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable


def wait_at_the_gate() -> None:
    """Take one byte from the gate."""
    descriptor = os.open(os.environ["GATE"], os.O_RDWR)
    os.read(descriptor, 1)
    os.close(descriptor)


def wsgi(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]
) -> Iterable[bytes]:
    """Answer a WSGI request."""
    if environ["PATH_INFO"] == "/slow":
        wait_at_the_gate()
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


async def asgi(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer an ASGI request."""
    del receive
    if scope["type"] != "http":
        return
    if scope["path"] == "/slow":
        await asyncio.to_thread(wait_at_the_gate)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
