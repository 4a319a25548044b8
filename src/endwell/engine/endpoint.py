"""Where an engine listens: the rules of the docker and podman command lines, as far as we can follow them."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from endwell.engine.protocol import EngineError
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCKER_SOCKET = "/var/run/docker.sock"
PODMAN_SOCKET = "/run/podman/podman.sock"
_HTTP_PORT = 2375
_FORWARD = (
    "forward its socket: ssh -L /tmp/docker.sock:/var/run/docker.sock HOST, then unix:///tmp/docker.sock"
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of an engine's API: a unix socket's `path`, or else a `host` and a `port`."""

    path: str = ""
    host: str = ""
    port: int = 0

    @property
    def url(self) -> str:
        """The address as DOCKER_HOST has it."""
        return f"unix://{self.path}" if self.path else f"tcp://{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine; what answers there may still be the near end of a forwarding."""
        return bool(self.path) or self.host == "localhost" or _is_loopback(self.host)

    @classmethod
    def parse(cls, url: str, *, tls: bool = False) -> Endpoint:
        """Read an address such as `unix:///run/docker.sock` or `tcp://127.0.0.1:2375`.

        Raises:
            EngineError: it is none, or of a kind that needs ssh or TLS, which we do not speak.
        """
        parts = urlsplit(url if "://" in url else f"tcp://{url}")
        if parts.scheme == "unix" and parts.path:
            return cls(path=parts.netloc + parts.path)
        if parts.scheme == "ssh":
            raise EngineError(f"cannot talk to the engine at {url}: ssh is not supported; {_FORWARD}")
        if parts.scheme == "https" or (tls and parts.scheme in {"tcp", "http"}):
            raise EngineError(f"cannot talk to the engine at {url}: TLS is not supported; {_FORWARD}")
        try:
            host, port = parts.hostname, parts.port or _HTTP_PORT
        except ValueError:
            host, port = None, 0
        if parts.scheme not in {"tcp", "http"} or not host:
            raise EngineError(
                f"cannot talk to the engine at {url!r}: not an address; write unix:///PATH or tcp://HOST:PORT"
            )
        return cls(host=host, port=port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def docker_endpoint(environment: Mapping[str, str] = os.environ) -> Endpoint:
    """Return where the docker command would look: DOCKER_HOST, DOCKER_CONTEXT, the current context.

    Source: https://docs.docker.com/engine/manage-resources/contexts/
    """
    if url := environment.get("DOCKER_HOST"):
        tls = bool(environment.get("DOCKER_TLS_VERIFY") or environment.get("DOCKER_TLS"))
        return Endpoint.parse(url, tls=tls)
    directory = Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME", "/"), ".docker"))
    context = environment.get("DOCKER_CONTEXT") or _current_context(directory / "config.json")
    if context in {"", "default"}:
        return Endpoint(path=DOCKER_SOCKET)
    digest = hashlib.sha256(context.encode()).hexdigest()
    meta = directory / "contexts" / "meta" / digest / "meta.json"
    try:
        url = json.loads(meta.read_text())["Endpoints"]["docker"]["Host"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise EngineError(
            f"cannot read the Docker context {context!r}: {meta}: {error}; "
            "see docker context ls, or set DOCKER_HOST"
        ) from error
    return Endpoint.parse(str(url), tls=(directory / "contexts" / "tls" / digest / "docker").is_dir())


def podman_endpoint(environment: Mapping[str, str] = os.environ) -> Endpoint | None:
    """Return where a podman service listens or is said to; None if there is none and one has to be started.

    Source: podman-system-service(1); CONTAINER_HOST is the podman command's own variable.
    """
    if url := environment.get("CONTAINER_HOST"):
        return Endpoint.parse(url)
    if "podman" in (url := environment.get("DOCKER_HOST", "")):
        return Endpoint.parse(url)
    places = [PODMAN_SOCKET] if not os.geteuid() else []
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        places.insert(len(places), f"{runtime}/podman/podman.sock")
    for place in places:
        if Path(place).is_socket():
            return Endpoint(path=place)
    return None


def _current_context(config: Path) -> str:
    try:
        found = json.loads(config.read_text()).get("currentContext", "")
    except (OSError, ValueError, AttributeError):
        # The docker command warns and goes on, too.
        return ""
    return str(found)
