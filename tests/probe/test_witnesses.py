"""Three witnesses of the same ending: two observers, two engines, and the guest itself, have to agree.

What two reports may differ in is declared in `tests.probe.compare`.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from endwell.model.finding import Ending, Finding, Verdict
from endwell.model.process import End, Killer, Process
from endwell.model.report import Report
from endwell.model.signals import INT, KILL, TERM
from endwell.model.timeline import Fate, Origin, Printed, Reaped, Sender, Signalled, Timeline, Witness
from endwell.probe.repeat import Series
from endwell.records import replace
from tests import zoo
from tests.probe.compare import Pair, is_init, renumbered, undeclared, unheard
from tests.probe.observe import AT_ONCE, containers, observe, seccomp, tracefs
from tests.support.session import docker

if TYPE_CHECKING:
    from tests.probe.observe import Reports
    from tests.zoo import Guest

__all__ = ["containers", "docker", "seccomp", "tracefs"]

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="tracefs needs root")]

GUESTS = [guest for guest in zoo.guests().values() if guest.expectation is not None]
UNDER_BOTH = [guest for guest in GUESTS if "seccomp" not in guest.not_under]
# Guests that are another thing in the test's image, and why.
NOT_IN_A_CONTAINER = {
    "wrapper-su": "the image has no PAM",
    "wrapper-su-execs": "the image has no PAM",
    "wrapper-unshare": "Docker's seccomp profile forbids unshare",
    "becomes-another-user": "the image has other users",
}
IN_A_CONTAINER = [
    guest
    for number, guest in enumerate(sorted(GUESTS, key=lambda guest: guest.name))
    if (number % 3 == 0 or is_init(guest))
    and guest.name not in NOT_IN_A_CONTAINER
    # What ends by itself may be gone before Docker tells its number.
    and guest.expectation is not None
    and not guest.expectation.by_itself
]
# One of each kind of ending.
OFTEN = [
    zoo.guests()[name]
    for name in (
        "handles-term",
        "ignores-term",
        "no-handler",
        "blocks-term",
        "waits-with-sigwait",
        "reads-signalfd",
        "leaves-zombies",
        "master-forgets-its-workers",
        "quits-before-its-worker",
        "script-waits-once",
        "script-traps-in-foreground",
        "tini-and-a-shell",
    )
]

SHELL = Process(
    pid=1,
    parent=0,
    adopter=0,
    argv=(("dash", "-c", "app; true"),),
    born=-1.0,
    died=1.0,
    end=End(code=0),
    told=True,
    signals=(Signalled(0.0, 1, TERM, Sender(Origin.OUTSIDE), Fate.HANDLER),),
)
APP = Process(
    pid=7,
    parent=1,
    adopter=1,
    argv=(("app", "-x"),),
    born=-0.9,
    died=0.5,
    end=End(code=0),
    told=True,
    reaped=Reaped(0.5, 7, 1),
    signals=(Signalled(0.1, 7, TERM, Sender(Origin.PROCESS, 1), Fate.HANDLER),),
)
REPORT = Report(
    Timeline(events=(Printed(0.2, "stdout", "told TERM"),), witness=Witness("tracefs")),
    (SHELL, APP),
    (Finding("EW101", "", ""),),
    Verdict.WELL,
    Ending.WELL,
)


def with_app(**changes: object) -> Report:
    return replace(REPORT, processes=(SHELL, replace(APP, **changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("verdict", replace(REPORT, verdict=Verdict.BADLY)),
        ("ending", replace(REPORT, ending=Ending.PARTIAL)),
        ("codes", replace(REPORT, findings=())),
        ("process", replace(REPORT, processes=(SHELL,))),
        ("program", with_app(argv=(("app", "-y"),))),
        ("parent", with_app(parent=0)),
        ("end", with_app(end=End(code=1))),
        ("end", with_app(end=End(signal=KILL, killer=Killer.NAMESPACE, pid=1))),
        ("told", with_app(told=False)),
        ("reaped by", with_app(reaped=None)),
        ("signals", with_app(signals=())),
        ("signals", with_app(signals=(replace(APP.signals[0], fate=Fate.IGNORED),))),
        ("signals", with_app(signals=(replace(APP.signals[0], fate=Fate.TOO_LATE),))),
        ("signals", with_app(signals=(replace(APP.signals[0], sender=Sender(Origin.OUTSIDE)),))),
        ("signals", with_app(signals=(replace(APP.signals[0], signal=INT),))),
    ],
)
def test_a_difference_that_nobody_declared_is_told(field: str, other: Report) -> None:
    guest = zoo.guests()["handles-term"]
    for witness in ("tracefs", "seccomp"):
        seen = replace(other, timeline=replace(other.timeline, witness=Witness(witness)))
        told = undeclared(Pair(guest, renumbered(REPORT), renumbered(seen)))
        assert len(told) == 1
        assert f"{field}: " in told[0]


SOON = replace(APP, died=0.11)
LAST = replace(APP, died=0.98)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SOON, replace(SOON, signals=(replace(APP.signals[0], fate=Fate.IGNORED),))),
        (SOON, replace(SOON, signals=(replace(APP.signals[0], fate=Fate.DISCARDED),))),
        (SOON, replace(SOON, signals=(replace(APP.signals[0], fate=Fate.DEFAULT),))),
        (LAST, replace(LAST, told=False, signals=())),
        (LAST, replace(LAST, end=End(code=1))),
        (APP, replace(APP, argv=(("sshd", "-D"),))),
        (APP, replace(APP, argv=(("/usr/sbin/sshd",),))),
    ],
)
def test_a_race_excuses_nothing_else(one: Process, other: Process) -> None:
    guest = zoo.guests()["handles-term"]
    for witness in ("tracefs", "seccomp"):
        seen = replace(REPORT.timeline, witness=Witness(witness))
        reports = (
            replace(REPORT, processes=(SHELL, one)),
            replace(REPORT, timeline=seen, processes=(SHELL, other)),
        )
        assert undeclared(Pair(guest, *map(renumbered, reports)))


def test_numbers_are_of_no_matter_but_the_order_of_births_is() -> None:
    guest = zoo.guests()["handles-term"]
    app = replace(APP, pid=2, reaped=Reaped(0.5, 2, 1), signals=(replace(APP.signals[0], pid=2),))
    assert renumbered(REPORT).processes == (SHELL, app)
    assert not undeclared(Pair(guest, renumbered(REPORT), replace(REPORT, processes=(SHELL, app))))


def test_what_a_guest_was_told_and_nobody_saw_is_told() -> None:
    assert not unheard(REPORT)
    deaf = tuple(
        replace(one, signals=(replace(one.signals[0], fate=Fate.DISCARDED),)) for one in (SHELL, APP)
    )
    assert unheard(replace(REPORT, processes=deaf)) == ["told TERM"]


@pytest.mark.parametrize("guest", UNDER_BOTH, ids=lambda guest: guest.name)
def test_two_observers_tell_the_same(tracefs: Reports, seccomp: Reports, guest: Guest) -> None:
    assert not undeclared(_pair(guest, tracefs, seccomp))


@pytest.mark.docker
@pytest.mark.parametrize("guest", IN_A_CONTAINER, ids=lambda guest: guest.name)
def test_a_real_container_ends_as_a_local_one(tracefs: Reports, containers: Reports, guest: Guest) -> None:
    assert not undeclared(_pair(guest, tracefs, containers))


@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: guest.name)
def test_what_the_guest_says_it_was_told_tracefs_has_seen(tracefs: Reports, guest: Guest) -> None:
    assert not unheard(tracefs.of(guest))


@pytest.mark.parametrize("guest", UNDER_BOTH, ids=lambda guest: guest.name)
def test_what_the_guest_says_it_was_told_seccomp_has_seen(seccomp: Reports, guest: Guest) -> None:
    assert not unheard(seccomp.of(guest))


@pytest.mark.parametrize("observer", ["tracefs", "seccomp"])
@pytest.mark.parametrize("guest", OFTEN, ids=lambda guest: guest.name)
def test_one_that_is_probed_five_times_ends_alike(observer: str, guest: Guest) -> None:
    if missing := zoo.missing(guest.name):
        pytest.skip(f"it needs {missing}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = [pool.submit(observe, guest, observer=observer) for _ in range(5)]
    series = Series(tuple(run.result() for run in runs))
    assert series.agreement == "all 5 runs agree"


def _pair(guest: Guest, one: Reports, other: Reports) -> Pair:
    return Pair(guest, renumbered(one.of(guest)), renumbered(other.of(guest)))
