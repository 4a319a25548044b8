"""endwell.system.memory: how many the kernel has killed for want of memory, where that is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from endwell.system.memory import OomKills

if TYPE_CHECKING:
    from pathlib import Path

V1 = "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"
V2 = "low 0\nhigh 0\nmax 41\noom 3\noom_kill {}\noom_group_kill 0\n"


@pytest.mark.parametrize("text", [V1, V2])
def test_only_those_since_it_was_asked_last(tmp_path: Path, text: str) -> None:
    place = tmp_path / "events"
    place.write_text(text.format(7))
    kills = OomKills([str(tmp_path / "none"), str(place)])
    assert kills.fresh() == 0
    place.write_text(text.format(9))
    assert kills.fresh() == 2
    assert kills.fresh() == 0
    place.write_text(text.format(0))  # another group of the same name
    assert kills.fresh() == 0


@pytest.mark.parametrize("text", ["", "oom_kill\n", "oom_kill many\n", "oom_killer 5\n"])
def test_where_nobody_counts_nobody_was_killed(tmp_path: Path, text: str) -> None:
    place = tmp_path / "events"
    place.write_text(text)
    kills = OomKills([str(place)])
    place.write_text("oom_kill 9\n")
    assert kills.fresh() == 0
    assert OomKills([]).fresh() == 0


def test_our_own_group_can_be_asked() -> None:
    assert OomKills().fresh() >= 0
