"""What is where on the page.

| path | what |
|---|---|
| / | all services, the stop plan, the last stop |
| /services/NAME | one service and its log |
| /services/NAME/start, stop, restart | POST: does it, and leads back |
| /services/NAME/log, /events | what the page listens to |
| /metrics | OpenMetrics |
| /healthz | 200 while the supervisor answers and the container is not ending |
| /readyz | 200 when all that start by themselves are ready, else 503 and who is not |
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from endwell.gateway.control import Gone
from endwell.gateway.message import Answered, problem
from endwell.gateway.page import live, metrics
from endwell.gateway.page.course import last_stop
from endwell.gateway.page.guard import Guard, field
from endwell.gateway.page.names import called
from endwell.gateway.page.picture import picture, told
from endwell.gateway.page.readiness import not_ready
from endwell.gateway.page.template import page
from endwell.gateway.page.view import Shown, line_of, summary
from endwell.gateway.rows import asked as name_of
from endwell.model.control import ControlError, Kind
from endwell.render.clean import clean

if TYPE_CHECKING:
    from endwell.gateway.control import Control
    from endwell.gateway.message import Asked
    from endwell.gateway.rows import Row
    from endwell.model.control import Value
    from endwell.model.gateway import Door

_ACTIONS = ("start", "stop", "restart")
_OPEN = ("healthz", "readyz")
_LOOKING = ("GET", "HEAD")
_TEXT = (("Content-Type", "text/plain;charset=utf-8"), ("Cache-Control", "no-store"))


class Pages:
    """Answers a browser, and who else asks by GET.

    Args:
        control: the supervisor.
        secret: of which tokens are made.
    """

    def __init__(self, control: Control, secret: str) -> None:
        self._control = control
        self._guard = Guard(secret)

    async def __call__(self, door: Door, asked: Asked) -> Answered:
        """Answer a request."""
        try:
            return await self._answer(door, asked)
        except ControlError as error:
            status = HTTPStatus.NOT_FOUND if error.kind is Kind.NO_SUCH_SERVICE else HTTPStatus.CONFLICT
            return problem(status, why=error.message)
        except Gone:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, close=True, why="the supervisor has ended")

    async def _answer(self, door: Door, asked: Asked) -> Answered:
        # A name may have a slash in it, and bytes that are no text.
        parts = urlsplit(asked.target).path.split("/")[1:]
        path = tuple(unquote(one, errors="surrogateescape") for one in parts)
        if len(path) == 1 and path[0] in _OPEN and asked.method in _LOOKING:
            return await self._probe(path[0])
        if (refusal := self._guard.refuses(door, asked)) is not None:
            return refusal
        if len(path) == 3 and path[0] == "services" and path[2] in _ACTIONS:  # noqa: PLR2004  its parts
            return await self._act(door, asked, path[1], path[2])
        if asked.method not in _LOOKING:
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", ", ".join(_LOOKING)))
        return await self._look(door, path)

    # --------------------------------------------------------------------------------------------- to look at

    async def _look(self, door: Door, path: tuple[str, ...]) -> Answered:
        match path:
            case () | ("",) | ("index.html",):
                return await self._overview(door)
            case ("services", name):
                return await self._service(door, name)
            case ("services", name, "log"):
                return live.lines(self._control, name_of(await self._row(name)))
            case ("events",):
                return live.changes(self._control)
            case ("metrics",):
                return await self._metrics()
        return problem(HTTPStatus.NOT_FOUND, why="there is /, /metrics, /healthz and /readyz")

    async def _overview(self, door: Door) -> Answered:
        seen, plan = await self._control.ask("ps"), await self._control.ask("plan")
        now = time.time()
        course = last_stop(seen["services"], now)
        return page(
            "overview.html",
            about=summary(seen["project"], seen["services"], now),
            services=[Shown(row, now) for row in seen["services"]],
            names={row["label"]: called(row) for row in seen["services"]},
            plan=plan["stop"],
            course=course,
            picture="" if course is None else picture(course),
            told=told,
            token=self._guard.token(door),
            now=now,
            root="",
            events="events",
        )

    async def _service(self, door: Door, name: str) -> Answered:
        seen = await self._control.ask("ps")
        row, now = _found(seen, name), time.time()
        processes = (await self._control.ask("top", services=[name_of(row)]))["processes"]
        with self._control.open("logs", services=[name_of(row)], tail=live.TAIL, follow=False) as request:
            log = [line_of(value) async for value in request if "text" in value]
        return page(
            "service.html",
            about=summary(seen["project"], seen["services"], now),
            one=Shown(row, now),
            processes=processes,
            log=log[-live.TAIL :],
            token=self._guard.token(door),
            now=now,
            root="../",
            events="../events",
        )

    async def _row(self, name: str) -> Row:
        return _found(await self._control.ask("ps"), name)

    # --------------------------------------------------------------------------------------------- to be done

    async def _act(self, door: Door, asked: Asked, name: str, action: str) -> Answered:
        if asked.method != "POST":
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "POST"))
        if (refusal := self._guard.refuses_post(door, asked)) is not None:
            return refusal
        shown = Shown(await self._row(name), time.time())
        # Nobody is waited for: the page shows what comes of it.
        await self._control.ask(action, services=[name_of(shown.row)], wait=False)
        # From /services/NAME/stop.
        back = f"../{shown.address}" if field(asked, "back") == "service" else f"../../#{shown.anchor}"
        return Answered(status=HTTPStatus.SEE_OTHER, headers=(("Location", back), *_TEXT))

    # ------------------------------------------------------------------------------------------- for monitors

    async def _metrics(self) -> Answered:
        seen = await self._control.ask("ps")
        processes = (await self._control.ask("top"))["processes"]
        stop = (await self._control.ask("plan"))["stop"]
        text = metrics.metrics(seen["project"], seen["services"], processes, stop)
        headers = (("Content-Type", metrics.CONTENT_TYPE), ("Cache-Control", "no-store"))
        return Answered(headers=headers, body=text.encode())

    async def _probe(self, which: str) -> Answered:
        seen = await self._control.ask("ps")
        if seen["project"]["state"] == "STOPPING":
            return _word(HTTPStatus.SERVICE_UNAVAILABLE, "the container is ending")
        missing = not_ready(seen["services"]) if which == "readyz" else []
        if missing:
            return _word(HTTPStatus.SERVICE_UNAVAILABLE, "\n".join(missing))
        return _word(HTTPStatus.OK, "ok")


def _found(seen: Value, name: str) -> Row:
    for row in seen["services"]:
        if name in {called(row), name_of(row)}:
            found: Row = row
            return found
    raise ControlError(Kind.NO_SUCH_SERVICE, f"there is no service {clean(name[:80])!r}")


def _word(status: HTTPStatus, text: str) -> Answered:
    body = f"{text}\n".encode(errors="replace")
    return Answered(status=status, headers=_TEXT, body=body)
