"""Whether anybody listens to events; only then is there anything to do for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.reloading import Dropped, Renewing, Swapped

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from endwell.machine.act import Act
    from endwell.model.service import ServiceSpec
    from endwell.supervise.listeners import Listeners
    from endwell.supervise.supervisor import Supervisor
    from endwell.system.loop import Loop


class Hearing:
    """Brings the listeners in as soon as the project has some.

    Args:
        supervisor: of the services, none of which is started yet.
        loop: for waiting.
        server: supervisord's identifier.
        say: told in one line what goes wrong.
    """

    def __init__(self, supervisor: Supervisor, loop: Loop, server: str, say: Callable[[str], None]) -> None:
        self._supervisor = supervisor
        self._loop = loop
        self._server = server
        self._say = say
        self._listeners: Listeners | None = None
        self._renewing: Act | None = None
        supervisor.listeners.append(self._heard)
        specs = [life.spec for life in supervisor.ensemble.lives.values()]
        if _any_listen(specs):
            self._bring_in().begin(specs)

    def remote(self, kind: str, text: str) -> None:
        """Pass on a message of a client to those who listen; nobody may."""
        if self._listeners is not None:
            self._listeners.remote(kind, text)

    def _heard(self, act: Act) -> None:
        listeners = self._listeners
        if listeners is None and isinstance(act.effect, Swapped) and _any_listen(act.effect.project.services):
            listeners = self._bring_in()
            if self._renewing is not None:
                listeners.take(self._renewing)
        if isinstance(act.effect, Renewing | Swapped | Dropped):
            self._renewing = act if isinstance(act.effect, Renewing) else None
        if listeners is not None:
            listeners.take(act)

    def _bring_in(self) -> Listeners:
        from endwell.supervise.listeners import Listeners  # noqa: PLC0415  few projects have any

        self._listeners = Listeners(self._loop, self._supervisor.ensemble, self._server, self._say)
        self._supervisor.processes.watcher = self._listeners
        return self._listeners


def _any_listen(specs: Collection[ServiceSpec]) -> bool:
    return any(spec.listener is not None for spec in specs)
