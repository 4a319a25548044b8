"""Containers of a real Docker engine, through its HTTP API: a stop here is a real `docker stop`."""

from __future__ import annotations

from endwell.engine.endpoint import Endpoint, docker_endpoint
from endwell.engine.remote import RemoteEngine


class DockerEngine(RemoteEngine):
    """A Docker engine: the one that DOCKER_HOST or the current context names, or `host`."""

    name = "docker"
    title = "Docker"
    # Older ones take the parameter and ignore it.
    stop_signal_from = (1, 42)

    def find_endpoint(self, host: str | None) -> Endpoint:
        """Return where the docker command would look."""
        return Endpoint.parse(host) if host else docker_endpoint()
