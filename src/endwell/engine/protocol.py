"""What every engine can do, in Docker's words: one container, its PID 1, its output, its stop."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from endwell.engine.output import Line

# Docker gives every container this search path unless the image names another.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class EngineError(Exception):
    """An engine cannot do what it was asked for; the message says what, why, and one next step."""


class NotStartedError(EngineError):
    """The command never became PID 1; `status` is that of `docker run`: 127 not found, 126 not executable."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotSeenError(EngineError):
    """A line that was waited for did not come in time, or cannot come any more."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a container ended: `status` as Docker reports it, 128+n for a signal; `killed` by the engine.

    `killed` is true when the engine sent SIGKILL because the grace period was over; `took` is in seconds,
    from the stop signal to the end, and 0 when nobody asked for a stop.
    """

    status: int
    killed: bool = False
    took: float = 0.0


class Container(Protocol):
    """A started container; leaving it as a context manager kills and removes it with everything in it."""

    @property
    def pid(self) -> int:
        """PID 1's number on the host."""
        ...

    @property
    def lines(self) -> Sequence[Line]:
        """Every line printed that has been read so far, oldest first; `expect` and the waiting calls read."""
        ...

    def expect(self, text: str, timeout: float = 10.0) -> Line:
        """Return the first line equal to `text` that no earlier call has returned; wait for it if need be.

        Raises:
            NotSeenError: `timeout` seconds have passed, or the output has ended.
        """
        ...

    def send(self, number: int) -> None:
        """Send a signal to PID 1 alone, as `docker kill --signal` does; one that has ended is no error."""
        ...

    def stop(self, grace: float = 10.0, number: int = signal.SIGTERM) -> Ending:
        """Stop by Docker's rules: signal PID 1 alone, wait `grace` seconds, SIGKILL; return how it ended.

        Source: https://docs.docker.com/reference/cli/docker/container/stop/
        """
        ...

    def wait(self, timeout: float | None = None) -> Ending | None:
        """Return how the container ended, waiting at most `timeout` seconds; None when it still runs."""
        ...

    def remove(self) -> None:
        """Kill what still runs and leave nothing behind; may be called more than once."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Engine(Protocol):
    """Where containers run."""

    @property
    def name(self) -> str:
        """The name `find` knows it by."""
        ...

    def start(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, directory: str = "/"
    ) -> Container:
        """Start `command` as PID 1 of a container of its own and return when it has been exec'd.

        PID 1 leads a session, has /dev/null as its standard input, pipes as its outputs, no signal ignored or
        blocked, and an environment of PATH and HOME plus `environment`.

        Raises:
            NotStartedError: the command cannot be executed.
            EngineError: the engine cannot be reached, or may not make a container.
        """
        ...
