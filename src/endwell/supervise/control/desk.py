"""What those who answer clients know: the supervisor, the file, the clocks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from endwell.machine.naming import ALL, Names
from endwell.model.control import ControlError, Kind
from endwell.model.supervisord import Supervisord
from endwell.records import dataclass, field
from endwell.supervise.control.bulletin import Bulletin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from endwell.machine.life import Life
    from endwell.model.request import Request
    from endwell.model.service import ServiceSpec
    from endwell.supervise.children import Child
    from endwell.supervise.control.exchange import Exchange
    from endwell.supervise.control.tails import Tails
    from endwell.supervise.hearing import Hearing
    from endwell.supervise.logs.capture import Capture
    from endwell.supervise.own_log import OwnLog
    from endwell.supervise.reading import Reading
    from endwell.supervise.reloading import Reloading
    from endwell.supervise.supervisor import Supervisor
    from endwell.system.loop import Loop

Key = tuple[str, int]

_DRIFT = 0.5  # seconds by which the wall clock may move before times are counted by it anew


@dataclass(slots=True, eq=False)
class Desk:
    """All of it.

    Args:
        supervisor: who does what is asked for.
        loop: for waiting.
        capture: of the output of services.
        tails: the last of it.
        reading: returns what the file says that is in force.
        reloading: who reads it again; None: nobody can.
        hearing: who listens to events.
        own_log: the supervisor's own log; None: it has none.
        began: when all this began, by the wall clock.
        wall: the wall clock.

    Attributes:
        bulletin: what is new.
        executions: the programs of `exec` that run.
    """

    supervisor: Supervisor
    loop: Loop
    capture: Capture
    tails: Tails
    reading: Callable[[], Reading | None]
    reloading: Reloading | None = None
    hearing: Hearing | None = None
    own_log: OwnLog | None = None
    began: float = 0.0
    wall: Callable[[], float] = time.time
    bulletin: Bulletin = field(default_factory=Bulletin)
    executions: dict[Exchange, Child] = field(default_factory=dict)
    _offset: float | None = None

    def __post_init__(self) -> None:
        self.supervisor.listeners.append(self.bulletin)

    @property
    def lives(self) -> dict[Key, Life]:
        """All replicas, in the file's order."""
        return self.supervisor.ensemble.lives

    @property
    def supervisord(self) -> Supervisord | None:
        """What the file says in supervisord's words, if it is in them."""
        reading = self.reading()
        source = None if reading is None else reading.source
        return source if isinstance(source, Supervisord) else None

    def epoch(self, at: float | None) -> float:
        """Return an instant of the monotonic clock by the wall clock; 0 for none.

        The same instant is always the same number, as long as the wall clock is not set.
        """
        if at is None:
            return 0.0
        offset = self.wall() - self.loop.now()
        if self._offset is None or abs(offset - self._offset) > _DRIFT:
            self._offset = offset
        return round(at + self._offset, 6)

    def names(self) -> Names:
        """Return the names there are."""
        return Names((life.spec for life in self.lives.values()), process_name)

    def all_or(self, names: Iterable[str]) -> tuple[Key, ...]:
        """Return the replicas that are meant, or all where none is named.

        Raises:
            ControlError: NO_SUCH_SERVICE.
        """
        wanted = tuple(names)
        return self.names().resolve(wanted) if wanted and wanted != (ALL,) else tuple(self.lives)

    def named(self, request: Request) -> tuple[Key, ...]:
        """Return the replicas that a request names; it has to name some.

        Raises:
            ControlError: NO_SUCH_SERVICE, BAD_ARGUMENTS.
        """
        names = request.names("services")
        if not names:
            raise ControlError(Kind.BAD_ARGUMENTS, f"{request.do}: name a service, or `all`")
        return self.all_or(names)

    def one(self, request: Request) -> Life:
        """Return the replica that a request is about.

        Raises:
            ControlError: NO_SUCH_SERVICE, BAD_ARGUMENTS.
        """
        return self.lives[self.names().one(request.text("service"))]

    def asked(self) -> None:
        """Take note that a client has had its way, once all that follows at once is done, and is news."""
        if self.supervisor.behind:
            self.loop.at(self.loop.now(), self.asked)
        else:
            self.bulletin.asked()

    def check_ending(self) -> None:
        """Refuse what makes no sense any more when the end has come.

        Raises:
            ControlError: STOPPING.
        """
        if self.supervisor.ensemble.ending is not None:
            raise ControlError(Kind.STOPPING, "the container is ending")


def process_name(spec: ServiceSpec) -> str:
    """Return the name of a replica in its group: supervisord's, or its label."""
    return spec.process or spec.label
