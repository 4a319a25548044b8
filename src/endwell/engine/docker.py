"""Containers of a real Docker engine, through its own command line: a stop here is a real `docker stop`.

The command line and not the SDK: it is there wherever Docker is, knows contexts and DOCKER_HOST, and costs no
import. Two of its processes live as long as the container: `docker logs --follow` is the output, `docker
wait` tells the end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from endwell.engine.output import Line, Output
from endwell.engine.protocol import Ending, EngineError, NotStartedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

_NOT_EXECUTABLE = 126
_NOT_FOUND = 127
# What the client says when the runtime could not exec; newer engines also exit with the status.
_NOT_EXECUTABLE_MARKS = ("permission denied", "exec format error", "is a directory")
_NOT_FOUND_MARKS = ("executable file not found", "no such file or directory")


class DockerContainer:
    """A container of a Docker engine, known by its id."""

    def __init__(self, engine: DockerEngine, identity: str) -> None:
        self._engine = engine
        self.identity = identity
        self._since = time.time()
        self._ending: Ending | None = None
        self._pid = 0
        # Descriptors that Popen owns would be closed twice: Output gets copies.
        self._logs = engine.follow("logs", "--follow", identity, split=True)
        self._waiter = engine.follow("wait", identity, split=False)
        assert self._logs.stdout is not None  # noqa: S101  asked for with split
        assert self._logs.stderr is not None  # noqa: S101
        self._output = Output(os.dup(self._logs.stdout.fileno()), os.dup(self._logs.stderr.fileno()))

    @property
    def pid(self) -> int:
        """PID 1's number on the engine's host; 0 when it has ended."""
        if not self._pid:
            self._pid = int(self._engine.run("inspect", "--format", "{{.State.Pid}}", self.identity))
        return self._pid

    @property
    def lines(self) -> Sequence[Line]:
        """Every line printed that has been read so far, oldest first."""
        return self._output.lines

    def expect(self, text: str, timeout: float = 10.0) -> Line:
        """Return the first line equal to `text` that no earlier call has returned; or NotSeenError."""
        return self._output.expect(text, timeout)

    def send(self, number: int) -> None:
        """Send a signal to PID 1 alone with `docker kill`; a container that has ended is no error."""
        try:
            self._engine.run("kill", "--signal", str(int(number)), self.identity)
        except EngineError as error:
            if "is not running" not in str(error):
                raise

    def stop(self, grace: float = 10.0, number: int = signal.SIGTERM) -> Ending:
        """Run `docker stop`; return how it ended.

        Docker counts the grace period in whole seconds, and takes another signal than the container's own
        only from API 1.42 on.
        """
        if grace != int(grace):
            message = (
                f"cannot stop with a grace period of {grace:g} s: docker stop takes whole seconds; round it"
            )
            raise EngineError(message)
        which = () if number == signal.SIGTERM else ("--signal", str(int(number)))
        asked = time.monotonic()
        self._engine.run("stop", "--time", str(int(grace)), *which, self.identity)
        took = time.monotonic() - asked
        ending = self.wait()
        assert ending is not None  # noqa: S101  a wait without a timeout returns an ending
        self._ending = Ending(ending.status, self._was_killed(), took)
        return self._ending

    def wait(self, timeout: float | None = None) -> Ending | None:
        """Return how the container ended, waiting at most `timeout` seconds; None when it still runs."""
        deadline = None if timeout is None else time.monotonic() + timeout
        assert self._waiter.stdout is not None  # noqa: S101  asked for with PIPE
        while self._ending is None:
            if self._output.wait(deadline, self._waiter.stdout.fileno()):
                answer = self._waiter.stdout.read().decode().strip()
                if not answer.isdecimal():
                    message = (
                        f"cannot wait for container {self.identity[:12]}: {answer}; is the engine running?"
                    )
                    raise EngineError(message)
                self._ending = Ending(int(answer))
                self._drain()
            elif deadline is not None and time.monotonic() >= deadline:
                return None
        return self._ending

    def remove(self) -> None:
        """Kill what still runs and remove the container; may be called more than once."""
        if self._logs.stdout is None or self._logs.stdout.closed:
            return
        try:
            self._engine.run("rm", "--force", "--volumes", self.identity)
        finally:
            for process in (self._logs, self._waiter):
                process.kill()
                process.wait()
                for pipe in (process.stdout, process.stderr):
                    if pipe is not None:
                        pipe.close()
            self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.remove()

    def _drain(self) -> None:
        """Read the output to its end: the log follower leaves when the engine has written the last line."""
        deadline = time.monotonic() + 10.0
        while not self._output.ended and time.monotonic() < deadline:
            self._output.wait(deadline)

    def _was_killed(self) -> bool:
        """Ask the engine's own record whether it sent SIGKILL."""
        signals = self._engine.run(
            *("events", "--since", f"{self._since:.6f}", "--until", f"{time.time():.6f}"),
            *("--filter", f"container={self.identity}", "--filter", "event=kill"),
            *("--format", "{{.Actor.Attributes.signal}}"),
        )
        return str(int(signal.SIGKILL)) in signals.split()


class DockerEngine:
    """A Docker engine: the one that DOCKER_HOST or the current context names, or `host`.

    `mounts` are directories or files of the engine's host that every container sees, read-only, under the
    same path: with them an image that holds next to nothing can run the host's programs. `writable` are those
    that it may change.
    """

    name = "docker"

    def __init__(
        self,
        image: str = "",
        *,
        host: str | None = None,
        mounts: Sequence[str] = (),
        writable: Sequence[str] = (),
    ) -> None:
        self.image = image
        self._volumes = [f"--volume={path}:{path}:ro" for path in mounts]
        self._volumes += [f"--volume={path}:{path}" for path in writable]
        self._command = ["docker", *(("--host", host) if host else ())]

    def start(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, directory: str = "/"
    ) -> DockerContainer:
        """Start a container whose ENTRYPOINT is the first word of `command`; see `Engine.start`."""
        if not command or not command[0]:
            raise NotStartedError(
                "cannot start a container: the command is empty; name a program", _NOT_FOUND
            )
        if not self.image:
            raise EngineError("cannot start a container: no image was named; give DockerEngine one")
        identity = self.run(
            *("create", "--network", "none", "--workdir", directory, "--entrypoint", command[0]),
            *self._volumes,
            *(f"--env={name}={value}" for name, value in {"HOME": "/", **(environment or {})}.items()),
            *(self.image, *command[1:]),
        )
        try:
            self.run("start", identity)
        except EngineError as error:
            self.run("rm", "--force", identity)
            raise _explain(error, command[0]) from error
        return DockerContainer(self, identity)

    def run(self, *arguments: str) -> str:
        """Run one docker command and return what it printed; EngineError if it failed."""
        try:
            done = subprocess.run(
                [*self._command, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise EngineError(
                "cannot talk to Docker: no program docker on the PATH; install docker.io"
            ) from error
        if done.returncode:
            message = f"docker {arguments[0]} failed with {done.returncode}: {done.stderr.strip()}"
            raise EngineError(message)
        return done.stdout.strip()

    def follow(self, *arguments: str, split: bool) -> subprocess.Popen[bytes]:
        """Start a docker command that lives as long as a container, its outputs on pipes."""
        return subprocess.Popen(
            [*self._command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if split else subprocess.STDOUT,
            # A Ctrl-C is for us: we still need them to see the end.
            start_new_session=True,
        )


def _explain(error: EngineError, command: str) -> EngineError:
    said = str(error).lower()
    for marks, status in ((_NOT_EXECUTABLE_MARKS, _NOT_EXECUTABLE), (_NOT_FOUND_MARKS, _NOT_FOUND)):
        if any(mark in said for mark in marks):
            message = f"cannot start {command}: {error}; check the path inside the container"
            return NotStartedError(message, status)
    return error
