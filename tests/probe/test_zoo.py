"""Every guest of the zoo, stopped for real: what is seen and found is what its header says."""

from __future__ import annotations

import os

import pytest

from tests import zoo
from tests.probe.observe import observe
from tests.zoo.comparing import differences

GUESTS = [guest for guest in zoo.guests().values() if guest.expectation is not None]


def _check(guest: zoo.Guest, observer: str) -> None:
    if missing := zoo.missing(guest.name):
        pytest.skip(f"it needs {missing}")
    assert guest.expectation is not None
    report = observe(guest, observer=observer)
    assert report.timeline.witness.name == observer
    assert not differences(report, guest.expectation)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="tracefs needs root")
@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: guest.name)
def test_a_guest_ends_as_its_header_says_seen_by_tracefs(guest: zoo.Guest) -> None:
    _check(guest, "tracefs")


@pytest.mark.parametrize(
    "guest", [guest for guest in GUESTS if "seccomp" not in guest.not_under], ids=lambda guest: guest.name
)
def test_a_guest_ends_as_its_header_says_seen_by_seccomp(guest: zoo.Guest) -> None:
    _check(guest, "seccomp")
