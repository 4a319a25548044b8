"""Where clients of HTTP come in, once a file asks for that: what it takes is not loaded before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.reloading import Swapped

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.machine.act import Act
    from endwell.supervise.control.office import Office
    from endwell.supervise.doors import Doors
    from endwell.supervise.reloading import Reloading
    from endwell.supervise.supervisor import Supervisor
    from endwell.system.loop import Loop


class DoorError(Exception):
    """A socket cannot be opened; the text is one line with file and line, and what to do."""


class Entrance:
    """The doors, if there are any.

    Args:
        supervisor: whose clients they are for.
        loop: for waiting.
        office: takes the gateway's requests.
        reloading: knows what the file says.
        say: says a line.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        loop: Loop,
        office: Office,
        reloading: Reloading,
        say: Callable[[str], None],
    ) -> None:
        self._supervisor = supervisor
        self._loop = loop
        self._office = office
        self._reloading = reloading
        self._say = say
        self._doors: Doors | None = None
        # Before the one who has asked for a reload hears that it is done.
        supervisor.listeners.insert(0, self._changed)

    def open(self) -> None:
        """Open what the file asks for now.

        Raises:
            DoorError: something of it cannot be opened; nothing is open.
        """
        active = self._reloading.active
        if self._doors is None and (active.by_group or active.project.web is not None):
            from endwell.supervise.doors import open_doors  # noqa: PLC0415  most files ask for none

            self._doors = open_doors(self._supervisor, self._loop, self._office, self._reloading, self._say)

    def close(self) -> None:
        """Close all there is."""
        if self._doors is not None:
            self._doors.close()

    def _changed(self, act: Act) -> None:
        if isinstance(act.effect, Swapped) and self._doors is None:
            try:
                self.open()
            except DoorError as error:
                self._say(str(error))
