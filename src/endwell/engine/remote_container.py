"""One container of an engine behind an HTTP API.

Two connections live as long as the container. One is its output, attached before the start so that no line is
missed, and read by `Output`'s thread. The other is a request that the engine answers when the container has
ended; a thread waits for that answer, so that everybody else can wait with a limit.
"""

from __future__ import annotations

import math
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from endwell.engine.awaited_end import AwaitedEnd
from endwell.engine.client import RefusedError
from endwell.engine.output import Dropped, Output
from endwell.engine.protocol import Ending, EngineError
from endwell.engine.refusals import explain, has_gone
from endwell.engine.remote_execution import RemoteExecution
from endwell.engine.sighting import Sight, Sighting
from endwell.engine.sources import Attached, send_all
from endwell.engine.stopping import grace_of, stop_signal_of, whole_seconds
from endwell.model.signals import Signal
from endwell.system.membership import container_namespace, is_there, members

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from endwell.engine.output import Line
    from endwell.engine.remote import RemoteEngine

_KILLED = 128 + signal.SIGKILL
# The engine copies what is left in the pipes, and gives up after a few seconds.
_LAST_OUTPUT = 10.0
# What an engine may need beyond the grace period: it waits for its own logs, and for the runtime.
_STOP_RESERVE = 120.0
# Between the end of PID 1 and the engine's own knowledge of it.
_NOTICE_LIMIT = 2.0
_LOOK_EVERY = 0.005


class RemoteContainer:
    """A container of an engine; `record` is what the engine knows of it, `owned` whether we made it."""

    def __init__(self, engine: RemoteEngine, record: Mapping[str, Any], *, owned: bool) -> None:
        self._engine = engine
        self._owned = owned
        self.identity: str = record["Id"]
        self.name: str = record["Name"].removeprefix("/")
        self._config: Mapping[str, Any] = record.get("Config") or {}
        self.command = [*(self._config.get("Entrypoint") or ()), *(self._config.get("Cmd") or ())]
        self._record = record
        self._pid = 0
        self._elsewhere = False
        self._namespace: tuple[int, int] | None = None
        self._lock = threading.RLock()
        self._started = False
        self._output: Output | None = None
        self._stream: socket.socket | None = None
        self._end = AwaitedEnd(self.name)
        self._asked = 0.0
        # From so many seconds after the asking on a SIGKILL is the engine's; None for never.
        self._kill_after: float | None = None
        self._note = ""
        self._executions: list[RemoteExecution] = []
        self.stop_signal = stop_signal_of(self._config, engine.image_config(record.get("Image") or ""))
        self.grace = grace_of(self._config)

    @property
    def pid(self) -> int:
        """PID 1's number on this machine; 0 before the start, and `elsewhere`."""
        return self._pid

    @property
    def elsewhere(self) -> bool:
        """Whether it runs where its processes cannot be seen from here."""
        return self._elsewhere

    @property
    def address(self) -> str:
        """Where its ports are found from the engine's host."""
        if (self._record.get("HostConfig") or {}).get("NetworkMode") == "host":
            return "127.0.0.1"
        settings = self._record.get("NetworkSettings") or {}
        found = [settings, *(settings.get("Networks") or {}).values()]
        return next((str(one["IPAddress"]) for one in found if one.get("IPAddress")), "")

    @property
    def lines(self) -> Sequence[Line]:
        """Every line printed and kept so far, oldest first."""
        return self._output.lines if self._output else []

    @property
    def dropped(self) -> Dropped:
        """How much of the output was read and not kept."""
        return self._output.dropped if self._output else Dropped()

    def members(self) -> tuple[int, ...]:
        """Return the processes in its PID namespace; none where the engine's host is not this machine."""
        return members(self._namespace) if self._namespace else ()

    def start(self) -> None:
        """Start it; see `Container.start`."""
        with self._lock:
            if self._started:
                raise EngineError(
                    f"cannot start {self.name}: it has been started already; create another one"
                )
            self._started = True
        try:
            # Podman prepares the container for this, up to the exec, and says already here that it cannot.
            self._attach()
            with Sighting(self._engine.client, self.identity) as sighting:
                self._engine.client.ask("POST", f"/containers/{self.identity}/start")
        except RefusedError as error:
            raise explain(error, " ".join(self.command[:1])) from error
        self._watch()
        self._look(sighting.found)

    def follow(self) -> None:
        """Take part in a container that runs already."""
        self._started = True
        self._attach()
        self._watch()
        self._look(Sight())

    def expect(self, text: str | re.Pattern[str], timeout: float = 10.0) -> Line:
        """Return the first line equal to `text` that no earlier call has returned; or NotSeenError."""
        if self._output is None:
            raise EngineError(f"cannot read the output of {self.name}: it has not been started")
        return self._output.expect(text, timeout)

    def feed(self, text: str) -> None:
        """Write to its standard input, or what it reads from its terminal."""
        if self._stream is None or not (self._owned and self._config.get("OpenStdin")):
            raise EngineError(f"cannot write to the input of {self.name}: it has none; make it interactive")
        try:
            send_all(self._stream, text.encode())
        except OSError as error:
            raise EngineError(
                f"cannot write to the input of {self.name}: {error.strerror or error}; has it ended?"
            ) from error

    def close_input(self) -> None:
        """Let it read the end of its standard input."""
        if self._config.get("Tty"):
            self.feed("\x04")
        elif self._stream is not None and self._config.get("OpenStdin"):
            self._stream.shutdown(socket.SHUT_WR)

    def send(self, number: int) -> None:
        """Send a signal to PID 1 alone; a container that has ended is no error."""
        try:
            self._engine.client.ask("POST", f"/containers/{self.identity}/kill", {"signal": int(number)})
        except RefusedError as error:
            if not has_gone(error):
                raise

    def stop(self, grace: float | None = None, number: int | None = None) -> Ending:
        """Let the engine stop it; see `Container.stop`."""
        grace = self.grace if grace is None else grace
        seconds = whole_seconds(grace)
        wanted = int(self.stop_signal if number is None else number)
        self._ask(grace)
        query: dict[str, object] = {"t": seconds}
        if wanted != int(self.stop_signal):
            since = self._engine.stop_signal_from
            if since is None or self._engine.client.version < since:
                return self._stop_by_hand(grace, wanted)
            query["signal"] = wanted
        limit = None if seconds < 0 else seconds + _STOP_RESERVE
        try:
            self._engine.client.ask("POST", f"/containers/{self.identity}/stop", query, limit=limit)
        except RefusedError as error:
            # It ended by itself meanwhile, and was removed.
            if not has_gone(error):
                raise
        return self._finish()

    def kill(self) -> Ending:
        """Send SIGKILL to PID 1; return how the container ended."""
        self._ask(0.0)
        with self._lock:
            self._kill_after = 0.0
        self.send(signal.SIGKILL)
        return self._finish()

    def exec(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        directory: str | None = None,
        user: str | None = None,
        entering: Callable[[int], object] | None = None,
    ) -> RemoteExecution:
        """Run one more command inside; see `Container.exec`."""
        del entering  # the engine starts it, and tells its number later
        if not command or not command[0]:
            raise EngineError("cannot run anything in the container: the command is empty; name a program")
        body = {
            "Cmd": list(command),
            "AttachStdout": True,
            "AttachStderr": True,
            "Env": [f"{name}={value}" for name, value in (environment or {}).items()],
            **({"WorkingDir": directory} if directory else {}),
            **({"User": user} if user else {}),
        }
        execution = RemoteExecution.begin(
            self._engine.client, self.identity, self.name, body, self._namespace
        )
        with self._lock:
            self._executions = [one for one in self._executions if not one.closed]
            self._executions.append(execution)
        return execution

    def wait(self, timeout: float | None = None) -> Ending | None:
        """Return how the container ended, waiting at most `timeout` seconds; None when it still runs."""
        found = self._end.wait(timeout)
        if found is None:
            return None
        status, at = found
        if self._output is not None:
            self._output.wait(_LAST_OUTPUT)
        with self._lock:
            took = max(0.0, at - self._asked) if self._asked else 0.0
            return Ending(status, self._was_killed(status, took), took, self._note)

    def _was_killed(self, status: int, took: float) -> bool:
        """Whether the engine has sent SIGKILL; a program may leave with 137 by itself just before."""
        late = status == _KILLED and self._kill_after is not None and took >= self._kill_after
        return late and self._engine.has_killed(self.identity) is not False

    def remove(self) -> None:
        """Kill what still runs and leave nothing behind, or let go of it if it is somebody else's."""
        try:
            if self._owned:
                self._engine.discard(self.identity)
                self._owned = False
        finally:
            with self._lock:
                executions, self._executions = self._executions, []
            # Those of somebody else's container would outlive us.
            for execution in executions:
                execution.close()
            self._end.close()
            if self._output is not None:
                self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def _attach(self) -> None:
        stdin = {"stdin": 1} if self._owned and self._config.get("OpenStdin") else {}
        query = {"stream": 1, "stdout": 1, "stderr": 1, **stdin}
        self._stream, rest = self._engine.client.hijack(f"/containers/{self.identity}/attach", query)
        self._output = Output([Attached(self._stream, bool(self._config.get("Tty")), rest)])
        self._output.start()

    def _watch(self) -> None:
        call = self._engine.client.call(
            "POST", self._engine.wait_path.format(self.identity), self._engine.wait_query, limit=None
        )
        self._end.watch(call)

    def _look(self, seen: Sight) -> None:
        """Learn what is known only of a container that runs, or has been `seen` running."""
        self._record = self._engine.inspect(self.identity)
        said = int(self._record["State"].get("Pid") or seen.pid)
        if self._engine.endpoint.is_local:
            self._namespace = seen.namespace or container_namespace(said, self.identity)
        if self._namespace:
            self._pid = said
        elif said:
            here = self._engine.seems_here()
            self._elsewhere = self._goes_on(_NOTICE_LIMIT if here else 0.0)
            if here and not (self._elsewhere or is_there(said)):
                # It has ended, and cannot be looked at; but what it did may have been recorded.
                self._pid = said

    def _goes_on(self, limit: float) -> bool:
        """Whether it runs by the engine's word, which lags behind: asked again for `limit` seconds."""
        deadline = time.monotonic() + limit
        while self._engine.inspect(self.identity)["State"].get("Running"):
            if time.monotonic() >= deadline:
                return True
            time.sleep(_LOOK_EVERY)
        return False

    def _ask(self, grace: float) -> None:
        if not self._started:
            raise EngineError(f"cannot stop {self.name}: it has not been started; start it, or remove it")
        with self._lock:
            if not self._asked:
                self._asked = time.monotonic()
                self._kill_after = grace

    def _stop_by_hand(self, grace: float, number: int) -> Ending:
        """Do what a stop with another signal would do, one step after another."""
        major, minor = self._engine.client.version
        self._note = (
            f"{self._engine.title} (API {major}.{minor}) cannot stop with {Signal(number)}: "
            "signal, wait and SIGKILL were sent one by one"
        )
        self.send(number)
        if (ending := self.wait(None if math.isinf(grace) else grace)) is not None:
            return ending
        self.send(signal.SIGKILL)
        return self._finish()

    def _finish(self) -> Ending:
        ending = self.wait()
        assert ending is not None  # noqa: S101  a wait without a timeout returns an ending
        return ending
