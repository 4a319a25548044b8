"""The tables `restart`, `start`, `ready` and `health` as the model's values.

A policy is Docker's of that name, with what the tables say in its place.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from endwell.model.readiness import Health, Readiness, Unhealthy
from endwell.model.restart import DOCKER, Backoff, Restart, RestartPolicy, StartPolicy, docker
from endwell.model.stopping import StopPlan
from endwell.records import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    Values = Mapping[str, Any]


def backoff_of(delay: float | Values | None, default: Backoff = DOCKER) -> Backoff:
    """Return how pauses grow: from the first one, as Docker's, or as a table says."""
    if delay is None:
        return default
    said: Values = delay if isinstance(delay, dict) else {"first": delay}
    first = said.get("first", DOCKER.first)
    return Backoff(
        first=first,
        factor=said.get("factor", DOCKER.factor),
        step=said.get("step", DOCKER.step),
        # A first pause longer than Docker's longest would be cut by it, which nobody means.
        most=said.get("most", max(first, DOCKER.most)),
        jitter=said.get("jitter", DOCKER.jitter),
    )


def policies_of(
    restart: tuple[Restart, int | None] | Values | None, start: Values | None
) -> tuple[StartPolicy, RestartPolicy]:
    """Return when a service has started, and when it is started again."""
    said: Values = {}
    when, limit = Restart.NO, None
    if isinstance(restart, tuple):
        when, limit = restart
    elif restart is not None:
        said = restart
        when, limit = said.get("condition", Restart.NO), said.get("max-attempts")
    # As with Docker, a limit of 0 is none.
    starting, restarting = docker(when, limit or None)
    pause = backoff_of(said.get("delay"))
    restarting = replace(
        restarting,
        success=frozenset(said.get("success", restarting.success)),
        backoff=pause,
        reset_after=said.get("window", restarting.reset_after),
    )
    said = start or {}
    return (
        StartPolicy(
            seconds=said.get("window", starting.seconds),
            retries=said.get("retries", starting.retries),
            backoff=backoff_of(said.get("delay"), pause),
        ),
        restarting,
    )


def readiness_of(ready: Readiness | Values | None) -> Readiness | None:
    """Return when a service is ready."""
    if ready is None or isinstance(ready, Readiness):
        return ready
    test: Readiness | None = ready.get("test")
    return test and replace(test, timeout=finite(ready.get("timeout")), every=ready.get("every", test.every))


def health_of(health: Readiness | Values | None) -> Health | None:
    """Return how a service is asked for its health."""
    said: Values = {"test": health} if isinstance(health, Readiness) else health or {}
    test: Readiness | None = said.get("test")
    if test is None:
        return None
    plain = Health(test.means, test.value)
    return replace(
        plain,
        interval=said.get("interval", plain.interval),
        timeout=said.get("timeout", plain.timeout),
        start_period=said.get("start-period", plain.start_period),
        retries=said.get("retries", plain.retries),
        then=said.get("then", Unhealthy.RESTART),
    )


def usual_stop_timeout(grace: float) -> float:
    """Return the stop timeout of a service that says none: 10 s, or what its container has room for."""
    return min(10.0, StopPlan(grace=finite(grace)).kill)


def finite(seconds: float | None) -> float | None:
    """Return a length of time, or None for one without end."""
    return None if seconds is None or math.isinf(seconds) else seconds
