"""Probe guests of the zoo as their headers say: once for each observer and engine in a test session.

A test that takes a `guest` and one of the fixtures `tracefs`, `seccomp` and `containers` asks for a report.
When the first of them runs, the reports about all guests that the session asks for are made, several at a
time: each has its own observer, and most of the time a guest only waits.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from endwell import engine as engines
from endwell.model.finding import Ending, Verdict
from endwell.model.spec import ContainerSpec
from endwell.probe.plan import Plan
from endwell.probe.run import probe
from endwell.records import dataclass, replace
from tests import zoo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from endwell.engine.protocol import Engine
    from endwell.engine.remote_container import RemoteContainer
    from endwell.model.report import Report
    from tests.zoo import Guest

# How long to wait for somebody who never gets ready, and for somebody who ends by itself.
NEVER = 0.3
BY_ITSELF = 10.0
AT_ONCE = 4
# These take whole processors: they run alone.
ALONE = frozenset({"script-kills-its-group", "script-kills-its-group-bash", "storms", "forks-and-forks"})


def plan(guest: Guest, *, observer: str = "auto", engine: str = "local", directory: str = "/tmp") -> Plan:
    """Return the plan of a probe of this guest, which puts its files into `directory`."""
    by_itself = guest.expectation is not None and guest.expectation.by_itself
    return Plan(
        spec=ContainerSpec(command=zoo.command(guest.name), environment={"TMPDIR": directory}, directory="/"),
        engine=engine,
        observer=observer,
        ready="log:^ready$",
        ready_timeout=NEVER if guest.ready == "never" else 30.0,
        after=BY_ITSELF if by_itself else 0.0,
        signal=guest.signal,
        grace=guest.grace,
    )


def observe(guest: Guest, *, observer: str = "auto", engine: str = "local") -> Report:
    """Probe the guest and return the report; nothing it wrote stays behind."""
    with TemporaryDirectory() as directory:
        return probe(plan(guest, observer=observer, engine=engine, directory=directory))


class Reports:
    """One report about each of some guests, all of them made at once, by `make`."""

    def __init__(self, guests: Iterable[Guest], make: Callable[[Guest], Report]) -> None:
        found = [guest for guest in guests if not zoo.missing(guest.name)]
        for guest in found:
            zoo.command(guest.name)  # compiled by one, not by four
        together = [guest for guest in found if guest.name not in ALONE]
        apart = [guest for guest in found if guest.name in ALONE]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            reports = [*pool.map(partial(_tried, make), together), *(_tried(make, one) for one in apart)]
        names = (guest.name for guest in (*together, *apart))
        self._reports = dict(zip(names, reports, strict=True))

    def of(self, guest: Guest) -> Report:
        """Return the report about a guest, or raise what kept it from being made."""
        if missing := zoo.missing(guest.name):
            pytest.skip(f"it needs {missing}")
        report = self._reports[guest.name]
        if isinstance(report, Exception):
            raise report
        return report


def _tried(make: Callable[[Guest], Report], guest: Guest) -> Report | Exception:
    try:
        report = make(guest)
        if report.verdict is Verdict.UNKNOWN and not _may_be_unknown(guest):
            # On a busy machine events are lost, and the report says so. Nobody is allowed that twice.
            report = make(guest)
    except Exception as error:  # noqa: BLE001  raised again by the tests of this guest
        return error
    return report


def _may_be_unknown(guest: Guest) -> bool:
    return guest.expectation is not None and Ending.UNKNOWN in guest.expectation.endings


@dataclass(frozen=True, slots=True)
class Kept:
    """The session's engine, which one probe must not close."""

    engine: Engine
    name: str = "docker"

    def create(self, spec: ContainerSpec, *, listener: int | None = None) -> RemoteContainer:
        """As the engine does."""
        made: RemoteContainer = self.engine.create(spec, listener=listener)  # type: ignore[assignment]
        return made

    def close(self) -> None:
        """Do nothing."""


def contained(guest: Guest) -> Report:
    """Probe the guest in a real container; for the temporary files there is the container."""
    asked = plan(guest, observer="tracefs", engine="docker")
    return probe(replace(asked, grace=math.ceil(guest.grace)))  # Docker counts whole seconds


_REPORTS = pytest.StashKey[dict[str, Reports]]()


def _reports(request: pytest.FixtureRequest, make: Callable[[Guest], Report]) -> Reports:
    # In the session's stash: a fixture that two modules import would be made for each of them.
    kept = request.config.stash.setdefault(_REPORTS, {})
    fixture = request.fixturename
    assert fixture is not None
    if fixture not in kept:
        asking = [
            item.callspec.params["guest"]
            for item in request.session.items
            if isinstance(item, pytest.Function)
            and fixture in item.fixturenames
            and hasattr(item, "callspec")
        ]
        wanted = {guest.name: guest for guest in asking if isinstance(guest, zoo.Guest)}
        kept[fixture] = Reports(wanted.values(), make)
    return kept[fixture]


@pytest.fixture(scope="session")
def tracefs(request: pytest.FixtureRequest) -> Reports:
    """What tracefs saw of local containers."""
    return _reports(request, partial(observe, observer="tracefs"))


@pytest.fixture(scope="session")
def seccomp(request: pytest.FixtureRequest) -> Reports:
    """What seccomp saw of local containers."""
    return _reports(request, partial(observe, observer="seccomp"))


@pytest.fixture(scope="session")
def containers(request: pytest.FixtureRequest) -> Reports:
    """What tracefs saw of real containers."""
    kept = Kept(request.getfixturevalue("docker"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "find", lambda _: kept)
        return _reports(request, contained)
