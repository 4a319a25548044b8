"""endwell.machine.rotation: never within a line, and the names of those before."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from endwell.machine.rotation import Remove, Rename, overdue, put_aside, room

LINES = st.lists(st.binary(max_size=12).map(lambda data: data.replace(b"\n", b"") + b"\n"), min_size=1)


@given(LINES, st.integers(1, 30), st.data())
def test_files_hold_whole_lines_and_no_more_than_they_may(
    lines: list[bytes], limit: int, data: st.DataObject
) -> None:
    text, files, begin = b"".join(lines), [b""], 0
    while begin < len(text):
        current = files[-1]
        within = bool(current) and not current.endswith(b"\n")
        end = room(text, begin, len(current), limit, within=within)
        if end == begin:
            assert current
            files.append(b"")
            continue
        taken = data.draw(st.integers(1, end - begin))  # a write may take less
        files[-1] += text[begin : begin + taken]
        begin += taken
    assert b"".join(files) == text
    for file in files:
        assert file.endswith(b"\n")
        assert len(file) <= limit or file.count(b"\n") == 1


def test_a_file_without_limit_takes_everything() -> None:
    assert room(b"a\nb\n", 0, 1 << 40, None, within=False) == 4


def test_an_endless_line_stays_in_one_file() -> None:
    assert room(b"xxxx", 0, 3, 4, within=True) == 4
    assert room(b"xxxxxxxx", 0, 0, 4, within=False) == 8


@pytest.mark.parametrize(
    ("last", "now", "zone", "expected"),
    [
        (0, 86399, 0, False),
        (86399, 86400, 0, True),
        (86399, 86400, 3600, False),
        (82799, 82800, 3600, True),
        (86400, 86399, 0, False),
        (0, 10 * 86400, 0, True),
    ],
)
def test_days_begin_at_midnight(last: float, now: float, zone: float, expected: bool) -> None:  # noqa: FBT001
    assert overdue(last, now, 86400, zone) is expected
    assert not overdue(last, now, None, zone)


def perform(steps: tuple[Rename | Remove, ...], there: dict[str, str]) -> dict[str, str]:
    there = dict(there)
    for step in steps:
        if isinstance(step, Remove):
            there.pop(step.name, None)
        else:
            assert step.new not in there, "nothing may be overwritten"
            there[step.new] = there.pop(step.old)
    return there


@given(st.integers(0, 6), st.sets(st.tuples(st.integers(1, 8), st.sampled_from(["", ".gz"]))))
def test_the_newest_are_kept_in_order(keep: int, backups: set[tuple[int, str]]) -> None:
    there = {"log": "new"} | {f"log.{number}{ending}": f"{number}{ending}" for number, ending in backups}
    after = perform(put_aside("log", there, keep), there)
    assert "log" not in after
    expected = {"log.1": "new"} if keep else {}
    for number, ending in backups:
        if number < keep:
            expected[f"log.{number + 1}{ending}"] = f"{number}{ending}"
        elif number > keep or not keep:
            expected[f"log.{number}{ending}"] = f"{number}{ending}"  # not ours to touch
    assert after == expected
