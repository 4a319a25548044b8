"""endwell.model.sizes: numbers of bytes as people say them."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from endwell.model.sizes import format_size


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_951, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (3_984_130_048, "4.0 GB"),
        (5_000_000_000_000_000, "5000 TB"),
    ],
)
def test_a_size_has_three_digits(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(0, 10**15))
def test_it_is_right_to_a_tenth(size: int) -> None:
    number, unit = format_size(size).split()
    factor = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}.get(unit, 1)
    assert float(number) * factor == pytest.approx(size, rel=0.06)
