"""The last stop: who belongs to it, and what its picture shows."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, strategies as st

from endwell.gateway.page.course import Course, Lane, last_stop
from endwell.gateway.page.picture import MOST, picture, told
from tests.gateway.pages import service


def stopped(
    name: str, asked: float, told_at: float, ended: float | None, killed: float | None = None
) -> dict[str, Any]:
    stop = {"asked": asked, "told": told_at, "killed": killed, "ended": ended, "how": "exited with 0"}
    return service(name, stop=stop)


def labels(course: Course | None) -> list[str]:
    assert course is not None
    return [lane.label for lane in course.lanes]


def test_nobody_was_stopped() -> None:
    assert last_stop([service("web")], 100) is None


def test_those_who_are_stopped_one_after_another_belong_together() -> None:
    rows = [stopped("db", 12, 12, 14), stopped("web", 10, 11, 12), stopped("other", 1, 1, 2)]
    course = last_stop(rows, 100)
    assert labels(course) == ["web", "db"]
    assert course == Course(
        began=10,
        took=4,
        over=True,
        lanes=(
            Lane("web", "SIGTERM", 0, 1, None, 2, "exited with 0"),
            Lane("db", "SIGTERM", 2, 2, None, 4, "exited with 0"),
        ),
    )


def test_one_that_is_under_way_goes_on_until_now() -> None:
    course = last_stop([stopped("web", 10, 11, None), stopped("db", 30, 30, 31)], 40)
    assert course is not None
    assert (labels(course), course.over, course.took) == (["web", "db"], False, 30)


NUMBERS = st.floats(0, 1000)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, st.booleans(), st.booleans()), min_size=1, max_size=8))
def test_the_picture_keeps_in_its_frame(times: list[tuple[float, float, float, bool, bool]]) -> None:
    rows = []
    for number, (asked, draining, living, killed, over) in enumerate(times):
        at, end = asked + draining, asked + draining + living
        rows.append(stopped(f"s{number}", asked, at, end if over else None, end if killed else None))
    course = last_stop(rows, 4000)
    assert course is not None
    assert course.took >= 0
    assert course.over is all(lane.ended is not None for lane in course.lanes)
    drawn = Drawn(str(picture(course)))
    for one in drawn.bars:
        assert one["x"] >= 149.9
        assert one["x"] + one["width"] <= 900 - 190 + 2.1
        assert one["width"] >= 2
    assert drawn.lanes == len(course.lanes)


class Drawn(HTMLParser):
    """Bars and lanes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.bars: list[dict[str, float]] = []
        self.lanes = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one."""
        found = dict(attrs)
        if tag == "rect":
            self.bars.append({name: float(found[name] or "") for name in ("x", "width")})
        self.lanes += found.get("class") == "lane"


@pytest.mark.parametrize("took", [0.0, 1e-9, 0.0005, 3.0, 86400.0 * 400])
def test_any_length_has_an_axis(took: float) -> None:
    course = Course(0, took, over=True, lanes=(Lane("web", "SIGTERM", 0, 0, None, took, "exited with 0"),))
    ticks = str(picture(course)).count('class="tick"')
    assert 2 <= ticks <= 8


def test_names_are_names_and_crowds_are_cut() -> None:
    lanes = tuple(Lane(f"<b>{at}", "SIGTERM", 0, 0, None, 1, "<i>") for at in range(MOST + 1))
    text = str(picture(Course(0, 1, over=True, lanes=lanes)))
    assert "<b>" not in text
    assert "<i>" not in text
    assert Drawn(text).lanes == MOST


def test_in_words() -> None:
    lane = Lane("web", "SIGTERM", 0, 1, 3, None, "")
    assert list(told(lane)) == [
        "web: asked to stop at 0 s",
        "web: told SIGTERM at 1 s",
        "web: SIGKILL at 3 s",
        "web: still there",
    ]
