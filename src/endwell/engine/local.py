"""Containers without an engine: a fresh PID namespace on this machine, stopped by Docker's rules.

Root is not needed where the kernel allows unprivileged user namespaces. What it is not: there is no image, no
network of its own and no cgroup; the files are the host's.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from typing import TYPE_CHECKING

from endwell.engine.output import Line, Output
from endwell.engine.protocol import SEARCH_PATH, Ending, EngineError, NotStartedError
from endwell.system.namespace import Launch, LaunchError, Namespace, hold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

_NEXT_STEPS = {
    "unshare": "run as root, or allow user namespaces: sysctl user.max_user_namespaces; "
    "inside a container it needs --privileged",
    "mount /proc": "inside a container it needs --privileged, or --security-opt systempaths=unconfined",
    "clone3": "it needs Linux 5.3 or newer",
}


class LocalContainer:
    """A container in a PID namespace of its own; that tells what is in it, never the tree's shape."""

    def __init__(self, namespace: Namespace, output: Output) -> None:
        self._namespace = namespace
        self._output = output
        self._ending: Ending | None = None

    @property
    def pid(self) -> int:
        """PID 1's number on the host."""
        return self._namespace.pid

    @property
    def lines(self) -> Sequence[Line]:
        """Every line printed that has been read so far, oldest first."""
        return self._output.lines

    def members(self) -> tuple[int, ...]:
        """Return every process in the container now, by host numbers: for looking at, not for killing."""
        return self._namespace.members()

    def expect(self, text: str, timeout: float = 10.0) -> Line:
        """Return the first line equal to `text` that no earlier call has returned; or NotSeenError."""
        return self._output.expect(text, timeout)

    def send(self, number: int) -> None:
        """Send a signal to PID 1 alone, from outside; a container that has ended is no error."""
        self._namespace.send(number)

    def stop(self, grace: float = 10.0, number: int = signal.SIGTERM) -> Ending:
        """Signal PID 1 alone, wait `grace` seconds, then SIGKILL; return how it ended."""
        asked = time.monotonic()
        self.send(number)
        ending = self.wait(grace)
        killed = ending is None
        if ending is None:
            self.send(signal.SIGKILL)
            ending = self.wait()
        assert ending is not None  # noqa: S101  a wait without a timeout returns an ending
        self._ending = Ending(ending.status, killed, time.monotonic() - asked)
        return self._ending

    def wait(self, timeout: float | None = None) -> Ending | None:
        """Return how the container ended, waiting at most `timeout` seconds; None when it still runs."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._ending is None:
            # The descriptor tells when the last process of the namespace has gone, not only the first.
            if self._output.wait(deadline, self._namespace.pidfd):
                code = self._namespace.reap()
                assert code is not None  # noqa: S101  reap blocks
                self._ending = Ending(code if code >= 0 else 128 - code)
                self._output.drain()
            elif deadline is not None and time.monotonic() >= deadline:
                return None
        return self._ending

    def remove(self) -> None:
        """Kill what still runs and leave nothing behind; may be called more than once."""
        self._namespace.close()
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.remove()


class LocalEngine:
    """Runs containers as namespaces of this machine; as root directly, otherwise in a user namespace."""

    name = "local"

    def start(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, directory: str = "/"
    ) -> LocalContainer:
        """Start `command` as PID 1 of a fresh namespace; see `Engine.start` for what it finds there.

        The container ends with the thread that started it, also when that is killed.
        """
        namespace, output = self.hold(command, environment=environment, directory=directory)
        namespace.release()
        try:
            namespace.confirm()
        except LaunchError as error:
            output.close()
            raise _explain(error, command) from error
        return LocalContainer(namespace, output)

    def hold(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, directory: str = "/"
    ) -> tuple[Namespace, Output]:
        """Prepare as `start` does but keep PID 1 before its exec, for those who want to see all of it."""
        if not command or not command[0]:
            raise NotStartedError("cannot start a container: the command is empty; name a program", 127)
        stdout, stdout_inside = os.pipe2(os.O_CLOEXEC)
        stderr, stderr_inside = os.pipe2(os.O_CLOEXEC)
        output = Output(stdout, stderr)
        stdin = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            namespace = hold(
                Launch(
                    command=command,
                    environment={"PATH": SEARCH_PATH, "HOME": "/", **(environment or {})},
                    directory=directory,
                    stdin=stdin,
                    stdout=stdout_inside,
                    stderr=stderr_inside,
                )
            )
        except LaunchError as error:
            raise _explain(error, command) from error
        finally:
            for descriptor in (stdin, stdout_inside, stderr_inside):
                os.close(descriptor)
        return namespace, output


def _explain(error: LaunchError, command: Sequence[str]) -> EngineError:
    if error.step in {"exec", "chdir"}:
        status = 127 if error.errno == errno.ENOENT else 126
        what = (
            f"{command[0]}: {error.strerror}"
            if error.step == "exec"
            else f"working directory: {error.strerror}"
        )
        return NotStartedError(f"cannot start {what}; check the path inside the container", status)
    next_step = _NEXT_STEPS.get(error.step, "see namespaces(7)")
    return EngineError(
        f"cannot make a namespace for {command[0]}: {error.step}: {error.strerror}; {next_step}"
    )
