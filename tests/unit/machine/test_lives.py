"""endwell.machine.lives: events folded into one life per process."""

from __future__ import annotations

import pytest
from hypothesis import given

from endwell.machine.lives import lives
from endwell.model.process import End, Killer, Process
from endwell.model.signals import HUP, INT, KILL, TERM, USR1, Signal
from endwell.model.timeline import (
    Adopted,
    Born,
    Died,
    Executed,
    Fate,
    Holding,
    OpenFile,
    Origin,
    Printed,
    Reaped,
    Sender,
    Signalled,
    Stop,
    Timeline,
    Way,
)
from tests.unit.rules.test_rules import TIMELINES

OUTSIDE = Sender(Origin.OUTSIDE)
NAMESPACE = Sender(Origin.NAMESPACE, 1)
KERNEL = Sender(Origin.KERNEL)


def fold(*events: object, stop: Stop | None = None) -> tuple[Process, ...]:
    return lives(Timeline(events, stop or Stop()))  # type: ignore[arg-type]


def only(*events: object, stop: Stop | None = None) -> Process:
    """Return the life of process 2, under a PID 1 that leaves at 1.0."""
    found = fold(Born(-2, 1, 0), Born(-1, 2, 1), *events, Died(1.0, 1, code=0), stop=stop)
    return next(one for one in found if one.pid == 2)


def test_a_whole_life() -> None:
    told = Signalled(0.1, 2, TERM, Sender(Origin.PROCESS, 1), Fate.HANDLER)
    held = Holding(0.2, 2, (OpenFile("/data/x", 3, whole=False),), ("tcp:80",))
    reaped = Reaped(0.4, 2, 1)
    found = only(
        Executed(-0.9, 2, ("sh", "x")),
        Executed(-0.8, 2, ("/usr/bin/app",)),
        Adopted(-0.5, 2, 1),
        told,
        Holding(0.1, 2),
        held,
        Printed(0.2, "stdout", "bye"),
        Died(0.3, 2, code=3),
        reaped,
    )
    assert found == Process(
        pid=2,
        parent=1,
        adopter=1,
        argv=(("sh", "x"), ("/usr/bin/app",)),
        born=-1,
        died=0.3,
        end=End(code=3),
        told=True,
        reaped=reaped,
        signals=(told,),
        holding=held,
    )
    assert (found.name, found.command, found.end and found.end.status) == ("app", "/usr/bin/app", 3)


def test_one_that_never_executed_has_its_parents_command_line() -> None:
    one, two, three = fold(Born(-3, 1, 0), Executed(-3, 1, ("app", "x")), Born(-2, 2, 1), Born(-1, 3, 2))
    assert one.executed
    assert two.argv == three.argv == (("app", "x"),)
    assert not two.executed


def test_its_parents_command_line_is_that_of_the_fork() -> None:
    _, two = fold(
        Born(-3, 1, 0),
        Executed(-3, 1, ("sh",)),
        Born(-2, 2, 1),
        Executed(-1, 1, ("app",)),
        Died(1, 1, code=0),
    )
    assert two.argv == (("sh",),)


def test_a_number_that_comes_round_again_is_another_life() -> None:
    _, first, second = fold(
        Born(-3, 1, 0), Born(-2, 2, 1), Died(-1.5, 2, code=0), Reaped(-1.4, 2, 1), Born(-1, 2, 1)
    )
    assert (first.died, second.died) == (-1.5, None)
    assert first.reaped
    assert not second.reaped


def test_a_collection_that_was_heard_of_late_belongs_to_the_life_before() -> None:
    _, first, second = fold(
        Born(-3, 1, 0),
        Born(-2, 2, 1),
        Died(-1.5, 2, code=0),
        Born(-1, 2, 1),
        Reaped(-0.9, 2, 1),
        Died(0.5, 2, code=0),
        Reaped(0.6, 2, 1),
    )
    assert [one.reaped and one.reaped.at for one in (first, second)] == [-0.9, 0.6]


@pytest.mark.parametrize(
    ("signal", "sender", "fate", "at", "told"),
    [
        (TERM, Sender(Origin.PROCESS, 1), Fate.HANDLER, 0.0, True),
        (TERM, OUTSIDE, Fate.IGNORED, 0.5, True),
        (TERM, OUTSIDE, Fate.TOO_LATE, 1.0, True),
        (INT, OUTSIDE, Fate.DEFAULT, 0.5, True),
        (TERM, OUTSIDE, Fate.DISCARDED, 0.5, False),
        (TERM, OUTSIDE, Fate.HANDLER, -0.5, False),
        (KILL, NAMESPACE, Fate.DEFAULT, 1.0, False),
        (Signal(13), KERNEL, Fate.DEFAULT, 0.5, False),
        (HUP, KERNEL, Fate.DEFAULT, 0.5, True),
        (HUP, KERNEL, Fate.DEFAULT, 1.0, False),
        (Signal(40), OUTSIDE, Fate.HANDLER, 0.5, False),
    ],
)
def test_told(signal: Signal, sender: Sender, fate: Fate, at: float, told: bool) -> None:  # noqa: FBT001  a column
    assert only(Signalled(at, 2, signal, sender, fate)).told is told


def test_the_containers_own_stop_signal_is_a_request_whatever_it_is() -> None:
    own = Signal(40)
    assert only(Signalled(0.5, 2, own, OUTSIDE, Fate.HANDLER), stop=Stop(signal=own)).told


@pytest.mark.parametrize(
    ("sender", "killer", "pid"),
    [
        (NAMESPACE, Killer.NAMESPACE, 1),
        (Sender(Origin.PROCESS, 1), Killer.PROCESS, 1),
        (OUTSIDE, Killer.OUTSIDE, None),
        (KERNEL, Killer.OUTSIDE, None),
        (None, Killer.OUTSIDE, None),
        (Sender(Origin.PROCESS, 2), None, None),
    ],
)
def test_who_killed(sender: Sender | None, killer: Killer | None, pid: int | None) -> None:
    end = only(Died(0.5, 2, signal=KILL, sender=sender)).end
    assert end == End(signal=KILL, killer=killer, pid=pid)
    assert end.kind == ("killed" if killer else "signal")
    assert end.status == 137


@pytest.mark.parametrize(
    ("stop", "sender", "killer"),
    [
        (Stop(killed=True), OUTSIDE, Killer.ENGINE),
        (Stop(killed=True), None, Killer.ENGINE),
        (Stop(way=Way.KILL), OUTSIDE, Killer.ENGINE),
        (Stop(), OUTSIDE, Killer.OUTSIDE),
        (Stop(), KERNEL, Killer.OUTSIDE),
    ],
)
def test_who_killed_pid_1(stop: Stop, sender: Sender | None, killer: Killer) -> None:
    (one,) = fold(Born(-1, 1, 0), Died(0.5, 1, signal=KILL, sender=sender), stop=stop)
    assert one.end == End(signal=KILL, killer=killer)


def test_once_pid_1_has_ended_the_kernel_kills() -> None:
    events = (Born(-2, 1, 0), Born(-1, 2, 1), Died(1.0, 1, code=0), Died(1.0, 2, signal=KILL))
    assert fold(*events)[1].end == End(signal=KILL, killer=Killer.NAMESPACE)


def test_another_signal_is_no_kill() -> None:
    end = only(Died(0.5, 2, signal=USR1, sender=OUTSIDE)).end
    assert end == End(signal=USR1)
    assert end.kind == "signal"


def test_what_somebody_held_before_his_birth_was_seen_is_his() -> None:
    held = Holding(-0.1, 2, (OpenFile("/data/x", 3, whole=False),))
    first, late, again = fold(Born(-1.0, 1, 0), held, Born(0.1, 2, 1), Died(0.2, 2, 0), Born(0.3, 2, 1))
    assert (first.holding, late.holding, again.holding) == (None, held, None)


def test_what_happens_to_somebody_unknown_is_nobodys() -> None:
    assert fold(Executed(0, 7, ("x",)), Died(1, 7, code=0), Reaped(1, 7, 1)) == ()


@given(TIMELINES)
def test_every_birth_is_one_life_in_order(timeline: Timeline) -> None:
    births = [(event.pid, event.at) for event in timeline.events if isinstance(event, Born)]
    assert [(one.pid, one.born) for one in lives(timeline)] == births
