"""What is where: /RPC2 for calls, /logtail and /mainlogtail for who follows a log."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from endwell.gateway import marshal
from endwell.gateway.control import Gone
from endwell.gateway.faults import FaultError
from endwell.gateway.follow import follow, followed
from endwell.gateway.log import HEAD, held
from endwell.gateway.message import Answered, problem
from endwell.gateway.rows import asked as name_of
from endwell.model.control import ControlError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from endwell.gateway.message import Asked
    from endwell.gateway.rpc import Rpc
    from endwell.gateway.supervisor import Supervisor

_XML = ("Content-Type", "text/xml")
# Proxies that collect what comes before they pass it on make a log stand still.
_LIVE = (("Content-Type", "text/plain;charset=utf-8"), ("X-Accel-Buffering", "no"))


class Routes:
    """Answers requests by their paths.

    Args:
        supervisor: whom they are about.
        rpc: makes calls.
    """

    def __init__(self, supervisor: Supervisor, rpc: Rpc) -> None:
        self._supervisor = supervisor
        self._rpc = rpc

    async def __call__(self, asked: Asked) -> Answered:
        """Answer a request."""
        first, _, rest = asked.path.lstrip("/").partition("/")
        if first == "RPC2":
            return await self._call(asked)
        if first not in ("logtail", "mainlogtail"):
            return problem(HTTPStatus.NOT_FOUND, why="there is /RPC2, /logtail/NAME and /mainlogtail")
        if asked.method != "GET":
            return problem(HTTPStatus.BAD_REQUEST, why="a log is asked for with GET")
        try:
            return await (self._log_of(rest) if first == "logtail" else self._own_log())
        except (FaultError, ControlError) as error:
            return problem(HTTPStatus.NOT_FOUND, why=str(error))
        except Gone:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, close=True, why="the supervisor has ended")

    async def _call(self, asked: Asked) -> Answered:
        if asked.method != "POST":
            return problem(HTTPStatus.BAD_REQUEST, why="a call is made with POST")
        if not asked.headers.keys() & {"content-length", "transfer-encoding"}:
            return problem(HTTPStatus.LENGTH_REQUIRED, close=True)
        try:
            name, parameters = marshal.loads(asked.body)
        except marshal.UnreadableError as error:
            return problem(HTTPStatus.BAD_REQUEST, why=f"the body is no call in XML-RPC: {error}")
        try:
            body = marshal.response(await self._rpc.call(name, parameters))
        except FaultError as error:
            body = marshal.fault(error)
        return Answered(headers=(_XML,), body=body)

    async def _log_of(self, rest: str) -> Answered:
        name, _, stream = rest.partition("/")
        row = (await self._supervisor.scene()).process(name)
        stream = stream or "stdout"
        if stream not in ("stdout", "stderr"):
            return problem(HTTPStatus.NOT_FOUND, why="a process has stdout and stderr")
        if row[stream]:
            return _following(str(row[stream]["path"]), temporary=bool(row[stream].get("temporary")))
        if not await self._supervisor.is_shown(row, stream):
            return problem(HTTPStatus.NOT_FOUND, why=f"{name} keeps nothing of its {stream}")
        return _live(held(self._supervisor.control, name_of(row), stream, follow=True))

    async def _own_log(self) -> Answered:
        path = (await self._supervisor.scene()).log
        if path is None:
            return problem(HTTPStatus.NOT_FOUND, why="the supervisor has no log file")
        return _following(path)


def _following(path: str, *, temporary: bool = False) -> Answered:
    modified = followed(path)
    if modified is None and temporary:
        return _live(follow(path, HEAD))
    if modified is None:
        return problem(HTTPStatus.NOT_FOUND, why=f"there is no log file {path}")
    return _live(follow(path, HEAD), ("Last-Modified", formatdate(modified, usegmt=True)))


def _live(pieces: AsyncGenerator[bytes, None], *headers: tuple[str, str]) -> Answered:
    return Answered(headers=(*_LIVE, *headers), body=pieces)
