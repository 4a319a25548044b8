"""A container as `ready` wants to see it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.engine.interruptions import HeldBack
from endwell.engine.protocol import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from endwell.engine.output import Line
    from endwell.engine.protocol import Container
    from endwell.probe.observer import Observer


class ContainerRoom:
    """The questions of `ready.Room`, answered by a container of any engine.

    `observer` is told of the commands that are run in there.
    """

    def __init__(self, container: Container, observer: Observer) -> None:
        self._container = container
        self._observer = observer

    @property
    def lines(self) -> Sequence[Line]:
        """What it has printed, oldest first."""
        return self._container.lines

    def members(self) -> tuple[int, ...]:
        """Return its processes by our numbers; empty where they cannot be seen from here."""
        try:
            return self._container.members()
        except EngineError:
            return ()

    def ended(self) -> bool:
        """Whether it has ended."""
        return self._container.wait(0.0) is not None

    def wait(self, timeout: float) -> None:
        """Return after `timeout` seconds, or when it has ended."""
        self._container.wait(timeout)

    def root(self) -> Path:
        """Return where its files are, seen from here."""
        return Path("/proc", str(self._container.pid), "root")

    def exec(self, command: tuple[str, ...], timeout: float) -> int | None:
        """Run a command inside and return its status; None when it took longer than `timeout` seconds."""
        try:
            entering = partial(self._observer.entered, argv=command)
            # Only the waiting may be left: half an execution nobody could end.
            with (
                HeldBack() as held,
                self._container.exec(command, entering=entering) as running,
                held.allowed(),
            ):
                return running.wait(timeout)
        except EngineError:
            return None
