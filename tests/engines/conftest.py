"""The engines for the tests here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from endwell.engine.local import LocalEngine
from tests.support.session import docker, podman

if TYPE_CHECKING:
    from endwell.engine.protocol import Engine

__all__ = ["docker", "podman"]


@pytest.fixture(
    params=[
        "local",
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("podman", marks=pytest.mark.podman),
    ]
)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Give one engine after the other."""
    found: Engine = LocalEngine() if request.param == "local" else request.getfixturevalue(request.param)
    return found
