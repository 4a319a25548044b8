"""A real podman for tests: a service, a socket and a storage of its own, ended with everything in it.

Podman's own defaults ask for more open files than a machine may allow; the configuration here does not. And
what watches a command run with exec would stay for five minutes after its end, instead of ten seconds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from select import POLLIN, poll, select
from typing import TYPE_CHECKING

from endwell.engine.host_image import host_image_engine
from endwell.engine.podman import PodmanEngine
from endwell.engine.protocol import EngineError
from tests.support.docker import IMAGE, NoEngineError, container_mounts

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_LIMIT = 60_000
_CONFIGURATION = """\
[containers]
default_ulimits = []
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
tmp_dir = "{directory}/tmp"
exit_command_delay = 10
"""
_STORAGE = """\
[storage]
driver = "vfs"
graphroot = "{directory}/root"
runroot = "{directory}/run"
"""


@contextmanager
def podman_environment() -> Iterator[dict[str, str]]:
    """Give the variables under which podman has a configuration and a storage of its own."""
    if shutil.which("podman") is None or os.geteuid():
        message = (
            f"no podman to use: {'not root' if os.geteuid() else 'not installed; install podman and runc'}"
        )
        raise NoEngineError(message)
    with tempfile.TemporaryDirectory(prefix="endwell-podman-") as directory:
        files = {"CONTAINERS_CONF": _CONFIGURATION, "CONTAINERS_STORAGE_CONF": _STORAGE}
        for name, text in files.items():
            Path(directory, name).write_text(text.format(directory=directory))
        try:
            yield {name: f"{directory}/{name}" for name in files}
        finally:
            _wait_until_nobody_uses(directory)


def _wait_until_nobody_uses(directory: str) -> None:
    """Wait for podman's own clean-up: what watched a container starts it, and it may outlive the service."""
    while users := [found for found in Path("/proc").glob("[0-9]*") if _uses(found, directory)]:
        for process in users:
            with suppress(ProcessLookupError):
                ended = os.pidfd_open(int(process.name))
                try:
                    # The number may be another's by now, who is not waited for.
                    if _uses(process, directory):
                        select([ended], [], [])
                finally:
                    os.close(ended)


def _uses(process: Path, directory: str) -> bool:
    try:
        return os.fsencode(f"{directory}/") in (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def podman_engine() -> Iterator[PodmanEngine]:
    """Give an engine whose containers can run guests and inits under the host's paths."""
    with podman_environment() as variables, _service(variables) as host:
        engine = host_image_engine(IMAGE, host=host, mounts=container_mounts(), kind=PodmanEngine)
        try:
            yield engine
        finally:
            for found in engine.client.ask("GET", "/containers/json", {"all": 1}):
                engine.discard(found["Id"])
            engine.close()


@contextmanager
def _service(variables: dict[str, str]) -> Iterator[str]:
    directory = Path(variables["CONTAINERS_CONF"]).parent
    host = f"unix://{directory}/podman.sock"
    # Killed outright we could not end it: the kernel tells it then.
    with_us = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    log = directory / "log"
    with (
        log.open("wb") as written,
        subprocess.Popen(
            [*with_us, "podman", "system", "service", "--time=0", host],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            env={**os.environ, **variables},
            start_new_session=True,
        ) as service,
    ):
        try:
            _wait_until_it_answers(service.pid, host, log)
            yield host
        finally:
            service.terminate()
            service.wait()


def _wait_until_it_answers(pid: int, host: str, log: Path) -> None:
    ended = os.pidfd_open(pid)
    try:
        waiting = poll()
        waiting.register(ended, POLLIN)
        for _ in range(_START_LIMIT // 50):
            try:
                assert PodmanEngine(host=host).client.version
            except EngineError:
                if waiting.poll(50):
                    break
            else:
                return
    finally:
        os.close(ended)
    last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    message = f"podman system service does not answer; the end of its log:\n{last}"
    raise NoEngineError(message)
