"""Places to run a container in: behind one Protocol, picked by name, imported on use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from endwell.engine.protocol import Engine

NAMES = ("local", "docker", "podman")


def find(name: str) -> Engine:
    """Return the engine called `name`, with its defaults; ValueError for a name that is not in `NAMES`."""
    if name == "local":
        from endwell.engine.local import LocalEngine  # noqa: PLC0415  a lean caller loads one engine only

        return LocalEngine()
    if name == "docker":
        from endwell.engine.docker import DockerEngine  # noqa: PLC0415  likewise

        return DockerEngine()
    if name == "podman":
        from endwell.engine.podman import PodmanEngine  # noqa: PLC0415  likewise

        return PodmanEngine()
    message = f"no engine is called {name!r}; known are: {', '.join(NAMES)}"
    raise ValueError(message)
