"""docs/reference/control.md says what the tables say."""

from __future__ import annotations

import re
from pathlib import Path

from endwell.model.control import MOST_REQUESTS, PROTOCOL, REQUESTS, Kind
from endwell.supervise.control.server import MOST_CONNECTIONS

PAGE = (Path(__file__).parents[3] / "docs/reference/control.md").read_text()


def rows(heading: str) -> dict[str, list[str]]:
    """Return the rows of the first table below a heading, by the names in their first cells."""
    part = PAGE.split(f"\n{heading}\n")[1]
    lines = [line for line in part.split("\n#")[0].splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name: row for row in cells for name in re.findall(r"`([^`]+)`", row[0])}


def test_every_request_is_there_with_its_arguments() -> None:
    said = {name: tuple(re.findall(r"`([^`]+)`", row[1])) for name, row in rows("## Requests").items()}
    assert said == REQUESTS


def test_every_error_is_there() -> None:
    assert set(rows("## Errors")) == {kind.value for kind in Kind}


def test_numbers() -> None:
    assert f'"protocol": {PROTOCOL}' in PAGE
    assert '1024. `{"do": "cancel"' in PAGE
    assert MOST_REQUESTS == 1024
    assert f"There may be {MOST_CONNECTIONS} connections" in PAGE
