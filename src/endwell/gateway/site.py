"""What is behind a door: supervisord's interface where it has one, and everywhere the page."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from endwell.gateway.message import problem

if TYPE_CHECKING:
    from endwell.gateway.control import Control
    from endwell.gateway.message import Answered, Asked
    from endwell.gateway.page.pages import Pages
    from endwell.gateway.routes import Routes
    from endwell.model.gateway import Door

_CALLS = ("RPC2", "logtail", "mainlogtail")


class Site:
    """Answers requests by the door they have come in by.

    Args:
        calls: answers supervisord's clients.
        control: the supervisor.
        secret: of which the page's tokens are made.
    """

    def __init__(self, calls: Routes, control: Control, secret: str) -> None:
        self._calls = calls
        self._control = control
        self._secret = secret
        self._pages: Pages | None = None

    async def __call__(self, door: Door, asked: Asked) -> Answered:
        """Answer a request."""
        if asked.path.lstrip("/").partition("/")[0] in _CALLS:
            if door.calls:
                return await self._calls(asked)
            return problem(HTTPStatus.NOT_FOUND, why="supervisord's clients have doors of their own")
        if self._pages is None:
            from endwell.gateway.page.pages import Pages  # noqa: PLC0415  supervisorctl needs none of it

            self._pages = Pages(self._control, self._secret)
        return await self._pages(door, asked)
