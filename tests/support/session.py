"""The one Docker engine, and the one podman, of a test session: started when the first test asks for it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

import pytest

from tests.support.docker import NoEngineError, docker_engine
from tests.support.podman import podman_engine

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from endwell.engine.docker import DockerEngine
    from endwell.engine.podman import PodmanEngine

_Engine = TypeVar("_Engine")
_DOCKER = pytest.StashKey["DockerEngine | NoEngineError"]()
_PODMAN = pytest.StashKey["PodmanEngine | NoEngineError"]()


@pytest.fixture(scope="session")
def docker(pytestconfig: pytest.Config) -> DockerEngine:
    """Give the session's Docker engine; without one skip, but fail where CI is set: there it must be."""
    return _the_one(pytestconfig, _DOCKER, docker_engine)


@pytest.fixture(scope="session")
def podman(pytestconfig: pytest.Config) -> PodmanEngine:
    """Give the session's podman; without one skip, but fail where CI is set: there it must be."""
    return _the_one(pytestconfig, _PODMAN, podman_engine)


def _the_one(
    config: pytest.Config,
    key: pytest.StashKey[_Engine | NoEngineError],
    make: Callable[[], AbstractContextManager[_Engine]],
) -> _Engine:
    # In the session's stash: several conftest files import these fixtures, and each would start engines.
    if key not in config.stash:
        stack = ExitStack()
        try:
            config.stash[key] = stack.enter_context(make())
        except NoEngineError as error:
            config.stash[key] = error
        config.add_cleanup(stack.close)
    found = config.stash[key]
    if isinstance(found, NoEngineError):
        if os.environ.get("CI"):
            pytest.fail(str(found))
        pytest.skip(str(found))
    return found
