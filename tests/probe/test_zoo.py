"""Every guest of the zoo, stopped for real: what is seen and found is what its header says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests import zoo
from tests.probe.observe import seccomp, tracefs
from tests.zoo.comparing import differences

if TYPE_CHECKING:
    from tests.probe.observe import Reports

__all__ = ["seccomp", "tracefs"]

GUESTS = [guest for guest in zoo.guests().values() if guest.expectation is not None]


def _check(guest: zoo.Guest, reports: Reports, observer: str) -> None:
    assert guest.expectation is not None
    report = reports.of(guest)
    assert report.timeline.witness.name == observer
    assert not differences(report, guest.expectation)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="tracefs needs root")
@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: guest.name)
def test_a_guest_ends_as_its_header_says_seen_by_tracefs(tracefs: Reports, guest: zoo.Guest) -> None:
    _check(guest, tracefs, "tracefs")


@pytest.mark.parametrize(
    "guest", [guest for guest in GUESTS if "seccomp" not in guest.not_under], ids=lambda guest: guest.name
)
def test_a_guest_ends_as_its_header_says_seen_by_seccomp(seccomp: Reports, guest: zoo.Guest) -> None:
    _check(guest, seccomp, "seccomp")
