"""One more command in a container of an engine behind an HTTP API: `docker exec`.

The engine has no call that ends it. So one that is let go of while it runs is killed through a pidfd: its
number is the engine's word, and counts only when it is that of a process in the container's PID namespace and
the engine still says so with the pidfd open.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from endwell.engine.client import RefusedError
from endwell.engine.output import Output
from endwell.engine.protocol import EngineError
from endwell.engine.sources import Attached
from endwell.system.membership import namespace_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from endwell.engine.client import Client
    from endwell.engine.output import Line

_FOR_EVER = 1e9
# Between the end of the output and the engine's own knowledge of the end.
_SETTLE_LIMIT = 10.0
# Between the start of a command and the engine's own knowledge of it.
_NOTED_LIMIT = 2.0
_LOOK_EVERY = 0.005


class RemoteExecution:
    """A command run with `docker exec`; `namespace` is the container's, None where it is not to be seen."""

    def __init__(
        self, client: Client, identity: str, output: Output, namespace: tuple[int, int] | None
    ) -> None:
        self._client = client
        self._identity = identity
        self._output = output
        self._namespace = namespace
        output.start()
        self._status: int | None = None
        self.closed = False

    @classmethod
    def begin(
        cls,
        client: Client,
        container: str,
        name: str,
        body: Mapping[str, Any],
        namespace: tuple[int, int] | None,
    ) -> RemoteExecution:
        """Start it, with its output attached; EngineError when the container does not run."""
        try:
            identity = client.ask("POST", f"/containers/{container}/exec", body=body)["Id"]
            stream, rest = client.hijack(f"/exec/{identity}/start", body={"Detach": False, "Tty": False})
        except RefusedError as error:
            raise EngineError(f"cannot run {body['Cmd'][0]} in {name}: {error.said}; does it run?") from error
        return cls(client, identity, Output([Attached(stream, terminal=False, rest=rest)]), namespace)

    @property
    def pid(self) -> int:
        """Not known: the engine tells it of a command that runs, and one more request would be late."""
        return 0

    @property
    def lines(self) -> Sequence[Line]:
        """Every line it has printed so far, oldest first."""
        return self._output.lines

    def wait(self, timeout: float | None = None) -> int | None:
        """Return its status within `timeout` seconds; None while it or its output goes on."""
        if self._status is None:
            if not self._output.wait(_FOR_EVER if timeout is None else timeout):
                return None
            self._status = self._ask()
        return self._status

    def close(self) -> None:
        """Kill it if it still runs; may be called more than once."""
        if not self.closed and self._status is None:
            with suppress(EngineError, OSError):
                self._kill()
        self.closed = True
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _kill(self) -> None:
        if self._namespace is None:
            return
        # The command may have said something before the engine has noted that it runs.
        deadline = time.monotonic() + _NOTED_LIMIT
        while not (pid := self._running()):
            if self._output.wait(0) or time.monotonic() >= deadline:
                return
            time.sleep(_LOOK_EVERY)
        pidfd = os.pidfd_open(pid)
        try:
            if namespace_of(pid) == self._namespace and self._running() == pid:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        finally:
            os.close(pidfd)

    def _running(self) -> int:
        """Return what the engine says is its number on the host; 0 when it does not run."""
        record = self._client.ask("GET", f"/exec/{self._identity}/json")
        return int(record.get("Pid") or 0) if record.get("Running") else 0

    def _ask(self) -> int:
        deadline = time.monotonic() + _SETTLE_LIMIT
        while True:
            record = self._client.ask("GET", f"/exec/{self._identity}/json")
            if not record.get("Running") and record.get("ExitCode") is not None:
                return int(record["ExitCode"])
            if time.monotonic() >= deadline:
                raise EngineError(
                    f"cannot tell how a command ended: {self._client.title} says that it runs, though its "
                    "output has ended; look at the engine's log"
                )
            # Nothing tells: the engine has no call that waits for this.
            time.sleep(_LOOK_EVERY)
