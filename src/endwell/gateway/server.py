"""The doors: who comes in, how many at a time, and when there is nobody left to be there for."""

from __future__ import annotations

import asyncio
import socket
import sys
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from endwell.gateway.access import gate
from endwell.gateway.connection import Connection
from endwell.gateway.message import problem
from endwell.model.gateway import FIRST_DOOR

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from endwell.gateway.message import Answered, Asked
    from endwell.model.gateway import Commission, Door

    Routes = Callable[[Door, Asked], Awaitable[Answered]]

MOST = 200  # clients at a time, of all doors
_PAUSE = 1.0  # seconds without new clients when there is no descriptor for one


class Server:
    """All clients.

    Args:
        commission: behind which doors, and how long without anybody.
        routes: answers requests that have come in by a door.
    """

    def __init__(self, commission: Commission, routes: Routes) -> None:
        self._routes = routes
        self._patience = commission.patience
        self._doors = {
            socket.socket(fileno=FIRST_DOOR + place): door for place, door in enumerate(commission.doors)
        }
        self._clients: dict[Connection, asyncio.Future[None]] = {}
        self._coming: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._leave = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    async def serve(self) -> None:
        """Serve until nobody has been there for a while, or `close`."""
        self._open()
        self._wait_for_somebody()
        await self._leave.wait()
        self._shut()

    async def close(self, patience: float) -> None:
        """Let nobody in any more, and end those who are there once they have their answers.

        Args:
            patience: seconds for the answers.
        """
        self._shut()
        for client in list(self._clients):
            client.leave()
        if self._clients:
            await asyncio.wait(self._clients.values(), timeout=patience)
        for client in list(self._clients):
            client.hang_up()
        self._leave.set()

    # ---------------------------------------------------------------------------------------------- who comes

    def _open(self) -> None:
        for listening, door in self._doors.items():
            self._loop.add_reader(listening, self._accept, listening, door)

    def _shut(self) -> None:
        for listening in self._doors:
            self._loop.remove_reader(listening)

    def _accept(self, listening: socket.socket, door: Door) -> None:
        try:
            talk, _ = listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            return
        except OSError as error:
            complain(f"cannot take a client of [{door.section}]: {error.strerror}")
            self._shut()
            self._loop.call_later(_PAUSE, self._open)
            return
        talk.setblocking(False)  # noqa: FBT003  the standard library's
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        coming = self._loop.create_task(self._welcome(talk, door))
        self._coming.add(coming)
        coming.add_done_callback(self._coming.discard)

    async def _welcome(self, talk: socket.socket, door: Door) -> None:
        # A stream, whatever the family.
        reader, writer = await asyncio.open_connection(sock=talk)
        full = len(self._clients) >= MOST and not self._make_room()
        answer = _full if full else partial(self._answer, door)
        client = Connection(reader, writer, answer, partial(gate, door))
        self._clients[client] = serving = asyncio.ensure_future(client.serve())
        serving.add_done_callback(partial(self._farewell, client))

    def _farewell(self, client: Connection, serving: asyncio.Future[None]) -> None:
        del self._clients[client]
        if not self._clients:
            self._wait_for_somebody()
        if not serving.cancelled() and (error := serving.exception()) is not None:
            complain(f"a mistake of endwell's own, please report it: {where(error)}")

    def _make_room(self) -> bool:
        """End a client who waits for no answer: one who never has, if possible, and for the longest time."""
        idle = [client for client in self._clients if client.idle]
        if not idle:
            return False
        min(idle, key=lambda client: (client.asked > 0, client.used)).hang_up()
        return True

    async def _answer(self, door: Door, asked: Asked) -> Answered:
        try:
            return await self._routes(door, asked)
        except Exception as error:  # noqa: BLE001  a mistake of ours is no reason to leave others alone
            complain(f"a mistake of endwell's own, please report it: {where(error)}")
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, close=True)

    # ------------------------------------------------------------------------------------------------- nobody

    def _wait_for_somebody(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # Who comes in the instant after this stays in the queue of the socket, and the supervisor sees him.
        self._timer = self._loop.call_later(self._patience, self._leave.set)


async def _full(_: Asked) -> Answered:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, close=True, why="too many clients wait for an answer")


def complain(text: str) -> None:
    """Say a line where the supervisor says its own."""
    print(f"endwell: gateway: {text}", file=sys.stderr, flush=True)


def where(error: BaseException) -> str:
    """Return what went wrong, and in which line of which file, in one line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}: "
    return f"{place}{type(error).__name__}: {error}"
