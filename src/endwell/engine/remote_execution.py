"""One more command in a container of an engine behind an HTTP API: `docker exec`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from endwell.engine.client import RefusedError
from endwell.engine.output import Output
from endwell.engine.protocol import EngineError
from endwell.engine.sources import Attached

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from endwell.engine.client import Client
    from endwell.engine.output import Line

_FOR_EVER = 1e9
# Between the end of the output and the engine's own knowledge of the end.
_SETTLE_LIMIT = 10.0
_LOOK_EVERY = 0.005


class RemoteExecution:
    """A command run with `docker exec`; the engine has no way to end it but the container's end."""

    def __init__(self, client: Client, identity: str, output: Output) -> None:
        self._client = client
        self._identity = identity
        self._output = output
        output.start()
        self._status: int | None = None
        self.closed = False

    @classmethod
    def begin(cls, client: Client, container: str, name: str, body: Mapping[str, Any]) -> RemoteExecution:
        """Start it, with its output attached; EngineError when the container does not run."""
        try:
            identity = client.ask("POST", f"/containers/{container}/exec", body=body)["Id"]
            stream, rest = client.hijack(f"/exec/{identity}/start", body={"Detach": False, "Tty": False})
        except RefusedError as error:
            raise EngineError(f"cannot run {body['Cmd'][0]} in {name}: {error.said}; does it run?") from error
        return cls(client, identity, Output([Attached(stream, terminal=False, rest=rest)]))

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
        """Let go of it; may be called more than once."""
        self.closed = True
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
