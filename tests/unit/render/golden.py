"""What the text of reports made by hand looks like; `python -m tests.unit.render.golden` writes it anew."""

from __future__ import annotations

from pathlib import Path

from endwell.render import Options, render
from tests.render.reports import REPORTS

FOLDER = Path(__file__).parent / "golden"
VARIANTS = {"": Options(), "-ascii": Options(ascii=True, width=60), "-color": Options(color=True, width=100)}
CASES = [
    *((name, "") for name in REPORTS),
    ("killed-by-engine", "-ascii"),
    ("weird", "-ascii"),
    ("group", "-color"),
]


def made(name: str, variant: str) -> str:
    """Return the text of a report as it is made now."""
    return render("text", REPORTS[name](), VARIANTS[variant])


def path(name: str, variant: str) -> Path:
    """Return the file that has what it should be."""
    return FOLDER / f"{name}{variant}.txt"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        path(*case).write_text(made(*case))
