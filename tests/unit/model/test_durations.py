"""endwell.model.durations: lengths of time, read and written."""

import pytest
from hypothesis import given, strategies as st

from endwell.model.durations import format_duration, parse_duration

YEAR = 366 * 24 * 3600


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10),
        ("1m30s", 90),
        ("500ms", 0.5),
        ("1.5s", 1.5),
        ("2h", 7200),
        ("1h15m30.918s", 4530.918),
        ("30", 30),
        ("0", 0),
        ("0s", 0),
        ("1.5", 1.5),
        (".5", 0.5),
        (".5s", 0.5),
        ("5.s", 5),
        ("1.", 1),
        ("100us", 0.0001),
        ("100\u00b5s", 0.0001),
        ("100\u03bcs", 0.0001),
        ("1000000000ns", 1),
        ("1s1h", 3601),  # Go does not mind the order
        (30, 30),
        (0.25, 0.25),
        ("8784h", YEAR),
    ],
)
def test_reads_what_docker_compose_and_kubernetes_write(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-1s", "negative"),
        ("-5", "negative"),
        (-5, "negative"),
        ("8784h1ms", "longer than 366 days"),
        ("99999999999", "longer than 366 days"),
        (1e300, "is not a length"),
        (float("nan"), "is not a length"),
        (float("inf"), "is not a length"),
        (True, "is not a length"),
    ]
    + [
        (text, "is not a length")
        for text in (
            "",
            " ",
            "s",
            ".",
            ".s",
            "10 s",
            " 10s",
            "10s ",
            "10s\n",
            "1m30",
            "10S",
            "10d",
            "10sec",
            "+1s",
        )
    ]
    + [
        (text, "is not a length")
        for text in ("1,5s", "1e3", "0x10", "1..5s", "\u0661s", "none", "9" * 5000, "1_0")
    ],
)
def test_refuses_and_says_why(text: str | float, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_duration(text)


@given(st.text(alphabet="0123456789.hmsnu\u00b5 -+d"))
def test_any_text_is_a_length_of_time_or_an_error(text: str) -> None:
    try:
        assert 0 <= parse_duration(text) <= YEAR
    except ValueError as error:
        assert "use for example" in str(error)  # noqa: PT017 - both ways are right


@given(st.integers(0, YEAR * 1_000_000))
def test_what_is_written_is_read_back_to_the_microsecond(microseconds: int) -> None:
    assert parse_duration(format_duration(microseconds / 1_000_000)) == microseconds / 1_000_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (0.000_25, "0.25ms"),
        (1, "1s"),
        (1.5, "1.5s"),
        (60, "1m"),
        (90, "1m30s"),
        (3600, "1h"),
        (3601.5, "1h1.5s"),
        (100, "1m40s"),
        (59.999_999_9, "1m"),
        (0.999_999_9, "1s"),
    ],
)
def test_writes_it_short(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
