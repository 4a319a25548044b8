"""Every guest gets as far as its situation and tells of its end; every caller becomes its arguments."""

from __future__ import annotations

import os

import pytest

from endwell.engine.local import LocalEngine
from tests import zoo
from tests.zoo.story import contradictions

GUESTS = [guest.name for guest in zoo.guests().values() if guest.kind == "guest"]
CALLERS = [guest.name for guest in zoo.guests().values() if guest.kind == "caller"]
# PID 1 stays, whatever the guest does: one of them goes to the background.
UNDER_A_SHELL = ("/bin/sh", "-c", '"$@" & sleep 1000', "sh")
NEED_ROOT = {"drops-kill"}
# Those that are no situation at all when somebody else is PID 1.
ONLY_AS_PID_1 = {
    "catatonit-and-a-shell": "catatonit refuses to be anything else",
    "catatonit-and-the-program": "catatonit refuses to be anything else",
}


def _skip_without(name: str) -> None:
    if name in NEED_ROOT and os.geteuid():
        pytest.skip("it needs a second user, and so root")
    if missing := zoo.missing(name):
        pytest.skip(f"it needs {missing}")


def test_every_file_is_a_guest() -> None:
    assert {path.name for path in zoo.GUESTS.iterdir()} == {
        guest.path.name for guest in zoo.guests().values()
    }


def test_every_sentence_is_one_line_and_its_own() -> None:
    sentences = [guest.sentence for guest in zoo.guests().values()]
    assert all(10 < len(sentence) <= 130 for sentence in sentences)
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize(
    "name", [name for name in GUESTS if zoo.guests()[name].ready == "line" and name not in ONLY_AS_PID_1]
)
def test_guest_reaches_its_situation(name: str) -> None:
    _skip_without(name)
    with LocalEngine().start((*UNDER_A_SHELL, *zoo.command(name))) as container:
        container.expect("ready")


@pytest.mark.parametrize("name", GUESTS)
def test_guest_tells_of_its_end_as_its_header_says(name: str) -> None:
    _skip_without(name)
    assert not contradictions(zoo.guests()[name], LocalEngine())


def test_there_are_enough_of_them_and_each_says_what_is_to_be_seen() -> None:
    assert len(GUESTS) >= 60
    assert not [name for name in GUESTS if zoo.guests()[name].expectation is None]


@pytest.mark.parametrize("name", CALLERS)
def test_caller_becomes_its_arguments(name: str) -> None:
    _skip_without(name)
    with LocalEngine().start((*zoo.command(name), *zoo.command("shows-arguments"))) as container:
        ending = container.wait(10.0)
        assert ending is not None
        assert ending.status == 5


def test_a_placeholder_is_several_words_alone_and_quoted_inside() -> None:
    alone, inside = (
        zoo.expand(("{shows-arguments}", "sh -c {shows-arguments}")),
        zoo.command("shows-arguments"),
    )
    assert alone == (*inside, f"sh -c {' '.join(inside)}")
