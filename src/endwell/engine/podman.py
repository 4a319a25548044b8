"""Containers of podman, through the HTTP API that it shares with Docker.

Where no service listens we start one of our own, as `podman system service`, and end it with the engine. What
differs from Docker:

- `stop -t 0` sends SIGKILL and nothing before it.
- A stop takes no other signal than the container's own.
- Made through this API without a grace period, a container gets one of 0 s; podman's command gives it 10.
- The end of a container that is removed then is only told for sure in podman's own part of the API: the other
  one looks into books from which it may have been removed (seen 6 times of 40).
- A short image name means what podman's command takes it for only in podman's own part of the API.
- The runtime prepares a container when its output is attached, and refuses there what it cannot execute.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from select import POLLIN, poll
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from endwell.engine.client import Client, RefusedError, connect
from endwell.engine.endpoint import Endpoint, podman_endpoint
from endwell.engine.protocol import DEFAULT_GRACE, EngineError
from endwell.engine.remote import RemoteEngine

if TYPE_CHECKING:
    from collections.abc import Sequence

# A service of ours that we could not end, because we were killed, leaves by itself. One that has left while
# nobody asked for anything is started again.
_IDLE_SECONDS = 60
_START_LIMIT = 30.0
_END_LIMIT = 10.0
_NOTED_LIMIT = 2.0
_LOOK_EVERY = 0.02
# With one of these set, even to nothing, podman is a client and cannot be a service.
_REMOTE = ("CONTAINER_HOST", "CONTAINER_CONNECTION")


class PodmanEngine(RemoteEngine):
    """Podman: the service that CONTAINER_HOST or the usual places name, or `host`, or one of our own."""

    name = "podman"
    title = "podman"
    default_grace = DEFAULT_GRACE
    # Without the interval podman looks four times a second.
    wait_path = "/libpod/containers/{}/wait"
    wait_query = MappingProxyType({"interval": "20ms"})
    _service: _Service | None = None

    def find_endpoint(self, host: str | None) -> Endpoint:
        """Return where a service listens; starts one if none does."""
        if host:
            return Endpoint.parse(host)
        found = podman_endpoint()
        # Whoever sets that variable means the service it names, and no other.
        if found is not None and (os.environ.get("CONTAINER_HOST") or _answers(found)):
            return found
        self._service = _Service()
        return self._service.endpoint

    @property
    def client(self) -> Client:
        """What talks to podman; a service of our own runs when it is asked for."""
        client = self._client
        if self._service is not None:
            self._service.ensure()
        return client

    def find_image(self, name: str) -> dict[str, Any]:
        """Return podman's record of an image, found as its command would; RefusedError if there is none."""
        found: dict[str, Any] = self.client.ask("GET", f"/libpod/images/{name}/json")
        return found

    def inspect(self, name: str) -> dict[str, Any]:
        """Return podman's record of a container; EngineError if there is none.

        Podman looks into /proc for one that it takes for running, and refuses if it has just ended. A moment
        later it has noted that.
        """
        for _ in range(int(_NOTED_LIMIT / _LOOK_EVERY)):
            try:
                return super().inspect(name)
            except RefusedError as error:
                if os.strerror(errno.ESRCH).lower() not in error.said.lower():
                    raise
            time.sleep(_LOOK_EVERY)
        return super().inspect(name)

    def import_image(self, name: str, archive: bytes, changes: Sequence[str] = ()) -> None:
        """Make an image out of a tar archive of its root; `changes` are instructions as in a Dockerfile."""
        self.client.ask(
            "POST", "/libpod/images/import", {"reference": name, "changes": list(changes)}, archive
        )

    def remove_image(self, name: str) -> None:
        """Remove an image; one that is not there is no error."""
        with suppress(RefusedError):
            self.client.ask("DELETE", f"/libpod/images/{name}", {"force": "true"})

    def discard(self, name: str) -> None:
        """Kill and remove a container; one that is not there is no error.

        Podman removes a container that is being stopped from its books and forgets the processes: so they are
        killed first.
        """
        with suppress(RefusedError):
            self.client.ask("POST", f"/containers/{name}/kill", {"signal": int(signal.SIGKILL)})
        super().discard(name)

    def close(self) -> None:
        """End a service of our own."""
        service, self._service = self._service, None
        if service is not None:
            service.close()


class _Service:
    """A `podman system service` of our own."""

    def __init__(self) -> None:
        program = shutil.which("podman")
        if program is None:
            raise EngineError("cannot talk to podman: no program podman on the PATH; install it")
        self._program = program
        self._directory = tempfile.TemporaryDirectory(prefix="endwell-podman-")
        self._log = Path(self._directory.name, "log")
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = Endpoint(path=f"{self._directory.name}/sock")

    def ensure(self) -> None:
        """Start it if it does not run, and return when it answers."""
        if self._process is not None and self._process.poll() is None:
            return
        with suppress(FileNotFoundError):
            os.unlink(self.endpoint.path)  # noqa: PTH108  a plain string
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [self._program, "system", "service", f"--time={_IDLE_SECONDS}", self.endpoint.url],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={name: value for name, value in os.environ.items() if name not in _REMOTE},
                # A Ctrl-C is for us: we still need it to remove containers.
                start_new_session=True,
            )
        self._wait_until_it_answers(self._process)

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        ended = os.pidfd_open(process.pid)
        try:
            waiting = poll()
            waiting.register(ended, POLLIN)
            for _ in range(int(_START_LIMIT / _LOOK_EVERY)):
                if _answers(self.endpoint):
                    return
                if waiting.poll(_LOOK_EVERY * 1000):
                    break
        finally:
            os.close(ended)
        said = self._log.read_text(errors="replace").strip().splitlines()[-1:]
        self.close()
        raise EngineError(
            f"cannot start podman system service: {said[0] if said else 'it does not answer'}; "
            "does podman info work?"
        )

    def close(self) -> None:
        """End it; may be called more than once. What it started is removed by whoever asked for it."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_END_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._directory.cleanup()


def _answers(endpoint: Endpoint) -> bool:
    try:
        connect(endpoint).close()
    except PermissionError:
        # Somebody is there; the first request says what is wrong.
        return True
    except OSError:
        return False
    return True
