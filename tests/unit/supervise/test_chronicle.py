"""supervisord's words for what happens, event by event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from endwell.machine.act import Act, Refused, RollingDone
from endwell.machine.effect import Announce, Kill
from endwell.machine.event import Spawned
from endwell.machine.life import Life
from endwell.machine.outcome import Outcome
from endwell.machine.reloading import Renewing
from endwell.machine.state import State
from endwell.model.process import End
from endwell.model.restart import StartPolicy
from endwell.model.service import ServiceSpec
from endwell.model.signals import TERM
from endwell.records import replace
from endwell.supervise.chronicle import Chronicle

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = ("web", 0)
SUCCESS = "entered RUNNING state, process has stayed up for > than 2 seconds (startsecs)"
NEWS = Announce(State.STARTING, State.RUNNING, 7, 0, True, True, None, "")  # noqa: FBT003  expected, ready


def life() -> Life:
    return Life(ServiceSpec(name="web", command=("x",), process="web_00", start=StartPolicy(seconds=2.0)))


def told(effect: Act | object, change: Callable[[Life], None] = lambda _: None) -> list[str]:
    one, lines = life(), []
    change(one)
    chronicle = Chronicle({KEY: one}, lambda level, line: lines.append(f"{level} {line}"))
    chronicle(effect if isinstance(effect, Act) else Act(KEY, effect))  # type: ignore[arg-type]
    return lines


@pytest.mark.parametrize(
    ("effect", "change", "line"),
    [
        (Spawned(7), None, "20 spawned: 'web_00' with pid 7"),
        (
            NEWS,
            None,
            f"20 success: web_00 {SUCCESS}",
        ),
        (
            replace(NEWS, state=State.BACKOFF, end=End(code=1)),
            None,
            "30 exited: web_00 (exit status 1; not expected)",
        ),
        (
            replace(NEWS, state=State.BACKOFF, why="cannot start x: no such file"),
            None,
            "20 spawnerr: cannot start x: no such file",
        ),
        (
            replace(NEWS, was=State.BACKOFF, state=State.FATAL),
            None,
            "20 gave up: web_00 entered FATAL state, too many start retries too quickly",
        ),
        (
            replace(NEWS, was=State.RUNNING, state=State.EXITED, end=End(code=0)),
            None,
            "20 exited: web_00 (exit status 0; expected)",
        ),
        (
            replace(NEWS, was=State.RUNNING, state=State.EXITED, expected=False, end=End(signal=TERM)),
            None,
            "30 exited: web_00 (terminated by SIGTERM; not expected)",
        ),
        (replace(NEWS, was=State.RUNNING, state=State.STOPPING), None, "20 waiting for web_00 to stop"),
        (
            replace(NEWS, was=State.STOPPING, state=State.STOPPED, end=End(code=0)),
            None,
            "20 stopped: web_00 (exit status 0)",
        ),
        (
            replace(NEWS, was=State.STOPPING, state=State.STOPPED, end=End(signal=TERM)),
            None,
            "30 stopped: web_00 (terminated by SIGTERM)",
        ),
        (
            replace(NEWS, was=State.STOPPING, state=State.STOPPED, end=End()),
            None,
            "30 stopped: web_00 (nobody saw how)",
        ),
        (Kill(), lambda one: setattr(one, "pid", 7), "30 killing 'web_00' (7) with SIGKILL"),
        (replace(NEWS, was=State.RUNNING, healthy=True), None, "20 web_00 is healthy"),
        (replace(NEWS, was=State.RUNNING, healthy=False, why="late"), None, "30 web_00 is unhealthy: late"),
        (Refused("db has failed"), None, "30 not started: web_00 (db has failed)"),
        (RollingDone((KEY,)), None, "30 web_00 did not come back: not restarted are web_00"),
        (Act(None, Outcome(1, "all have exited")), None, "30 stopping: all have exited"),
    ],
)
def test_what_happens_has_supervisords_words(
    effect: object, change: Callable[[Life], None] | None, line: str
) -> None:
    assert told(effect, change or (lambda _: None)) == [line]


@pytest.mark.parametrize(
    "effect",
    [RollingDone(), replace(NEWS, was=State.STOPPED, state=State.STARTING), replace(NEWS, was=State.RUNNING)],
)
def test_what_is_no_news_there_is_left_out(effect: object) -> None:
    assert told(effect) == []


def test_the_end_of_everything_is_told_once_and_when_it_is_hurried() -> None:
    one, lines = life(), []
    one.pid = 7
    chronicle = Chronicle({KEY: one}, lambda _, line: lines.append(line))
    chronicle.stopping("SIGTERM")
    chronicle.stopping("SIGTERM")
    chronicle(Act(KEY, replace(NEWS, was=State.RUNNING, state=State.STOPPING)))
    assert lines == [
        "received SIGTERM indicating exit request",
        "waiting for web_00 to die",
        "received SIGTERM again: the next step is taken at once",
    ]


def test_a_restart_is_told_if_a_signal_has_asked_for_it() -> None:
    said = "30 received SIGHUP indicating restart request"
    assert told(Act(None, Renewing("SIGHUP"))) == [said]
    assert told(Act(None, Renewing(""))) == []


def test_news_of_one_who_is_gone_are_no_error() -> None:
    lines: list[str] = []
    Chronicle({}, lambda _, line: lines.append(line))(Act(KEY, NEWS))
    assert not lines
