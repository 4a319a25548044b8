"""Containers without an engine: a fresh PID namespace on this machine, stopped by Docker's rules.

Root is not needed where the kernel allows unprivileged user namespaces. What it is not: there is no image, no
network of its own and no cgroup; the files are the host's.
"""

from __future__ import annotations

import errno
import math
import os
import select
import signal
import threading
import time
from typing import TYPE_CHECKING

from endwell.engine.local_execution import LocalExecution
from endwell.engine.output import Output
from endwell.engine.protocol import (
    DEFAULT_GRACE,
    DEFAULT_SIGNAL,
    NOT_EXECUTABLE,
    NOT_FOUND,
    SEARCH_PATH,
    Ending,
    EngineError,
    NotStartedError,
)
from endwell.engine.standard import Standard
from endwell.engine.users import home_of, identify
from endwell.model.spec import ContainerSpec
from endwell.system.namespace import Launch, LaunchError, Namespace, hold

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from endwell.engine.output import Dropped, Line
    from endwell.model.signals import Signal

_NEXT_STEPS = {
    "unshare": "run as root, or allow user namespaces: sysctl user.max_user_namespaces; "
    "inside a container it needs --privileged",
    "map the user": "run with sudo, or allow user namespaces: "
    "sysctl kernel.apparmor_restrict_unprivileged_userns",
    "become the user": "run with sudo: only root may become another user",
    "mount /proc": "inside a container it needs --privileged, or --security-opt systempaths=unconfined",
    "clone3": "it needs Linux 5.3 or newer",
}


class LocalContainer:
    """A container in a PID namespace of its own; that tells what is in it, never the tree's shape."""

    def __init__(self, spec: ContainerSpec, launch: Launch, standard: Standard) -> None:
        self._spec = spec
        self._launch = launch
        self._standard = standard
        self.namespace: Namespace = hold(launch)
        standard.let_go()
        # After the fork: the thread is nobody's business in there.
        self._output = Output(standard.sources)
        self._lock = threading.RLock()
        self._started = False
        self._asked = 0.0
        self._killed = False
        self._ending: Ending | None = None
        self._executions: list[LocalExecution] = []

    @property
    def name(self) -> str:
        """What people call it."""
        return f"local-{self.pid}"

    @property
    def identity(self) -> str:
        """Its PID namespace, as /proc shows it."""
        return f"pid:[{self.namespace.identity[1]}]"

    @property
    def pid(self) -> int:
        """PID 1's number on the host."""
        return self.namespace.pid

    @property
    def address(self) -> str:
        """Its network is this machine's."""
        return "127.0.0.1"

    @property
    def stop_signal(self) -> Signal:
        """What `stop` sends first."""
        return self._spec.stop_signal or DEFAULT_SIGNAL

    @property
    def grace(self) -> float:
        """The seconds `stop` waits."""
        return DEFAULT_GRACE if self._spec.grace is None else self._spec.grace

    @property
    def lines(self) -> Sequence[Line]:
        """Every line printed and kept so far, oldest first."""
        return self._output.lines

    @property
    def dropped(self) -> Dropped:
        """How much of the output was read and not kept."""
        return self._output.dropped

    def members(self) -> tuple[int, ...]:
        """Return every process in the container now, by host numbers: for looking at, not for killing."""
        return self.namespace.members()

    def start(self) -> None:
        """Let PID 1 go to its exec; see `Container.start`."""
        with self._lock:
            if self._started:
                raise EngineError(
                    f"cannot start {self.name}: it has been started already; create another one"
                )
            self._started = True
        self.namespace.release()
        self.confirm()

    def confirm(self) -> None:
        """Return when PID 1, released, has become the command; for those who release it by themselves."""
        self._started = True
        try:
            self.namespace.confirm()
        except LaunchError as error:
            self.remove()
            raise _explain(error, self._launch.command) from error

    def expect(self, text: str | re.Pattern[str], timeout: float = 10.0) -> Line:
        """Return the first line equal to `text` that no earlier call has returned; or NotSeenError."""
        return self._output.expect(text, timeout)

    def feed(self, text: str) -> None:
        """Write to its standard input, or what it reads from its terminal."""
        self._standard.feed(text.encode())

    def close_input(self) -> None:
        """Let it read the end of its standard input."""
        self._standard.close_input()

    def send(self, number: int) -> None:
        """Send a signal to PID 1 alone, from outside; a container that has ended is no error."""
        self.namespace.send(number)

    def stop(self, grace: float | None = None, number: int | None = None) -> Ending:
        """Signal PID 1 alone, wait, then SIGKILL; return how it ended."""
        grace = self.grace if grace is None else grace
        if math.isnan(grace) or grace < 0:
            raise EngineError(f"cannot stop with a grace period of {grace:g} s: give 0 or more")
        self._ask()
        self.send(int(self.stop_signal if number is None else number))
        return self.wait(None if math.isinf(grace) else grace) or self.kill()

    def kill(self) -> Ending:
        """Send SIGKILL to PID 1; return how the container ended."""
        self._ask()
        with self._lock:
            self._killed = True
        self.send(signal.SIGKILL)
        ending = self.wait()
        assert ending is not None  # noqa: S101  a wait without a timeout returns an ending
        return ending

    def exec(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        directory: str | None = None,
        user: str | None = None,
    ) -> LocalExecution:
        """Run one more command inside; see `Container.exec`."""
        if not command or not command[0]:
            raise EngineError("cannot run anything in the container: the command is empty; name a program")
        standard = Standard()
        launch = Launch(
            command=command,
            environment={**self._launch.environment, **(environment or {})},
            directory=directory or self._launch.directory,
            stdin=standard.inside[0],
            stdout=standard.inside[1],
            stderr=standard.inside[2],
            user=self._launch.user if user is None else identify(user),
        )
        try:
            execution = LocalExecution(self.namespace.enter(launch), standard)
        except LaunchError as error:
            standard.abandon()
            if error.step in {"exec", "chdir"}:
                reason = _explain(error, command)
                return LocalExecution.failed(str(reason), getattr(reason, "status", NOT_EXECUTABLE))
            if error.errno in {errno.ESRCH, errno.ECHILD, errno.EBADF}:
                raise EngineError(
                    f"cannot run {command[0]} in {self.name}: it does not run; run it before the stop"
                ) from error
            raise _explain(error, command) from error
        except BaseException:
            standard.abandon()
            raise
        with self._lock:
            self._executions = [one for one in self._executions if not one.closed]
            self._executions.append(execution)
        return execution

    def wait(self, timeout: float | None = None) -> Ending | None:
        """Return how the container ended, waiting at most `timeout` seconds; None when it still runs."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._ending is None:
            if self._has_ended(deadline):
                self._settle()
            elif deadline is not None and time.monotonic() >= deadline:
                return None
        return self._ending

    def remove(self) -> None:
        """Kill what still runs and leave nothing behind; may be called more than once."""
        with self._lock:
            executions, self._executions = self._executions, []
        try:
            for execution in executions:
                execution.close()
        finally:
            self.namespace.close()
            self._standard.close()
            self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.remove()

    def _ask(self) -> None:
        if not self._started:
            raise EngineError(f"cannot stop {self.name}: it has not been started; start it, or remove it")
        with self._lock:
            self._asked = self._asked or time.monotonic()

    def _has_ended(self, deadline: float | None) -> bool:
        """Wait until the last process of the namespace has gone; that is what PID 1's descriptor tells."""
        if self.namespace.pidfd < 0:
            return True
        # A descriptor of our own: another thread may remove the container meanwhile.
        watched = os.dup(self.namespace.pidfd)
        try:
            poll = select.poll()
            poll.register(watched, select.POLLIN)
            left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
            return bool(poll.poll(left))
        finally:
            os.close(watched)

    def _settle(self) -> None:
        now = time.monotonic()
        with self._lock:
            if self._ending is not None:
                return
            code = self.namespace.reap()
            assert code is not None  # noqa: S101  reap blocks
            status = code if code >= 0 else 128 - code
            took = now - self._asked if self._asked else 0.0
            ending = Ending(status, self._killed and status == 128 + signal.SIGKILL, took)
        # Whoever could print has gone: what is in the pipes is all there is.
        self._output.drain()
        with self._lock:
            self._ending = ending


class LocalEngine:
    """Runs containers as namespaces of this machine; as root directly, otherwise in a user namespace."""

    name = "local"

    def create(self, spec: ContainerSpec, *, listener: int | None = None) -> LocalContainer:
        """Make a container whose PID 1 is held before its exec; see `Engine.create`.

        The container ends with the thread that created it, also when that is killed. A working directory
        that is not there is an error of `start`.
        """
        command = (*spec.init, *(spec.entrypoint or ()), *spec.command)
        if not command or not command[0]:
            raise NotStartedError("cannot start a container: the command is empty; name a program", NOT_FOUND)
        if spec.image:
            raise EngineError(
                f"cannot run the image {spec.image}: the local engine has none; use docker or podman"
            )
        if spec.network not in {None, "", "host"}:
            raise EngineError(
                f"cannot use the network {spec.network}: the local engine has only the host's; leave it out"
            )
        home = home_of(spec.user) if spec.user else "/"
        terminal = {"TERM": "xterm"} if spec.terminal else {}
        user = identify(spec.user) if spec.user else None
        standard = Standard(terminal=spec.terminal, interactive=spec.interactive)
        launch = Launch(
            command=command,
            environment={"PATH": SEARCH_PATH, "HOME": home, **terminal, **spec.environment},
            directory=spec.directory or "/",
            stdin=standard.inside[0],
            stdout=standard.inside[1],
            stderr=standard.inside[2],
            listener=listener,
            terminal=spec.terminal,
            user=user,
        )
        try:
            return LocalContainer(spec, launch, standard)
        except LaunchError as error:
            standard.abandon()
            raise _explain(error, command) from error
        except BaseException:
            standard.abandon()
            raise

    def attach(self, name: str) -> LocalContainer:
        """Refuse: nobody but us knows a local container."""
        raise EngineError(
            f"cannot attach to {name}: the local engine has no containers of others; use docker or podman"
        )

    def start(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, directory: str = "/"
    ) -> LocalContainer:
        """Start `command` as PID 1 of a fresh namespace; see `Engine.start`."""
        container = self.create(
            ContainerSpec(command=tuple(command), environment=environment or {}, directory=directory)
        )
        try:
            container.start()
        except BaseException:
            container.remove()
            raise
        return container

    def close(self) -> None:
        """Do nothing: each container is its own."""


def _explain(error: LaunchError, command: Sequence[str]) -> EngineError:
    if error.step in {"exec", "chdir"}:
        status = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
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
