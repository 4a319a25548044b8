"""Everything that clients talk to, put together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from endwell.machine.reloading import Swapped
from endwell.model.control import ControlError, Kind
from endwell.supervise.control.tails import Tails

if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from endwell.machine.act import Act
    from endwell.supervise.control.desk import Desk
    from endwell.supervise.control.server import Server
    from endwell.supervise.hearing import Hearing
    from endwell.supervise.logs.capture import Capture
    from endwell.supervise.own_log import OwnLog
    from endwell.supervise.reading import Reading
    from endwell.supervise.reloading import Reloading
    from endwell.supervise.supervisor import Supervisor
    from endwell.system.listening import Listening
    from endwell.system.loop import Loop

_LAST_WORDS = 0.2  # seconds for clients to take what was said at the end, if there are as many


class Office:
    """The supervisor's side of the control protocol.

    What answers is imported when the first client has come: at rest there is nothing but the socket.

    Args:
        supervisor: who does what is asked for.
        loop: for waiting.
        capture: of the output of services.
        listening: where clients connect; None: nowhere.
        reading: what the file says, if it came from one.
        reloading: who reads it again; None: nobody can.
        hearing: who listens to events.
        own_log: the supervisor's own log; None: it has none.
        mistaken: told of an exception that nobody has foreseen.
    """

    def __init__(  # noqa: PLR0913  what clients may talk about
        self,
        supervisor: Supervisor,
        loop: Loop,
        capture: Capture,
        *,
        listening: Listening | None,
        reading: Callable[[], Reading | None],
        reloading: Reloading | None,
        hearing: Hearing,
        own_log: OwnLog | None,
        mistaken: Callable[[Exception], object],
    ) -> None:
        self.tails = Tails(time.time)
        self._supervisor = supervisor
        self._loop = loop
        self._capture = capture
        self._listening = listening
        self._reading = reading
        self._reloading = reloading
        self._hearing = hearing
        self._own_log = own_log
        self._mistaken = mistaken
        self._began = time.time()
        self._desk: Desk | None = None
        self._server: Server | None = None
        supervisor.listeners.append(self._heard)
        if listening is not None:
            self.keep()
            loop.watch(listening.fileno(), self._come)

    def keep(self) -> None:
        """Keep the last of what goes to the container's own output: somebody may ask for it."""
        self._supervisor.workshop.tap = self.tails.tap

    def welcome(self, socket: _socket.socket) -> None:
        """Take a connection that was made elsewhere: one end of a pair of Unix sockets, not waiting."""
        self._open()
        assert self._server is not None  # noqa: S101  it was just opened
        self._server.welcome(socket)

    def close(self) -> None:
        """All is over: answer who still waits, and leave."""
        if self._server is not None and self._desk is not None:
            self._desk.bulletin.end()
            self._server.end_all(ControlError(Kind.STOPPING, "the supervisor has ended"))
            until = min(self._loop.now() + _LAST_WORDS, self._supervisor.leave_by)
            timer = self._loop.at(until, _nothing)  # so that the last turn ends in time
            while self._server.busy and self._loop.now() < until:
                self._loop.turn()
            timer.cancel()
            self._server.close()
        elif self._listening is not None:
            self._loop.forget(self._listening.fileno())
            self._listening.close()

    def _come(self) -> None:
        """The first client is there."""
        try:
            self._open()
        except Exception as error:  # noqa: BLE001  who has no clients goes on all the same
            self._mistaken(error)
            if self._listening is not None:
                self._loop.forget(self._listening.fileno())
                self._listening.close()
                self._listening = None

    def _open(self) -> None:
        if self._server is not None:
            return
        from endwell.supervise.control.desk import Desk  # noqa: PLC0415  at rest there is no client
        from endwell.supervise.control.server import Server  # noqa: PLC0415  likewise
        from endwell.supervise.control.table import handlers  # noqa: PLC0415  likewise

        self._desk = Desk(
            supervisor=self._supervisor,
            loop=self._loop,
            capture=self._capture,
            tails=self.tails,
            reading=self._reading,
            reloading=self._reloading,
            hearing=self._hearing,
            own_log=self._own_log,
            began=self._began,
        )
        self._server = Server(self._listening, self._loop, handlers(self._desk), self._mistaken)

    def _heard(self, act: Act) -> None:
        if isinstance(act.effect, Swapped):
            for key in act.effect.removed:
                self.tails.forget(key)


def _nothing() -> None:
    pass
