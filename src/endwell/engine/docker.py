"""Containers of a real Docker engine, through its HTTP API: a stop here is a real `docker stop`."""

from __future__ import annotations

import json
import signal
import time

from endwell.engine.endpoint import Endpoint, docker_endpoint
from endwell.engine.protocol import EngineError
from endwell.engine.remote import RemoteEngine

_SIGKILL = str(int(signal.SIGKILL))


class DockerEngine(RemoteEngine):
    """A Docker engine: the one that DOCKER_HOST or the current context names, or `host`."""

    name = "docker"
    title = "Docker"
    # Older ones take the parameter and ignore it.
    stop_signal_from = (1, 42)

    def find_endpoint(self, host: str | None) -> Endpoint:
        """Return where the docker command would look."""
        return Endpoint.parse(host) if host else docker_endpoint()

    def has_killed(self, identity: str) -> bool | None:
        """Whether it says that it has sent SIGKILL to a container; None if it does not say, or not to us."""
        if not self.endpoint.is_local:
            return None  # it is asked up to which time by its clock, which may not be ours
        filters = {"container": [identity], "event": ["kill"]}
        query = {"since": 0, "until": f"{time.time():.9f}", "filters": json.dumps(filters)}
        call = self.client.call("GET", "/events", query)
        try:
            events = [json.loads(line) for line in call.answer().splitlines()]
            signals = {event["Actor"]["Attributes"]["signal"] for event in events}
        except (EngineError, ValueError, LookupError, TypeError):
            return None
        finally:
            call.close()
        # It keeps the latest events only: where not even the stop signal is among them, they are others'.
        return _SIGKILL in signals if signals else None
