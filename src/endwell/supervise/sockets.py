"""Sockets that programs find as their descriptor 0: those of [fcgi-program:x].

One socket is for all processes that name it. It is made before the first of them is spawned, and kept while
they are restarted, so that whoever connects meanwhile waits and is not refused; supervisord closes it when
the last process has ended. It is closed when all of them were stopped, have failed for good, or are gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.effect import Announce
from endwell.machine.reloading import Swapped
from endwell.machine.state import State

if TYPE_CHECKING:
    from _socket import socket

    from endwell.machine.act import Act
    from endwell.model.service import SocketSpec
    from endwell.supervise.supervisor import Supervisor

_OVER = frozenset({State.STOPPED, State.FATAL})


class Sockets:
    """All of them.

    Args:
        supervisor: of those who need them.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self._lives = supervisor.ensemble.lives
        self._open: dict[SocketSpec, socket] = {}
        supervisor.workshop.socket = self.get
        supervisor.listeners.append(self._heard)

    def get(self, wanted: SocketSpec) -> int:
        """Return the descriptor of a socket, which listens from now on.

        Raises:
            OSError: it cannot; `filename` says where.
        """
        made = self._open.get(wanted)
        if made is None:
            from endwell.system.shared_socket import listen_at_path, listen_at_port  # noqa: PLC0415  rare

            if wanted.path:
                made = listen_at_path(wanted.path, wanted.mode, wanted.owner, wanted.backlog)
            else:
                made = listen_at_port(wanted.host, wanted.port, wanted.backlog)
            self._open[wanted] = made
        return made.fileno()

    def _heard(self, act: Act) -> None:
        effect = act.effect
        over = isinstance(effect, Announce) and effect.state in _OVER
        if self._open and (over or isinstance(effect, Swapped)):
            needed = {life.spec.socket for life in self._lives.values() if life.state not in _OVER}
            for one in [one for one in self._open if one not in needed]:
                self._open.pop(one).close()
