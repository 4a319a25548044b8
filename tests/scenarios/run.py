"""Play one scenario with one init in one engine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from endwell.engine.protocol import Ending, NotSeenError, NotStartedError
from tests import zoo
from tests.scenarios.model import End, Line, Outcome, Scenario, Send, Step, Stop, Verdict

if TYPE_CHECKING:
    from endwell.engine.protocol import Container, Engine
    from tests.scenarios.inits import Init

# docker stop counts in whole seconds.
GRACE = {"local": 2.5, "docker": 3.0}
# How much longer the engine waits: dockerd takes a moment to pass the signal on, and one to notice the end.
_RESERVE = {"local": 0.0, "docker": 1.0}
# How long a fact may take that should come at once: only a failing scenario ever waits this long.
_LIMIT = 10.0


def cannot_run(scenario: Scenario, engine: str) -> str:
    """Return why the scenario makes no sense here, or nothing."""
    if scenario.local_only and engine != "local":
        return "it aims at an instant that only the local engine can hold"
    if scenario.root and engine == "local" and os.geteuid():
        return "it needs a second user, and so root"
    return ""


def words(scenario: Scenario, init: Init, grace: float) -> tuple[str, ...]:
    """Return the whole command of the container."""
    front = init.words(dashes=scenario.dashes, grace=grace, options=scenario.options)
    return zoo.expand((*scenario.around, *(front or scenario.no_init), *scenario.command))


def play(
    scenario: Scenario, init: Init, engine: Engine, *, grace: float | None = None, limit: float = _LIMIT
) -> Verdict:
    """Run the scenario and judge it; every fact must come within `limit` seconds."""
    grace = grace or GRACE[engine.name]
    command = words(scenario, init, grace)
    if scenario.play:
        return scenario.play(init, command)
    outcome = _outcome(scenario, command, engine, grace, limit)
    failures = list(filter(None, (fact.failure(outcome) for fact in scenario.passed)))
    reasons = [*failures[:2], *([outcome.trouble] if failures and outcome.trouble else ())]
    return Verdict(passed=not failures, note="; ".join(dict.fromkeys(reasons)))


def _outcome(
    scenario: Scenario, command: tuple[str, ...], engine: Engine, grace: float, limit: float
) -> Outcome:
    try:
        container = engine.start(command)
    except NotStartedError as error:
        return Outcome((), Ending(error.status), str(error))
    with container:
        trouble = ""
        try:
            for step in scenario.steps:
                _perform(step, container, grace + _RESERVE[engine.name], limit)
        except NotSeenError as error:
            trouble = str(error)
        ending = container.wait(0.0)
        return Outcome(tuple(line.text for line in container.lines), ending, trouble)


def _perform(step: Step, container: Container, grace: float, limit: float) -> None:
    match step:
        case Line(text):
            container.expect(text, limit)
        case Send(numbers):
            for number in numbers:
                container.send(number)
        case Stop():
            container.stop(grace)
        case End():
            if container.wait(limit) is None:
                message = f"it did not end by itself within {limit:g} s"
                raise NotSeenError(message)
