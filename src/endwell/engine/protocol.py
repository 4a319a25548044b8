"""What every engine can do, in Docker's words: one container, its PID 1, its output, its stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from endwell.model.signals import TERM
from endwell.records import dataclass

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from endwell.engine.output import Dropped, Line
    from endwell.model.signals import Signal
    from endwell.model.spec import ContainerSpec

# Docker gives every container this search path unless the image names another.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_SIGNAL = TERM
DEFAULT_GRACE = 10.0
NOT_EXECUTABLE = 126
NOT_FOUND = 127


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

    `killed` is true when the engine sent SIGKILL, because the grace period was over or because of `kill`;
    `took` is in seconds, from the first stop or kill that was asked for to the end; 0 without one.
    `note` says where the engine could not stop as asked, and what was done instead.
    """

    status: int
    killed: bool = False
    took: float = 0.0
    note: str = ""


class Execution(Protocol):
    """A command that runs inside a container besides PID 1, as with `docker exec`.

    Leaving it as a context manager lets go of it; where the engine can, it is killed then.
    """

    @property
    def pid(self) -> int:
        """Its number on this machine; 0 when it is not known, as of an engine's, and after `close`."""
        ...

    @property
    def lines(self) -> Sequence[Line]:
        """Every line it has printed so far, oldest first."""
        ...

    def wait(self, timeout: float | None = None) -> int | None:
        """Return its status, 128+n for a signal, within `timeout` seconds; None when it still runs.

        A command that is not there has the status 127, one that is no program 126, as with `docker exec`.
        """
        ...

    def close(self) -> None:
        """Let go of it; may be called more than once."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Container(Protocol):
    """A container; leaving it as a context manager kills and removes it with everything in it.

    One that `attach` gave is somebody else's: leaving it only lets go of it. Every call may come from any
    thread. A call that waits may be left by an exception that a signal handler raises; `remove` then leaves
    nothing behind.
    """

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def identity(self) -> str:
        """What the engine calls it."""
        ...

    @property
    def pid(self) -> int:
        """PID 1's number on this machine; 0 when it is not known yet, and `elsewhere`."""
        ...

    @property
    def command(self) -> Sequence[str]:
        """What PID 1 is told to execute at the start: all words, those of the image included."""
        ...

    @property
    def elsewhere(self) -> bool:
        """Whether it runs where its processes cannot be seen from here: on another machine, as a rule."""
        ...

    @property
    def address(self) -> str:
        """Where its ports are found from the engine's host: an IP address, or nothing without one."""
        ...

    @property
    def stop_signal(self) -> Signal:
        """What `stop` sends first: the spec's signal, else the container's, else the image's, else TERM."""
        ...

    @property
    def grace(self) -> float:
        """The seconds `stop` waits: the spec's, else the container's, else 10; infinite if it never kills."""
        ...

    @property
    def lines(self) -> Sequence[Line]:
        """Every line printed and kept so far, oldest first: the first ones, and the last ones."""
        ...

    @property
    def dropped(self) -> Dropped:
        """How much of the output was read and not kept, because there was too much."""
        ...

    def members(self) -> tuple[int, ...]:
        """Return the processes in its PID namespace now, by host numbers: for looking at, not for killing.

        Empty before the start, and `elsewhere`.
        """
        ...

    def start(self) -> None:
        """Let PID 1 go; returns when it has become the command.

        PID 1 leads a session, has no signal ignored or blocked, /dev/null as its standard input, pipes as
        its outputs, or a terminal for all three.

        Raises:
            NotStartedError: the command cannot be executed.
            EngineError: the engine cannot start it for another reason.
        """
        ...

    def expect(self, text: str | re.Pattern[str], timeout: float = 10.0) -> Line:
        """Return the first line equal to `text` that no earlier call has returned; wait for it if need be.

        A pattern is searched for in the line instead.

        Raises:
            NotSeenError: `timeout` seconds have passed, or the output has ended.
        """
        ...

    def feed(self, text: str) -> None:
        """Write to its standard input, or what it reads from its terminal; EngineError if it has none."""
        ...

    def close_input(self) -> None:
        """Let it read the end of its standard input."""
        ...

    def send(self, number: int) -> None:
        """Send a signal to PID 1 alone, as `docker kill --signal` does; one that has ended is no error."""
        ...

    def stop(self, grace: float | None = None, number: int | None = None) -> Ending:
        """Stop by the engine's rules: signal PID 1 alone, wait, SIGKILL; return how it ended.

        Args:
            grace: seconds instead of `self.grace`. Docker and podman take whole seconds. With 0 Docker sends
                the signal and SIGKILL right behind it, as the local engine does; podman sends only SIGKILL.
            number: instead of `self.stop_signal`.

        Source: https://docs.docker.com/reference/cli/docker/container/stop/
        """
        ...

    def kill(self) -> Ending:
        """Send SIGKILL to PID 1, as `docker kill` does; return how it ended."""
        ...

    def exec(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        directory: str | None = None,
        user: str | None = None,
        entering: Callable[[int], object] | None = None,
    ) -> Execution:
        """Run one more command inside, with the container's own environment, directory and user if not given.

        `entering` is called with its number on this machine before it executes, by an engine that starts it.

        Raises:
            EngineError: the container does not run.
        """
        ...

    def wait(self, timeout: float | None = None) -> Ending | None:
        """Return how the container ended, waiting at most `timeout` seconds; None when it still runs."""
        ...

    def remove(self) -> None:
        """Kill what still runs and leave nothing behind; may be called more than once, and again."""
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

    def create(self, spec: ContainerSpec, *, listener: int | None = None) -> Container:
        """Make a container that does not run yet.

        Where the engine can (local), PID 1 is there and held before its exec, and its `pid` known; elsewhere
        `pid` is 0 until the start. `listener` is what `system.launch.Launch` calls so; only the local engine
        has one.

        Raises:
            NotStartedError: there is no command.
            EngineError: the engine cannot be reached, may not make a container, or has no such image.
        """
        ...

    def attach(self, name: str) -> Container:
        """Take a container that runs already; what it prints is seen from now on.

        It is never removed by us, and once stopped it is its owner's. With a restart policy it stays stopped,
        as after any `docker stop`; one made with `--rm` is gone.

        Raises:
            EngineError: there is no such container, it does not run, or the engine cannot be reached.
        """
        ...

    def start(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, directory: str = "/"
    ) -> Container:
        """Create a container whose PID 1 is `command` and start it; `environment` is added to PATH and HOME.

        Raises:
            NotStartedError: the command cannot be executed.
            EngineError: the engine cannot be reached, or may not make a container.
        """
        ...

    def close(self) -> None:
        """Give up what the engine itself needed, such as a service; may be called more than once."""
        ...
