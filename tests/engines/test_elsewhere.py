"""A number that an engine tells is PID 1's only where the kernel says so too."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from endwell.engine.docker import DockerEngine
from endwell.engine.endpoint import Endpoint
from endwell.engine.local import LocalEngine
from endwell.engine.remote import RemoteEngine
from endwell.model.spec import ContainerSpec
from endwell.system.membership import container_namespace, namespace_of
from tests import zoo
from tests.support.distant_engine import IDENTITY, NAME, distant_engine

if TYPE_CHECKING:
    from pathlib import Path

    from endwell.engine.protocol import Engine


def _spec(guest: str) -> ContainerSpec:
    return ContainerSpec(entrypoint=zoo.command(guest))


@pytest.mark.parametrize("forwarded", [False, True])
@pytest.mark.parametrize("whose", ["ours", "init's", "nobody's", "another namespace's"])
def test_a_distant_containers_number_is_nobody_here(tmp_path: Path, whose: str, *, forwarded: bool) -> None:
    with LocalEngine().start(zoo.command("no-handler")) as other:
        other.expect("ready")
        pid = {"ours": os.getpid(), "init's": 1, "nobody's": 1 << 22, "another namespace's": other.pid}[whose]
        with (
            distant_engine(pid, tmp_path / "socket" if forwarded else None) as distant,
            DockerEngine(host=distant.url).attach(NAME) as container,
        ):
            assert container.elsewhere
            assert (container.pid, container.members()) == (0, ())
            assert not any(request.endswith(("/stop", "/kill")) for request in distant.asked)


def test_a_container_here_is_here(engine: Engine) -> None:
    with engine.create(_spec("no-handler")) as container:
        assert not container.elsewhere
        container.start()
        container.expect("ready")
        assert not container.elsewhere
        assert container.pid in container.members()
        if engine.name != "local":
            assert container_namespace(container.pid, container.identity) == namespace_of(container.pid)
            # The same process, and the name of another container.
            assert container_namespace(container.pid, IDENTITY) is None
            assert container_namespace(os.getpid(), container.identity) is None


def test_an_engine_seems_here_or_not(engine: Engine) -> None:
    if isinstance(engine, RemoteEngine):
        assert engine.seems_here()
    # It has our kernel, and another name.
    with distant_engine(1 << 22) as distant:
        assert not DockerEngine(host=distant.url).seems_here()


@pytest.mark.parametrize("identity", ["", "1", "0", "app"])
def test_a_name_that_is_none_proves_nothing(engine: Engine, identity: str) -> None:
    with engine.create(_spec("no-handler")) as container:
        container.start()
        container.expect("ready")
        assert container_namespace(container.pid, identity) is None


@pytest.mark.parametrize(
    ("url", "local"),
    [
        *(("unix:///run/docker.sock", True), ("tcp://127.0.0.1:2375", True), ("tcp://[::1]:2375", True)),
        *(("tcp://localhost:2375", True), ("tcp://docker:2375", False), ("tcp://192.0.2.1:2375", False)),
    ],
)
def test_an_endpoint_knows_whether_it_is_here(url: str, *, local: bool) -> None:
    assert Endpoint.parse(url).is_local is local
