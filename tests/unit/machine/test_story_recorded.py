"""Real traces, told the same way every time."""

from __future__ import annotations

import pytest

from tests.unit.machine.recorded import TRACES, replay

NAMES = sorted(path.stem for path in TRACES.glob("*.trace"))


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_trace_is_told_as_it_was(name: str) -> None:
    assert replay(name) == (TRACES / f"{name}.events").read_text().splitlines()


def test_there_are_traces() -> None:
    assert {"tini", "catatonit", "threads", "aborts"} <= set(NAMES)
