"""endwell.model.restart: pauses, and what the policies' names mean."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from endwell.model.restart import (
    AT_ONCE,
    AT_ONCE_AT_FIRST,
    DOCKER,
    SUPERVISORD,
    Backoff,
    Restart,
    RestartPolicy,
    docker,
)


@pytest.mark.parametrize(
    ("backoff", "pauses"),
    [
        (DOCKER, [0.1, 0.2, 0.4, 0.8]),
        (SUPERVISORD, [1, 2, 3, 4]),
        (AT_ONCE, [0, 0, 0, 0]),
        (AT_ONCE_AT_FIRST, [0, 0.05, 0.1, 0.15]),
    ],
)
def test_pauses(backoff: Backoff, pauses: list[float]) -> None:
    assert [backoff.delay(n) for n in range(1, 5)] == pytest.approx(pauses)


@given(
    st.sampled_from([DOCKER, SUPERVISORD, AT_ONCE, AT_ONCE_AT_FIRST]), st.integers(1, 10**9), st.floats(0, 1)
)
def test_a_pause_grows_up_to_its_most_and_chance_only_shortens_it(
    backoff: Backoff, failures: int, chance: float
) -> None:
    assert 0 <= backoff.delay(failures) <= backoff.delay(failures + 1) <= backoff.most
    jittered = Backoff(backoff.first, backoff.factor, backoff.step, backoff.most, jitter=0.5)
    assert backoff.delay(failures) / 2 <= jittered.delay(failures, chance) <= backoff.delay(failures)


@pytest.mark.parametrize(
    ("when", "after"),
    [
        (Restart.NO, set[object]()),
        (Restart.ON_FAILURE, {3, None}),
        (Restart.ALWAYS, {0, 2, 3, None}),
        (Restart.UNLESS_STOPPED, {0, 2, 3, None}),
    ],
)
def test_what_each_word_wants(when: Restart, after: set[object]) -> None:
    policy = RestartPolicy(when, success=frozenset({0, 2}))
    assert {status for status in (0, 2, 3, None) if policy.wants(status)} == after


def test_docker_counts_failed_starts_as_failures() -> None:
    assert {when: docker(when, 5)[0].retries for when in Restart} == {
        Restart.NO: 0,
        Restart.ON_FAILURE: 5,
        Restart.ALWAYS: None,
        Restart.UNLESS_STOPPED: None,
    }
    assert docker(Restart.ON_FAILURE, 5)[1] == RestartPolicy(Restart.ON_FAILURE, 5)
    assert SUPERVISORD.most == math.inf
