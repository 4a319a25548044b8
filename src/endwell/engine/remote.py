"""Engines behind an HTTP API: what Docker and podman have in common, which is nearly all.

A thing to know before changing the order of calls: an exception may come at any moment, because somebody
pressed Ctrl-C. So a container gets its name from us, before the engine makes it: whatever was under way is
waited for and then removed by that name.
"""

from __future__ import annotations

import os
import secrets
from abc import ABC, abstractmethod
from contextlib import suppress
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from endwell.engine.client import Client, RefusedError
from endwell.engine.protocol import NOT_FOUND, EngineError, NotStartedError
from endwell.engine.remote_container import RemoteContainer
from endwell.engine.stopping import whole_seconds
from endwell.model.spec import ContainerSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from endwell.engine.endpoint import Endpoint

_NO_SUCH = 404
_BUILDING_LIMIT = 600.0


class RemoteEngine(ABC):
    """An engine behind an HTTP API; subclasses say which.

    Args:
        image: what a spec without an image gets.
        host: the address of its API, as DOCKER_HOST has it; None for the usual places.
        mounts: paths of the engine's host that every container sees, read-only, under the same path: with
            them an image that holds next to nothing can run the host's programs.
        writable: those that it may change.
        network: what a spec without a network gets; None for the engine's own default.
    """

    name = ""
    title = ""
    # From which version of the API on a stop may name its signal; None for never.
    stop_signal_from: tuple[int, int] | None = None
    # What a spec without a grace period gets; None leaves it to the engine.
    default_grace: float | None = None
    # The request that is answered at the end.
    wait_path = "/containers/{}/wait"
    wait_query: Mapping[str, object] = MappingProxyType({"condition": "not-running"})

    def __init__(
        self,
        image: str = "",
        *,
        host: str | None = None,
        mounts: Sequence[str] = (),
        writable: Sequence[str] = (),
        network: str | None = None,
    ) -> None:
        self.image = image
        self.network = network
        self._host = host
        self._binds = [f"{path}:{path}:ro" for path in mounts] + [f"{path}:{path}" for path in writable]

    @cached_property
    def endpoint(self) -> Endpoint:
        """Where the engine listens."""
        return self.find_endpoint(self._host)

    @cached_property
    def _client(self) -> Client:
        return Client(self.endpoint, title=self.title, program=self.name)

    @property
    def client(self) -> Client:
        """What talks to the engine."""
        return self._client

    @abstractmethod
    def find_endpoint(self, host: str | None) -> Endpoint:
        """Return where the engine listens; EngineError if that cannot be found out."""

    def find_image(self, name: str) -> dict[str, Any]:
        """Return the engine's record of an image; RefusedError if there is none."""
        found: dict[str, Any] = self.client.ask("GET", f"/images/{name}/json")
        return found

    def image_config(self, name: str) -> Mapping[str, Any]:
        """Return what an image asks for; nothing if it is gone: by force one in use can be removed."""
        try:
            return self.find_image(name).get("Config") or {} if name else {}
        except RefusedError:
            return {}

    def import_image(self, name: str, archive: bytes, changes: Sequence[str] = ()) -> None:
        """Make an image out of a tar archive of its root; `changes` are instructions as in a Dockerfile."""
        self.client.ask(
            "POST",
            "/images/create",
            {"fromSrc": "-", "repo": name, "changes": list(changes)},
            archive,
            limit=_BUILDING_LIMIT,
        )

    def remove_image(self, name: str) -> None:
        """Remove an image; one that is not there is no error."""
        try:
            self.client.ask("DELETE", f"/images/{name}", {"force": 1})
        except RefusedError as error:
            if error.status != _NO_SUCH:
                raise

    def create(self, spec: ContainerSpec, *, listener: int | None = None) -> RemoteContainer:
        """Make a container that does not run yet; see `Engine.create`.

        The words of `spec.init` stand in front of the image's own ENTRYPOINT and CMD, or of what replaces
        them; they must be found in the image, or in `spec.mounts`.
        """
        if listener is not None:
            raise EngineError(
                f"cannot filter system calls in a container of {self.title}: only the local engine can; "
                "use the observer tracefs"
            )
        image = spec.image or self.image
        if not image:
            raise EngineError(
                f"cannot create a container: no image was named; {self.title} needs one, such as alpine"
            )
        record = self._image(image)
        name = f"endwell-{secrets.token_hex(6)}"
        call = self.client.call("POST", "/containers/create", {"name": name}, self._body(spec, image, record))
        try:
            call.answer()
            return RemoteContainer(self, self.inspect(name), owned=True)
        except RefusedError as error:
            raise EngineError(
                f"cannot create a container of {image}: {error.said}; {_advice(error)}"
            ) from error
        except BaseException:
            call.settle()
            self.discard(name)
            raise

    def attach(self, name: str) -> RemoteContainer:
        """Take a container that runs already; see `Engine.attach`."""
        record = self.inspect(name)
        if not record["State"].get("Running"):
            state = record["State"].get("Status") or "stopped"
            raise EngineError(
                f"cannot attach to {name}: it does not run, it is {state}; start it: {self.name} start {name}"
            )
        shared = record.get("HostConfig", {}).get("PidMode") or "private"
        if shared != "private":
            raise EngineError(
                f"cannot attach to {name}: it shares its processes with {shared}, so that its end is not "
                f"theirs; run it without --pid={shared}"
            )
        container = RemoteContainer(self, record, owned=False)
        try:
            container.follow()
        except BaseException:
            container.remove()
            raise
        return container

    def start(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, directory: str = "/"
    ) -> RemoteContainer:
        """Start a container whose ENTRYPOINT is `command`; see `Engine.start`."""
        if not command or not command[0]:
            raise NotStartedError("cannot start a container: the command is empty; name a program", NOT_FOUND)
        container = self.create(
            ContainerSpec(
                entrypoint=tuple(command),
                environment={"HOME": "/", **(environment or {})},
                directory=directory,
            )
        )
        try:
            container.start()
        except BaseException:
            container.remove()
            raise
        return container

    def inspect(self, name: str) -> dict[str, Any]:
        """Return the engine's record of a container; EngineError if there is none."""
        try:
            found: dict[str, Any] = self.client.ask("GET", f"/containers/{name}/json")
        except RefusedError as error:
            if error.status != _NO_SUCH:
                raise
            raise EngineError(f"{self.title} has no container {name}; see: {self.name} ps --all") from error
        return found

    def has_killed(self, identity: str) -> bool | None:
        """Whether the engine says that it has sent SIGKILL to a container; None if it does not say."""
        del identity
        return None

    def seems_here(self) -> bool:
        """Whether the engine's machine has our name and our kernel, and is reached without a network."""
        found = self.client.ask("GET", "/info")
        return self.endpoint.is_local and (found.get("Name"), found.get("KernelVersion")) == (
            os.uname().nodename,
            os.uname().release,
        )

    def discard(self, name: str) -> None:
        """Kill and remove a container; one that is not there is no error."""
        try:
            self.client.ask("DELETE", f"/containers/{name}", {"force": 1, "v": 1})
        except RefusedError as error:
            if error.status == _NO_SUCH:
                return
            if "already in progress" not in error.said:
                raise
            # The engine is at it by itself, as after `docker run --rm`.
            with suppress(RefusedError):
                self.client.ask("POST", f"/containers/{name}/wait", {"condition": "removed"})

    def close(self) -> None:  # noqa: B027  most have nothing to give up
        """Give up what the engine itself needed; here nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _image(self, name: str) -> dict[str, Any]:
        try:
            return self.find_image(name)
        except RefusedError as error:
            if error.status != _NO_SUCH:
                raise
            raise EngineError(
                f"cannot create a container: {self.title} has no image {name}; "
                f"get it: {self.name} pull {name}, or build it"
            ) from error

    def _body(self, spec: ContainerSpec, image: str, record: Mapping[str, Any]) -> dict[str, Any]:
        config = record.get("Config") or {}
        words = command_of(spec, config)
        if not words or not words[0]:
            raise NotStartedError(
                f"cannot create a container: the image {image} has no command of its own; name one", NOT_FOUND
            )
        binds = [*self._binds, *(f"{path}:{path}:ro" for path in spec.mounts)]
        body: dict[str, Any] = {
            # By its number: podman would look for a short name elsewhere than its command does.
            "Image": record.get("Id") or image,
            "Entrypoint": words,
            "Cmd": [],
            "Env": [f"{name}={value}" for name, value in spec.environment.items()],
            "Tty": spec.terminal,
            "AttachStdout": True,
            "AttachStderr": True,
            "AttachStdin": spec.interactive,
            "OpenStdin": spec.interactive,
            "StdinOnce": spec.interactive,
            # What is printed comes to us; kept by the engine as well, a flood would fill its disk.
            "HostConfig": {"Binds": sorted(set(binds)), "LogConfig": {"Type": "none", "Config": {}}},
        }
        if spec.directory is not None:
            body["WorkingDir"] = os.path.normpath(spec.directory)
        if spec.user is not None:
            body["User"] = spec.user
        if named := spec.stop_signal or config.get("StopSignal"):
            # The image's own too: podman does not always take it over.
            body["StopSignal"] = str(named)
        if (grace := self.default_grace if spec.grace is None else spec.grace) is not None:
            body["StopTimeout"] = whole_seconds(grace)
        if network := spec.network or self.network:
            body["HostConfig"]["NetworkMode"] = network
        return body


def command_of(spec: ContainerSpec, config: Mapping[str, Any]) -> list[str]:
    """Return all words of PID 1's command line; `config` is that of the image.

    An entrypoint in the spec replaces the image's, and its command with it; a command replaces the command.
    Source: https://docs.docker.com/reference/dockerfile/#understand-how-cmd-and-entrypoint-interact
    """
    if spec.entrypoint is not None:
        return [*spec.init, *spec.entrypoint, *spec.command]
    words = [*(config.get("Entrypoint") or ()), *(spec.command or config.get("Cmd") or ())]
    return [*spec.init, *words] if words else []


def _advice(error: RefusedError) -> str:
    if "network" in error.said.lower():
        return "name another network, such as none or host"
    return "see the engine's log for more"
