"""The one Docker engine of a test session: started when the first test asks for it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.docker import NoDockerError, docker_engine

if TYPE_CHECKING:
    from endwell.engine.docker import DockerEngine

_ENGINE = pytest.StashKey["DockerEngine | NoDockerError"]()


@pytest.fixture(scope="session")
def docker(pytestconfig: pytest.Config) -> DockerEngine:
    """Give the session's Docker engine; without one skip, but fail where CI is set: there it must be."""
    # In the session's stash: several conftest files import this fixture, and each would start its own engine.
    if _ENGINE not in pytestconfig.stash:
        stack = ExitStack()
        try:
            pytestconfig.stash[_ENGINE] = stack.enter_context(docker_engine())
        except NoDockerError as error:
            pytestconfig.stash[_ENGINE] = error
        pytestconfig.add_cleanup(stack.close)
    found = pytestconfig.stash[_ENGINE]
    if isinstance(found, NoDockerError):
        if os.environ.get("CI"):
            pytest.fail(str(found))
        pytest.skip(str(found))
    return found
