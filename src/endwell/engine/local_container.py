"""One local container: a PID namespace of its own, stopped by Docker's rules."""

from __future__ import annotations

import errno
import math
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

from endwell.engine.approximation import make
from endwell.engine.interruptions import uninterrupted
from endwell.engine.launch_errors import explain
from endwell.engine.local_execution import LocalExecution
from endwell.engine.output import Output
from endwell.engine.protocol import DEFAULT_GRACE, DEFAULT_SIGNAL, NOT_EXECUTABLE, Ending, EngineError
from endwell.engine.standard import Standard
from endwell.engine.users import identify
from endwell.system.launch import Launch, LaunchError
from endwell.system.pidfd import wait_for_end

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from endwell.engine.approximation import Approximation
    from endwell.engine.output import Dropped, Line
    from endwell.model.signals import Signal
    from endwell.model.spec import ContainerSpec
    from endwell.system.namespace import Namespace


class LocalContainer:
    """A container in a PID namespace of its own; that tells what is in it, never the tree's shape."""

    def __init__(self, spec: ContainerSpec, launch: Launch, standard: Standard) -> None:
        self._spec = spec
        self._launch = launch
        self._standard = standard
        self.namespace: Namespace | Approximation = make(launch)
        standard.let_go()
        # After the fork: the thread is nobody's business in there.
        self._output = Output(standard.sources)
        self._output.start()
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
    def command(self) -> Sequence[str]:
        """What PID 1 is told to execute."""
        return self._launch.command

    @property
    def elsewhere(self) -> bool:
        """Never: it is a namespace of this machine."""
        return False

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
        with uninterrupted():
            self.namespace.release()
        self.confirm()

    def confirm(self) -> None:
        """Return when PID 1, released, has become the command; for those who release it by themselves."""
        self._started = True
        try:
            self.namespace.confirm()
        except LaunchError as error:
            self.remove()
            raise explain(error, self._launch.command, self._launch.directory) from error

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
        entering: Callable[[int], object] | None = None,
    ) -> LocalExecution:
        """Run one more command inside; see `Container.exec`."""
        if not command or not command[0]:
            raise EngineError("cannot run anything in the container: the command is empty; name a program")
        # At the end it is in the list, from which `remove` closes it.
        with uninterrupted():
            execution = self._enter(command, environment or {}, directory, user, entering)
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

    def __exit__(self, *_: object) -> None:
        self.remove()

    def _enter(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: str | None,
        user: str | None,
        entering: Callable[[int], object] | None,
    ) -> LocalExecution:
        standard = Standard()
        launch = Launch(
            command=command,
            environment={**self._launch.environment, **environment},
            directory=directory or self._launch.directory,
            stdin=standard.inside[0],
            stdout=standard.inside[1],
            stderr=standard.inside[2],
            # The observer's, who is to see what this one does.
            listener=self._launch.listener,
            user=self._launch.user if user is None else identify(user),
        )
        try:
            return LocalExecution(self.namespace.enter(launch, entering), standard)
        except LaunchError as error:
            standard.abandon()
            if error.step in {"exec", "chdir"}:
                reason = explain(error, command, launch.directory)
                return LocalExecution.failed(str(reason), getattr(reason, "status", NOT_EXECUTABLE))
            if error.errno in {errno.ESRCH, errno.ECHILD, errno.EBADF}:
                raise EngineError(
                    f"cannot run {command[0]} in {self.name}: it does not run; run it before the stop"
                ) from error
            raise explain(error, command, launch.directory) from error
        except BaseException:
            standard.abandon()
            raise

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
            return wait_for_end(watched, None if deadline is None else deadline - time.monotonic())
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
            note = getattr(self.namespace, "note", "")
            ending = Ending(status, self._killed and status == 128 + signal.SIGKILL, took, note)
        # Whoever could print has gone: what is in the pipes is all there is.
        self._output.drain()
        with self._lock:
            # Two that waited may have come here, each with an instant of its own: the first one's holds.
            if self._ending is None:
                self._ending = ending
