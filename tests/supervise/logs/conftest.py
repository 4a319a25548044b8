"""Fixtures of the tests of log capture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.supervise.logs.rig import Rig

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def rig() -> Iterator[Rig]:
    one = Rig()
    yield one
    one.close()
