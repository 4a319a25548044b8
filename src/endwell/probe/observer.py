"""What every observer can do: see all that happens to the processes of one container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from endwell.model.timeline import Event, Witness


NO_THREAD = "cannot observe with {}: no more threads may be started here; raise ulimit -u"


class ObserverError(Exception):
    """An observer cannot work here; the message says what, why, and one next step."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen: events in order of time, in seconds of the monotonic clock, and who saw them."""

    events: tuple[Event, ...]
    witness: Witness


class Observer(Protocol):
    """Watches one container from before its start; entered before, left after: then nothing of it remains.

    It reads in a thread of its own: its methods return at once but for `hurry` and `finish`.
    """

    @property
    def name(self) -> str:
        """The name of the back end."""
        ...

    @property
    def listener(self) -> int | None:
        """The socket on which PID 1, before its exec, sends what the back end needs; None if nothing."""
        ...

    @property
    def born(self) -> int:
        """How many processes were seen so far: a container that forks without end has to be ended."""
        ...

    def follow(self, pid: int, argv: Sequence[str] = ()) -> None:
        """PID 1 is known now: by its number on the host; what happened to it before is not lost.

        `argv` is what it is told to execute, if we tell it.
        """
        ...

    def entered(self, pid: int, argv: Sequence[str]) -> None:
        """We run a command inside: by its number on the host, and what it is about to execute."""
        ...

    def hurry(self) -> None:
        """Read at once what happens from now on, the stop is near: until then reading has to cost little.

        May wait up to 0.5 s, until the reader has caught up.
        """
        ...

    def finish(self) -> Observation:
        """Return everything, when the container has ended; to be called once."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...
