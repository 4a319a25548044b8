"""Probe a guest of the zoo as its header says."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from endwell.model.spec import ContainerSpec
from endwell.probe.plan import Plan
from endwell.probe.run import probe
from tests import zoo

if TYPE_CHECKING:
    from endwell.model.report import Report
    from tests.zoo import Guest

# How long to wait for somebody who never gets ready, and for somebody who ends by itself.
NEVER = 0.3
BY_ITSELF = 10.0


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
