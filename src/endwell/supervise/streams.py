"""What the supervisor asks of whoever takes care of the output of services, and what it lends to it.

There is one `Streams` for a project. Before every spawn, of a service's process or of a hook, the supervisor
asks it for two descriptors and hands them to the process. Whether behind them are a file, a pipe that is read
in the loop, or the container's own output, only the `Streams` knows. None of its methods may block, whatever
has become of the files and readers behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from endwell.model.service import ServiceSpec


class Watcher(Protocol):
    """What a `Streams` may use of the loop."""

    def watch(self, descriptor: int, call: Callable[[], None], *, writing: bool = False) -> None:
        """Call whenever it can be read, or written, for as long as that is so; one watch per descriptor."""

    def forget(self, descriptor: int) -> None:
        """Watch it no longer: to be called before it is closed."""

    def wake_at(self, at: float | None) -> None:
        """Have `Streams.tick` called once at this instant of the monotonic clock; None: not at all."""


class Outlets(Protocol):
    """What one process gets for its descriptors 1 and 2."""

    @property
    def stdout(self) -> int:
        """A descriptor, not one of 0, 1 and 2."""

    @property
    def stderr(self) -> int:
        """Likewise; the same one where both go together."""

    def watch(self, call: Callable[[str, bytes], None], done: Callable[[], None] | None = None) -> None:
        """Show `call` what the process writes: `stdout` or `stderr`, and the bytes; and `done` at its end."""

    def heed(self, stream: str, call: Callable[[bytes], None]) -> None:
        """Show `call` the messages that are taken out of a stream, where its log says `capture`."""

    def follow(self, stream: str, call: Callable[[bytes], None]) -> None:
        """Show `call` what is logged of a stream: without those messages, and without escape sequences."""

    def close(self) -> None:
        """Close our copies of both, after the spawn, whether that has worked or not."""

    def ended(self) -> None:
        """Take note that the process has ended; others that it has left behind may go on writing."""


class Streams(Protocol):
    """Where the output of the services of a project goes."""

    def expect(self, specs: Iterable[ServiceSpec]) -> None:
        """Take note of all services of the project, in place of those named before."""

    def open(self, spec: ServiceSpec) -> Outlets:
        """Return the outlets for one more process of this replica, or for one of its hooks.

        Raises:
            OSError: a file cannot be opened; its `filename` says which.
        """

    def tick(self, now: float) -> None:
        """Take the time that was asked for with `Watcher.wake_at`."""

    def reopen(self) -> None:
        """Open all files anew by their paths: somebody has put them aside."""

    def finish(self) -> None:
        """Take note that all services have ended: what is there is to be written, and no more waited for."""

    @property
    def empty(self) -> bool:
        """Whether everything is written that was read, and nobody writes any more."""

    def close(self) -> tuple[str, ...]:
        """Write what can be written without waiting, close everything, and say what was lost."""
