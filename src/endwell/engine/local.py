"""Containers without an engine: a fresh PID namespace on this machine, stopped by Docker's rules.

Root is not needed where the kernel allows unprivileged user namespaces. What it is not: there is no image, no
network of its own and no cgroup; the files are the host's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.engine.interruptions import uninterrupted
from endwell.engine.launch_errors import explain
from endwell.engine.local_container import LocalContainer
from endwell.engine.protocol import NOT_FOUND, SEARCH_PATH, EngineError, NotStartedError
from endwell.engine.standard import Standard
from endwell.engine.users import home_of, identify
from endwell.model.spec import ContainerSpec
from endwell.system.namespace import Launch, LaunchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Whoever runs one takes both from here.
__all__ = ["LocalContainer", "LocalEngine"]


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
        container = None
        try:
            with uninterrupted():
                container = self._make(spec, command, listener)
        except BaseException:
            if container is not None:
                container.remove()
            raise
        return container

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

    def _make(self, spec: ContainerSpec, command: tuple[str, ...], listener: int | None) -> LocalContainer:
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
            raise explain(error, command, launch.directory) from error
        except BaseException:
            standard.abandon()
            raise
