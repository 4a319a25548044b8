"""endwell.model.signals: Linux numbers, the names people write, and both ways between them."""

import signal
import sys

import pytest
from hypothesis import given, strategies as st

from endwell.model.signals import ALIASES, CONT, KILL, RTMAX, RTMIN, STOP, TABLE, TERM, Default, Signal

numbers = st.integers(1, RTMAX)


@given(numbers)
def test_name_and_number_are_read_back(number: int) -> None:
    one = Signal(number)
    assert Signal.parse(one.name) == one
    assert Signal.parse(one.name.removeprefix("SIG").lower()) == one
    assert Signal.parse(str(number)) == one
    assert int(one) == number


@given(numbers)
def test_every_signal_says_what_it_means_and_does(number: int) -> None:
    assert Signal(number).meaning
    assert isinstance(Signal(number).default, Default)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("TERM", 15),
        ("SIGTERM", 15),
        ("sigterm", 15),
        ("SigTerm", 15),
        ("15", 15),
        ("0015", 15),
        ("RTMIN", 34),
        ("SIGRTMIN+3", 37),
        ("rtmin+30", 64),
        ("RTMAX", 64),
        ("SIGRTMAX-1", 63),
        ("RTMAX-30", 34),
        ("RTMIN-2", 32),
        ("CLD", 17),
        ("SIGIOT", 6),
        ("POLL", 29),
        ("64", 64),
    ],
)
def test_reads_what_docker_and_systemd_write(text: str, number: int) -> None:
    assert Signal.parse(text) == Signal(number)


NOT_SIGNALS = [
    "SIG",
    "0",
    "65",
    "-1",
    "+15",
    "1.5",
    "RTMIN+",
    "RTMIN+31",
    "RTMAX+1",
    "RTMIN-3",
    "RTMAX-33",
    "SIGSIGTERM",
    "EXIT",
    "SIG15",
    "RT",
    "TERM,INT",
]


@pytest.mark.parametrize(
    "text", [*NOT_SIGNALS, "", " TERM", "TERM ", "TERM\n", "\u0661\u0665", "RTMIN+\u0663", "9" * 5000, "\0"]
)
def test_refuses_everything_else(text: str) -> None:
    with pytest.raises(ValueError, match="is not a signal"):
        Signal.parse(text)


@given(st.text())
def test_any_text_is_a_signal_or_an_error_that_says_so(text: str) -> None:
    try:
        assert Signal.parse(text).number in range(1, RTMAX + 1)
    except ValueError as error:
        assert "is not a signal" in str(error)  # noqa: PT017 - both ways are right


def test_error_proposes_what_was_meant() -> None:
    with pytest.raises(ValueError, match="did you mean TERM"):
        Signal.parse("SIGTREM")
    with pytest.raises(ValueError, match="use a name such as TERM"):
        Signal.parse("please")


@pytest.mark.parametrize("number", [0, -1, 65])
def test_no_signal_of_that_number(number: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 64"):
        Signal(number)


def test_only_two_cannot_be_caught() -> None:
    assert {one for one in map(Signal, range(1, RTMAX + 1)) if not one.catchable} == {KILL, STOP}


def test_the_table_is_whole() -> None:
    assert [number for number, *_ in TABLE] == list(range(1, 32))
    names = {name for _, name, *_ in TABLE}
    assert set(ALIASES.values()) <= names
    assert not names & set(ALIASES)


def test_text_and_order() -> None:
    assert f"{TERM}" == "SIGTERM"
    assert [str(Signal(number)) for number in (32, 33, 34, 35, 64)] == [
        "SIGRTMIN-2",
        "SIGRTMIN-1",
        "SIGRTMIN",
        "SIGRTMIN+1",
        "SIGRTMIN+30",
    ]
    assert KILL < TERM < CONT
    assert CONT.default is Default.CONTINUE


@pytest.mark.skipif(sys.platform != "linux", reason="the host's numbers are Linux's on Linux only")
def test_numbers_are_those_of_linux() -> None:
    assert {one.name: int(one) for one in signal.Signals if one < RTMIN} == {
        Signal(one).name: int(one) for one in signal.Signals if one < RTMIN
    }
    assert (int(signal.SIGRTMIN), int(signal.SIGRTMAX)) == (RTMIN, RTMAX)
