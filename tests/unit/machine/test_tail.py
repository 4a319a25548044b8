"""endwell.machine.tail: what supervisord's clients get for which numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from endwell.machine.tail import newest, part

NUMBERS = st.integers(0, 20)


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [(0, 0, (0, 10)), (4, 0, (4, 10)), (4, 3, (4, 7)), (4, 30, (4, 10)), (12, 3, (10, 10)), (-3, 0, (7, 10))],
)
def test_a_part_is_asked_for_by_offset_and_length(
    offset: int, length: int, expected: tuple[int, int]
) -> None:
    assert part(10, offset, length) == expected


def test_more_than_there_is_from_the_end_is_all() -> None:
    assert part(10, -1600, 0) == (0, 10)


@pytest.mark.parametrize(("offset", "length"), [(-3, 1), (-3, -1), (0, -1)])
def test_numbers_that_do_not_go_together(offset: int, length: int) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        part(10, offset, length)


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, 10, (0, 10, 10, False)),
        (0, 20, (0, 10, 10, False)),
        (0, 4, (6, 10, 10, True)),
        (10, 4, (10, 10, 10, False)),
        (8, 4, (6, 10, 10, False)),
        (99, 4, (10, 10, 10, False)),
        (0, 0, (10, 10, 10, True)),
    ],
)
def test_the_newest_part(offset: int, length: int, expected: tuple[int, int, int, bool]) -> None:
    assert newest(10, offset, length) == expected


@given(NUMBERS, st.integers(-5, 20), st.integers(-5, 20))
def test_no_number_leads_out_of_the_file(size: int, offset: int, length: int) -> None:
    begin, end, at, _ = newest(size, offset, length)
    assert 0 <= begin <= end <= at == size
