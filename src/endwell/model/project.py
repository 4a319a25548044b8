"""Everything that runs in one container: its services, and how they end together."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from endwell.records import dataclass

if TYPE_CHECKING:
    from endwell.model.service import ServiceSpec
    from endwell.model.web import Web


class When(Enum):
    """When the container ends by itself."""

    STOPPED = "stopped"  # only when it is told to
    ANY_FAILS = "any-fails"
    ANY_EXITS = "any-exits"
    ALL_EXIT = "all-exit"
    SERVICE_EXITS = "service-exits"


@dataclass(frozen=True, slots=True)
class ExitWhen:
    """When the container ends by itself, and with which status.

    With the status of the first service that failed, or 0; for `SERVICE_EXITS`, of that service's replicas.
    An end counts when it is for good: the restart policy has its say first, and a stop by hand is no end. For
    `ANY_EXITS` one that others wait for to complete may do so.

    Args:
        when: which event.
        service: by name, where it is one service's.
    """

    when: When = When.STOPPED
    service: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A file of services, read and expanded.

    Args:
        services: every replica of every service, in the file's order.
        grace: seconds from the container's stop signal to the engine's SIGKILL: one budget for all.
        kept_back: seconds of the container's own grace that are not in `grace`: somebody else needs them.
        exit_when: when the container ends by itself.
        stop_by_priority: whether, at the stop, a lower priority outlives all higher ones, where no service
            waits for another with `after`. Source: supervisord, whose groups end so.
        socket: where clients of the supervisor connect; `none` for nowhere, empty: at a usual place.
        web: where its page is; None: nowhere.
    """

    services: tuple[ServiceSpec, ...] = ()
    grace: float = 10.0
    kept_back: float = 0.0
    exit_when: ExitWhen = ExitWhen()
    stop_by_priority: bool = False
    socket: str = ""
    web: Web | None = None

    @property
    def given(self) -> float:
        """Seconds of grace that whoever wrote them knows of."""
        return self.grace + self.kept_back
