"""A real Docker engine for tests: started by hand on a socket of its own, ended with everything it started.

No network is touched, and no registry is needed: the image holds little more than links, and the containers
see the host's own programs, read-only, under the paths they have on the host.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from select import POLLIN, poll
from typing import TYPE_CHECKING

from endwell.engine.host_image import host_image_engine
from endwell.engine.protocol import EngineError
from tests import zoo
from tests.init.builds import shipped
from tests.scenarios.inits import INITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.engine.docker import DockerEngine

IMAGE = "endwell-test"
_START_LIMIT = 60_000
_END_LIMIT = 30_000


class NoEngineError(Exception):
    """There is no engine to be had; the message says why and what would help."""


# Its first name, which others import.
NoDockerError = NoEngineError


@contextmanager
def docker_engine() -> Iterator[DockerEngine]:
    """Give an engine whose containers can run guests and inits under the host's paths.

    As root with a dockerd on the PATH it is one of our own; otherwise the one that DOCKER_HOST or the context
    names.
    """
    if os.geteuid() == 0 and shutil.which("dockerd"):
        # Short: the engine makes sockets below it, and a socket's path may have 107 bytes.
        with (
            tempfile.TemporaryDirectory(prefix="endwell-docker-") as directory,
            _dockerd(Path(directory)) as host,
        ):
            yield _engine(host)
        return
    try:
        engine = _engine(None)
    except EngineError as error:
        message = (
            f"no dockerd to start ({'not root' if os.geteuid() else 'not installed'}), and none runs: {error}"
        )
        raise NoEngineError(message) from error
    try:
        yield engine
    finally:
        engine.remove_image(IMAGE)


def _engine(host: str | None) -> DockerEngine:
    return host_image_engine(IMAGE, host=host, mounts=container_mounts())


def container_mounts() -> list[str]:
    """Return the paths that containers see so that guests and inits run in them."""
    return [*zoo.places(), *(init.path for init in INITS if init.program and init.path)]


@contextmanager
def _dockerd(directory: Path) -> Iterator[str]:
    """Run an engine of our own in `directory`, whose docker-init is ours; gives its DOCKER_HOST."""
    host = f"unix://{directory}/docker.sock"
    shutil.copy(shipped(), directory / "docker-init")
    arguments = [
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        "-H",
        host,
        "-p",
        f"{directory}/pid",
        "--init-path",
        f"{directory}/docker-init",
    ]
    places = ["--data-root", f"{directory}/data", "--exec-root", f"{directory}/exec"]
    # Killed outright we could not end it: the kernel tells it then.
    with_us = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    log = directory / "log"
    with (
        log.open("wb") as written,
        subprocess.Popen(
            [*with_us, "dockerd", *arguments, *places],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        ) as daemon,
    ):
        try:
            _wait_until_it_answers(daemon.pid, host, log)
            yield host
        finally:
            _end(daemon, host)


def _wait_until_it_answers(pid: int, host: str, log: Path) -> None:
    ended = os.pidfd_open(pid)
    try:
        waiting = poll()
        waiting.register(ended, POLLIN)
        for _ in range(_START_LIMIT // 50):
            answer = subprocess.run(["docker", "--host", host, "version"], capture_output=True, check=False)
            if not answer.returncode:
                return
            if waiting.poll(50):
                break
    finally:
        os.close(ended)
    last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    message = f"dockerd does not answer; the end of its log:\n{last}"
    raise NoEngineError(message)


def _end(daemon: subprocess.Popen[bytes], host: str) -> None:
    """End the engine: first the containers, whose helpers outlive it, then the daemon with its containerd."""
    listed = subprocess.run(
        ["docker", "--host", host, "ps", "-aq"], capture_output=True, text=True, check=False
    ).stdout
    if listed.split():
        subprocess.run(
            ["docker", "--host", host, "rm", "-f", *listed.split()], capture_output=True, check=False
        )
    daemon.send_signal(signal.SIGTERM)
    try:
        daemon.wait(_END_LIMIT / 1000)
    except subprocess.TimeoutExpired:
        print("dockerd did not end within 30 s of SIGTERM and is killed", file=sys.stderr)
        daemon.kill()
        daemon.wait()
