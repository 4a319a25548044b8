"""`docker run --init` with ours in Docker's place: dockerd takes it for tini; ENDWELL_GRACE adds phases."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from typing import TYPE_CHECKING

import pytest

from tests.support.command import DockerCommand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.engine.docker import DockerEngine

IMAGE = "endwell-test-busybox"
# The main process ends at once when it is told; its worker, in a session of its own, needs a while.
WORKER = "trap 'sleep 0.3; echo flushed; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
COMMAND = f'setsid sh -c "{WORKER}" & exec sleep 1000'


@pytest.fixture(scope="module", name="docker")
def docker_command(docker: DockerEngine) -> DockerCommand:
    return DockerCommand(docker.endpoint.url)


@pytest.fixture(scope="module")
def image(docker: DockerCommand) -> Iterator[str]:
    """A root of busybox alone: Docker mounts its init to /sbin, which must not be the host's."""
    if not docker.run("info", "--format", "{{.InitBinary}}").startswith("/"):
        pytest.skip("needs an engine of our own: the init of somebody's engine is his")
    busybox = shutil.which("busybox")
    assert busybox, "install busybox-static"
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as root:
        for name in ("bin", "dev", "etc", "proc", "sbin", "sys", "tmp"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            root.addfile(entry)
        root.add(busybox, "bin/busybox")
        for name in ("setsid", "sh", "sleep"):
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            root.addfile(entry)
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        archive.write(content.getvalue())
        archive.flush()
        docker.run("import", archive.name, IMAGE)
    yield IMAGE
    docker.run("image", "rm", "--force", IMAGE)


def stop(docker: DockerCommand, image: str, *options: str) -> tuple[str, int]:
    """Start the worker under `docker run --init`, stop it; return what was printed, and the exit status."""
    container = docker.run(
        "run", "--detach", "--init", "--network=none", *options, image, "sh", "-c", COMMAND
    )
    follower = docker.follow("logs", "--follow", container)
    assert follower.stdout
    try:
        assert follower.stdout.readline() == b"ready\n"
        docker.run("stop", "--time", "10", container)
        said = follower.stdout.read().decode()
        return said, int(docker.run("inspect", "--format", "{{.State.ExitCode}}", container))
    finally:
        docker.run("rm", "--force", container)
        follower.communicate()


def test_the_engine_reads_its_version(docker: DockerCommand, image: str) -> None:
    assert image
    components = docker.run(
        "version", "--format", "{{range .Server.Components}}{{.Name}} {{.Version}}\n{{end}}"
    )
    assert "docker-init 0.19.0" in components.splitlines()


def test_it_leaves_with_the_main_process_as_docker_init_does(docker: DockerCommand, image: str) -> None:
    said, status = stop(docker, image)
    assert "flushed" not in said
    assert status == 143


def test_with_a_grace_it_waits_for_the_worker(docker: DockerCommand, image: str) -> None:
    said, status = stop(docker, image, "--env=ENDWELL_GRACE=10s")
    assert "flushed" in said.splitlines()
    assert status == 143
