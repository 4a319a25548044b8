"""What the text of reports looks like; `python -m tests.unit.render.golden` writes it anew.

Most reports are made by hand. The one in the README is what `endwell probe` recorded of the command above it,
a small C program that listens on a port; it is judged and rendered here, as it would be today.
"""

from __future__ import annotations

import json
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from endwell import rules
from endwell.render import Options, render
from endwell.render.reading import load
from tests.render.reports import REPORTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.model.report import Report

ROOT = Path(__file__).parents[3]
FOLDER = Path(__file__).parent / "golden"
RECORDED = ROOT / "tests" / "render" / "recorded" / "shell-form.json"
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


def recorded() -> Report:
    """Return the report in the README, judged by the rules of today."""
    return rules.judge(load(json.loads(RECORDED.read_text())).timeline)


def readme() -> str:
    """Return the example in the README: the command and what it prints, in a block of code."""
    report = recorded()
    command = next(one for one in report.processes if one.pid == 1).argv[0]
    lines = [f"$ endwell probe -- {shlex.join(command)}", *render("text", report, Options()).splitlines()]
    return "\n" + "".join(f"    {line}".rstrip() + "\n" for line in lines) + "\n"


# Pages with an example: what stands before it and after it, and what it is made from.
PAGES: dict[str, tuple[str, str, Callable[[], str]]] = {
    "README.md": ("<!-- probe:begin -->\n", "<!-- probe:end -->\n", readme),
    "docs/reference/report.md": ("```text\n", "```\n", partial(made, "never-told", "")),
}


def shown(page: str) -> tuple[str, str, str]:
    """Return a page in three parts, of which the second one is the example."""
    begin, end, _ = PAGES[page]
    before, mark, rest = (ROOT / page).read_text().partition(begin)
    example, closing, after = rest.partition(end)
    assert mark, f"{page} lacks {begin!r}"
    assert closing, f"{page} lacks {end!r}"
    return before + mark, example, closing + after


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        path(*case).write_text(made(*case))
    for name, (_, _, make) in PAGES.items():
        head, _, tail = shown(name)
        (ROOT / name).write_text(head + make() + tail)
