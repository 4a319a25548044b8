"""The language of expectations: what is written is read, and what is read can be written again."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from endwell.model.finding import Ending
from endwell.model.process import Killer
from endwell.model.signals import TERM, Signal
from endwell.model.timeline import Fate, Origin
from tests import zoo
from tests.zoo.expectations import ANY_SIGNALS, ITSELF, Code, Ended, Expectation, Person, Sent, parse

NUMBERS = st.integers(1, 400)
SIGNALS = st.integers(1, 64).map(Signal)
RULES = st.integers(100, 999).map("EW{}".format)


def some(items: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(items, min_size=1, max_size=3, unique=True).map(tuple)


SENT = st.builds(
    Sent,
    SIGNALS,
    some(st.sampled_from(Origin).filter(lambda one: one is not Origin.PROCESS) | NUMBERS | st.just(ITSELF)),
    some(st.sampled_from(Fate)),
)
ENDED = (
    st.builds(Ended, code=st.integers(0, 255))
    | st.builds(Ended, signal=SIGNALS)
    | st.builds(Ended, killer=st.sampled_from(Killer).filter(lambda one: one is not Killer.PROCESS) | NUMBERS)
)
FACTS = {
    "count": st.none() | st.integers(1, 300),
    "parent": st.none() | NUMBERS,
    "adopter": st.none() | NUMBERS,
    "signals": st.none() | st.lists(SENT | st.just(ANY_SIGNALS), max_size=3).map(tuple),
    "told": st.none() | st.booleans(),
    "ends": st.just(()) | some(ENDED),
    "reapers": st.just(()) | some(st.integers(0, 400)),
    "zombie": st.booleans(),
}
PEOPLE = st.builds(
    Person,
    **FACTS,
    name=st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True),
    pid=st.none() | NUMBERS,
).filter(lambda person: ": " in str(person) and not str(person).endswith(": "))
EXPECTATIONS = st.builds(
    Expectation,
    endings=some(st.sampled_from(Ending)),
    statuses=st.just(()) | some(st.integers(0, 255)),
    by_itself=st.booleans(),
    processes=st.none() | st.integers(1, 300),
    codes=st.lists(st.builds(Code, some(RULES), st.booleans()), max_size=3).map(tuple),
    people=st.lists(PEOPLE, max_size=3).map(tuple),
)


@given(EXPECTATIONS)
def test_what_is_written_is_read_again(expectation: Expectation) -> None:
    assert parse(expectation.lines()) == expectation


def test_the_whole_language_in_one_example() -> None:
    assert parse(
        [
            "partial or well, exit 0 or 143, by itself, 3 processes, EW101, perhaps EW402 or EW404",
            "1 dash: TERM from outside or itself, discarded; ...; killed by engine",
            "2 x sleep: child of 1; adopted by 1; never told; exit 0 or dies of TERM or killed by 1; zombie",
            "some cat: no signals; reaped by 1 or 0",
        ]
    ) == Expectation(
        endings=(Ending.PARTIAL, Ending.WELL),
        statuses=(0, 143),
        by_itself=True,
        processes=3,
        codes=(Code(("EW101",)), Code(("EW402", "EW404"), certain=False)),
        people=(
            Person(
                pid=1,
                name="dash",
                signals=(Sent(TERM, (Origin.OUTSIDE, ITSELF), (Fate.DISCARDED,)), ANY_SIGNALS),
                ends=(Ended(killer=Killer.ENGINE),),
            ),
            Person(
                name="sleep",
                count=2,
                parent=1,
                adopter=1,
                told=False,
                ends=(Ended(code=0), Ended(signal=TERM), Ended(killer=1)),
                zombie=True,
            ),
            Person(name="cat", count=None, signals=(), reapers=(1, 0)),
        ),
    )


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "nothing to read"),
        (["exit 0"], "does not say how it ends"),
        (["nicely"], "'nicely' is not understood; there are well, partial"),
        (["well, exit zero"], "'exit zero' is not understood"),
        (["well, EW1"], "'EW1' is not understood"),
        (["well, perhaps soon"], "'soon' is not the code of a rule"),
        (["well", "told"], "does not begin with who it is about"),
        (["well", ": told"], "does not begin with who it is about"),
        (["well", "1: sleeps"], "'sleeps' is not understood; there are 'TERM from outside"),
        (["well", "1:"], "'' is not understood"),
        (["well", "1: TERM from outside, forgotten"], "'forgotten' is not a valid Fate"),
        (["well", "1: TREM from outside, handler"], "did you mean TERM?"),
        (["well", "1: TERM from above, handler"], "'above' is not a valid Origin"),
        (["well", "1: killed by accident"], "'accident' is not a valid Killer"),
        (["well", "1: exit 0 or what"], "'what' is no way to end"),
        (["well", "1: dies of shame"], "'shame' is not a signal"),
        (["well", "1: reaped by somebody"], "'reaped by somebody' is not understood"),
    ],
)
def test_an_error_names_what_is_not_understood(lines: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        parse(lines)
    assert words in str(caught.value)


@pytest.mark.parametrize("guest", [guest for guest in zoo.guests().values() if guest.expectation])
def test_every_expectation_of_the_zoo_is_read_again(guest: zoo.Guest) -> None:
    assert guest.expectation is not None
    assert parse(guest.expectation.lines()) == guest.expectation
