"""What the page hears while it is open: server-sent events, https://html.spec.whatwg.org/#server-sent-events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from endwell.gateway.message import Answered
from endwell.gateway.page.view import line_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from endwell.gateway.control import Control

TAIL = 200  # lines that are there already
_HEADERS = (
    ("Content-Type", "text/event-stream"),
    ("Cache-Control", "no-store"),
    # Proxies that collect what comes before they pass it on make a log stand still.
    ("X-Accel-Buffering", "no"),
    ("X-Content-Type-Options", "nosniff"),
)
_AGAIN = b"retry: 2000\n\n"


def changes(control: Control) -> Answered:
    """Return a stream that says whenever something has changed."""
    return Answered(headers=_HEADERS, body=_changes(control))


def lines(control: Control, name: str) -> Answered:
    """Return a stream of what a service has written last, and of what it writes from now on.

    Args:
        control: the supervisor.
        name: of the service.
    """
    return Answered(headers=_HEADERS, body=_lines(control, name))


async def _changes(control: Control) -> AsyncGenerator[bytes, None]:
    with control.open("events") as request:
        yield _AGAIN
        async for value in request:
            yield _event({"event": value.get("event"), "label": value.get("label")})


async def _lines(control: Control, name: str) -> AsyncGenerator[bytes, None]:
    with control.open("logs", services=[name], tail=TAIL, follow=True) as request:
        yield _AGAIN
        async for value in request:
            if "text" in value:
                yield _event(line_of(value))


def _event(value: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()
