"""The clients: when which of them asks for what, and that every request is kept account of.

Ordinary requests come at a rate, whether or not the ones before have been answered (an *open loop*): a
generator that waits for its answers slows down together with the server, and shows a stop of one second as
one slow request instead of fifty. Nothing is ever sent twice.

What the load itself must not cause: a server that serves one connection at a time is starved by a connection
that is kept open, so it is tried at the beginning whether others are still served beside it; and half-sent
heads, which occupy a worker each, are sent at the last moment.

What chance must not decide: whether a request that takes a fraction of a millisecond is under way when the
signal comes. So ordinary requests pause a moment before the stop. Those to a server that answers quickly are
waited for, and none is in flight; those to a server that takes its time all are. New clients, and those that
come back on an idle connection, come when a server that leaves at once has left.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from endwell.model.traffic import Group, Outcome
from endwell.probe.load.clients import Clients
from endwell.probe.load.options import LoadError
from endwell.probe.load.outcomes import Exchange, Happening

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.probe.load.connection import Connection
    from endwell.probe.load.options import LoadOptions

_MOST = 1000  # requests at once; a client that has more of them open would itself be the bottleneck
_BESIDE = 1.0  # seconds in which a second connection must be served beside the first
_PREPARE = 0.25  # seconds that the preparation may wait for the server
_SETTLE = 0.05  # seconds for the server to pick up the slow requests
_LEAD = 0.02  # seconds before the stop in which nothing is sent any more
_QUICK = 0.05  # an answer that usually takes less (seconds) is waited for before the stop
_ANSWERS = 0.1  # seconds for how long
_FIRST = 0.05  # seconds after the stop: the first new connection
_REUSE = 0.05  # seconds after the stop: idle connections are used again
_REST = 0.08  # seconds after the stop: half-sent heads are completed
_AGAIN = 0.02  # seconds between two attempts to get the first answer
_CLIENT_ERRORS = range(400, 500)
_FOR_NOW = {408, 425, 429}


class Generator(Clients):
    """All clients of one run, in one event loop."""

    def __init__(self, options: LoadOptions, address: str) -> None:
        super().__init__(options, address)
        self._reserved: list[Connection] = []  # idle when the stop was near, whether or not they still stand
        self._left_out = 0
        self._arrivals: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------------------------------- the phases

    async def begin(self) -> None:
        """Return when the first request has been answered and the others follow; LoadError when it is not."""
        deadline = time.monotonic() + self._options.patience
        await self._first(deadline)
        if self._tcp:
            return
        if not self._idle():
            self._keep = False
            self.notes.append("the server closes every connection after its answer: there are no idle ones")
        elif self._target.protocol == "http/1.1":
            await self._try_beside(deadline)
        if self._options.rate > 0:
            self._arrivals = self._start(self._arrive(1 / self._options.rate, self._ordinary))

    async def prepare(self) -> None:
        """Bring the idle, the slow and the half-sent requests into place; takes a moment, not longer."""
        deadline = time.monotonic() + _PREPARE
        while (missing := self._options.idle - self._idle()) > 0 and self._keep:
            tasks = [self._start(self._open_kept()) for _ in range(missing)]
            await asyncio.wait(tasks, timeout=max(0.0, deadline - time.monotonic()))
            enough = await self._until(lambda: self._idle() >= self._options.idle, deadline)
            if not enough:
                break
        if self._tcp:
            return
        self._reserved = [one for one in self._kept if one.free]
        if self._options.slow_path:
            await self._together(
                [self._fresh(Group.SLOW, self._options.slow_path) for _ in range(self._options.slow)]
            )
            await asyncio.sleep(_SETTLE)
        if self._arrivals is not None:
            self._arrivals.cancel()
        if not self._options.slow_path:
            await self._together([self._fresh(Group.SLOW, self._path) for _ in range(self._options.slow)])
        if self._usual() < _QUICK:
            await self._until(self._ordinary_done, time.monotonic() + _ANSWERS)
        await self._together([self._fresh_half() for _ in range(self._options.half_sent)])
        await asyncio.sleep(_LEAD)

    def stop(self, at: float) -> None:
        """The stop signal is being sent: from now on every client comes with a new connection."""
        self._stopped = at
        if self._arrivals is not None:
            self._arrivals.cancel()
        idle = self._reserved + [one for one in self._kept if one not in self._reserved]
        idle = [one for one in idle if not one.wire.exchanges]
        loop = asyncio.get_running_loop()
        if self._tcp:
            loop.call_at(at + _REUSE, self._say)
        else:
            loop.call_at(at + _REUSE, self._reuse, idle)
            loop.call_at(at + _REST, self._complete)
        self._arrivals = self._start(self._arrive(self._options.fresh_interval, self._newcomer, at + _FIRST))

    async def finish(self) -> None:
        """The container has ended: let what can still end do so, and give up on the rest."""
        if self._stopped is not None:
            # What was planned for shortly after the stop takes place, also when the container was faster.
            await asyncio.sleep(self._stopped + _REST - time.monotonic())
        if self._arrivals is not None:
            self._arrivals.cancel()
        await self._until(self._all_done, time.monotonic() + self._options.linger)
        at = time.monotonic()
        for exchange in self.exchanges:
            exchange.meet(Happening.OVER, at)
        if self._left_out:
            self.notes.append(f"{self._left_out} requests were left out: {_MOST} were unanswered at the time")
        for task in self._tasks:
            task.cancel()
        for connection in [*self._kept, *self._single]:
            connection.close()

    # ------------------------------------------------------------------------------------------ the beginning

    async def _first(self, deadline: float) -> None:
        why = "nothing listens there"
        final = told = False
        while not final and time.monotonic() < deadline:
            exchange = Exchange(Group.IDLE if self._tcp else Group.BEFORE, time.monotonic())
            connection = await self._dial_until(exchange, deadline)
            if connection is not None:
                if self._tcp:
                    self.exchanges.append(exchange)
                    self._keep_held(connection, exchange)
                    return
                self._kept.append(connection)
                self._ask(connection, exchange, self._path)
                await self._until(partial(_done, exchange), deadline)
                if exchange.outcome in {Outcome.OK, Outcome.OK_CLOSE}:
                    self.exchanges.append(exchange)
                    return
                if (
                    exchange.outcome is not None or not told
                ):  # the time may be over in the midst of a last try
                    why = self._why(exchange)
                told = told or exchange.outcome is not None
                connection.close()
                self._kept.clear()
                refused = exchange.status in _CLIENT_ERRORS and exchange.status not in _FOR_NOW
                final = refused or exchange.nonsense
            await asyncio.sleep(0.0 if final else _AGAIN)
        after = "" if final else f" after {self._options.patience:g} s"
        raise LoadError(
            f"cannot load {self._target}: {why}{after}; give an address that the container answers on"
        )

    def _why(self, exchange: Exchange) -> str:
        if exchange.nonsense:
            return f"the answer is not {self._target.protocol.upper()}"
        if exchange.outcome is Outcome.ERROR:
            return f"the answer is status {exchange.status}"
        if exchange.outcome is None:
            return "no answer comes"
        if exchange.outcome in {Outcome.REFUSED, Outcome.DROPPED}:
            return "the connection is accepted, and closed without an answer"
        return f"the first request is {exchange.outcome.value}"

    async def _try_beside(self, deadline: float) -> None:
        exchange = self._new(Group.BEFORE)
        connection = await self._dial_until(exchange, deadline)
        if connection is None:
            return
        self._single.add(connection)
        self._ask(connection, exchange, self._path)
        if await self._until(partial(_done, exchange), time.monotonic() + _BESIDE):
            return
        self._keep = False
        self.notes.append(
            "the server serves one connection at a time: none is kept open, so there are no idle ones"
        )
        for one in self._kept:
            one.close()
        self._kept.clear()
        if not await self._until(partial(_done, exchange), deadline):
            raise LoadError(
                f"cannot load {self._target}: the second request is not answered; look at the server's output"
            )

    # ---------------------------------------------------------------------------------------------- arrivals

    async def _arrive(self, interval: float, client: Callable[[], None], start: float | None = None) -> None:
        begun = time.monotonic() if start is None else start
        number = 0
        seconds = self._options.fresh_seconds if start is not None else None
        while seconds is None or number * interval <= seconds:
            await asyncio.sleep(max(0.0, begun + number * interval - time.monotonic()))
            number += 1
            if len(self._single) + len(self._tasks) < _MOST:
                client()
            else:
                self._left_out += 1

    def _ordinary(self) -> None:
        connection = next((one for one in reversed(self._kept) if one.free), None)
        if connection is None:
            self._start(self._fresh(Group.BEFORE, self._path, keep=self._keep))
            return
        self._ask(connection, self._new(Group.BEFORE, fresh=False), self._path)

    def _newcomer(self) -> None:
        self._start(self._fresh(Group.NEW, self._path))

    def _usual(self) -> float:
        """How many seconds an ordinary answer takes."""
        taken = [one.ended - one.sent for one in self.exchanges if one.ended is not None and one.status]
        return median(taken) if taken else 0.0

    def _ordinary_done(self) -> bool:
        under_way = {Group.BEFORE} if self._options.slow_path else {Group.BEFORE, Group.SLOW}
        return all(one.outcome is not None for one in self.exchanges if one.group in under_way)

    # ---------------------------------------------------------------------------------------- after the stop

    def _reuse(self, idle: list[Connection]) -> None:
        for connection in idle:
            exchange = self._new(Group.IDLE, fresh=False)
            if connection.free:
                self._ask(connection, exchange, self._path)
            else:
                exchange.meet(Happening.FIN, time.monotonic())

    def _complete(self) -> None:
        for connection, exchange, rest in self._half:
            connection.ask_rest(exchange, rest)

    def _say(self) -> None:
        if not self._options.say:
            return
        for connection, exchange in self._held:
            if exchange.outcome is None:
                connection.ask(exchange, self._options.say)


def _done(exchange: Exchange) -> bool:
    return exchange.outcome is not None
