"""What is imported before privileges are given up: all that a running supervisor would import later."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import endwell
from endwell.cli.supervisor.privileges import LATE

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = Path(endwell.__file__).parent
RUNNING = ("supervise", "machine", "system", "model", "parse", "cli/surroundings.py", "cli/rereading.py")
# Of other formats than the one that was read, and of other commands.
NOT_ITS = {
    "endwell.model.program_table",
    "endwell.parse.procfile",
    "endwell.parse.services",
    "endwell.parse.supervisord",  # that was read
}
# Between the change of the user and the first turn of the loop; and what the standard library asks for.
BESIDES = {"endwell.system.daemon", "encodings.idna"}


def late(path: Path) -> Iterator[str]:
    """Yield the modules that functions of a module import."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef):
            for one in ast.walk(function):
                if isinstance(one, ast.ImportFrom):
                    yield str(one.module)
                elif isinstance(one, ast.Import):
                    yield from (name.name for name in one.names)


def test_none_is_forgotten() -> None:
    places = [SOURCES / name for name in RUNNING]
    files = [
        file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))
    ]
    found = {name for file in files for name in late(file)}
    assert found - NOT_ITS == set(LATE) - BESIDES
