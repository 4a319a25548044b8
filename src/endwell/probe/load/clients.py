"""The clients' connections and requests: opening, asking, keeping account, waiting for what comes of it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from endwell.model.traffic import Group
from endwell.probe.load.connection import Connection, dial
from endwell.probe.load.outcomes import Exchange, Happening, State

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from endwell.probe.load.options import LoadOptions

_KEPT = 4  # connections that ordinary requests share
_PATIENCE = 0.25  # seconds that several clients together may take to connect


class Clients:
    """Everything that is open, and every request that was made; `Generator` says when.

    `exchanges` are all requests in the order in which they were begun, `notes` are sentences about the load.
    """

    def __init__(self, options: LoadOptions, address: str) -> None:
        self.exchanges: list[Exchange] = []
        self.notes: list[str] = []
        self._options = options
        self._target = options.target
        self._address = address
        self._tcp = options.target.protocol == "tcp"
        self._path = options.say if self._tcp else options.target.path
        self._kept: list[Connection] = []
        self._single: set[Connection] = set()
        self._half: list[tuple[Connection, Exchange, bytes]] = []
        self._held: list[tuple[Connection, Exchange]] = []
        self._keep = True
        self._stopped: float | None = None
        self._happened = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def _dial_until(self, exchange: Exchange, deadline: float) -> Connection | None:
        try:
            async with asyncio.timeout_at(deadline):
                return await dial(self._target, self._address, self._changed, exchange)
        except TimeoutError:
            return None

    async def _fresh(self, group: Group, path: str, *, keep: bool = False) -> None:
        """One request on a connection of its own, which may be kept for others."""
        exchange = self._new(group)
        connection = await dial(self._target, self._address, self._changed, exchange)
        if connection is None:
            return
        if self._tcp:
            self._keep_held(connection, exchange)
            return
        if keep and len(self._kept) < _KEPT:
            self._kept.append(connection)
        else:
            self._single.add(connection)
        self._ask(connection, exchange, path)

    async def _fresh_half(self) -> None:
        exchange = self._new(Group.HALF_SENT)
        connection = await dial(self._target, self._address, self._changed, exchange)
        if connection is not None:
            self._single.add(connection)
            self._half.append((connection, exchange, connection.ask_half(exchange, self._path)))

    async def _open_kept(self) -> None:
        if self._tcp:
            await self._fresh(Group.IDLE, self._path)
            return
        exchange = self._new(Group.BEFORE)
        connection = await dial(self._target, self._address, self._changed, exchange)
        if connection is not None:
            self._kept.append(connection)
            self._ask(connection, exchange, self._path)

    def _new(self, group: Group, *, fresh: bool = True) -> Exchange:
        exchange = Exchange(group, time.monotonic(), fresh, State.CONNECTING if fresh else State.OPEN)
        self.exchanges.append(exchange)
        return exchange

    def _ask(self, connection: Connection, exchange: Exchange, path: str) -> None:
        if connection.alive:
            connection.ask(exchange, path)
        else:
            exchange.meet(Happening.FIN, time.monotonic())

    def _keep_held(self, connection: Connection, exchange: Exchange) -> None:
        self._single.add(connection)
        connection.hold(exchange)
        if self._stopped is not None and self._options.say:
            connection.ask(exchange, self._options.say)
        else:
            self._held.append((connection, exchange))

    def _idle(self) -> int:
        if self._tcp:
            return sum(exchange.outcome is None for _, exchange in self._held)
        return sum(one.free and not one.wire.exchanges for one in self._kept)

    def _all_done(self) -> bool:
        return all(one.outcome is not None for one in self.exchanges)

    def _changed(self, connection: Connection | None) -> None:
        self._happened.set()
        if connection is None or connection.wire.exchanges:
            return
        if connection in self._single:
            self._single.discard(connection)
            connection.close()
        elif connection in self._kept and self._stopped is None and not (self._keep and connection.free):
            self._kept.remove(connection)
            connection.close()

    async def _until(self, holds: Callable[[], bool], deadline: float) -> bool:
        while not holds():
            self._happened.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._happened.wait()
            except TimeoutError:
                return holds()
        return True

    async def _together(self, clients: list[Coroutine[None, None, None]]) -> None:
        if clients:
            await asyncio.wait([self._start(one) for one in clients], timeout=_PATIENCE)

    def _start(self, client: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(client)
        self._tasks.add(task)
        task.add_done_callback(self._left)
        return task

    def _left(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.notes.append(f"a client of the load failed: {error!r}")
