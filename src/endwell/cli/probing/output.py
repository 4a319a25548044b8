"""What `endwell probe` prints and writes."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from endwell import render, rules
from endwell.cli.parser import USAGE_ERROR, has_color
from endwell.model.finding import Verdict
from endwell.render.document import document

if TYPE_CHECKING:
    import argparse

    from endwell.probe.repeat import Series

STATUS = {Verdict.WELL: 0, Verdict.BADLY: 1, Verdict.UNKNOWN: USAGE_ERROR}
# The options that name a file, and the format that goes into it.
FILES = {"html": "html", "junit": "junit", "sarif": "sarif", "trace": "chrome"}


def check_files(options: argparse.Namespace) -> None:
    """Find out before anything is stopped whether the report can be written."""
    for name in FILES:
        path = getattr(options, name)
        if path is None:
            continue
        try:
            with Path(path).open("a"):
                pass
        except OSError as error:
            raise ValueError(f"cannot write --{name} {path}: {error.strerror}; name another file") from error


def show(series: Series, options: argparse.Namespace) -> int:
    """Write the report in every shape that was asked for; return the exit status."""
    report = series.worst
    pages = {rule.code: (rule.name, rule.summary, rule.page) for rule in rules.RULES}
    for name, kind in FILES.items():
        path = getattr(options, name)
        if path is not None:
            Path(path).write_text(render.render(kind, report, render.Options(pages=pages)), encoding="utf-8")
    if options.json:
        found = document(report)
        found["series"] = _series(series)
        write(json.dumps(found, indent=2) + "\n")
    else:
        choice = render.Options(
            width=shutil.get_terminal_size().columns,
            ascii=not _speaks_unicode(),
            color=has_color(sys.stdout),
            pages=pages,
        )
        lines = [line for line in (series.agreement, series.influence) if line]
        write(render.render("text", report, choice) + "".join(f"{line}\n" for line in lines))
    return STATUS[report.verdict]


def write(text: str) -> None:
    """Print; whoever does not read the report still learns the verdict, by the exit status."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _series(series: Series) -> dict[str, object]:
    control = series.control
    return {
        "runs": [
            {"verdict": one.verdict.value, "findings": sorted({finding.rule for finding in one.findings})}
            for one in series.reports
        ],
        "control": None
        if control is None
        else {"exit": control.exit, "killed": control.killed, "took": control.took},
    }


def _speaks_unicode() -> bool:
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "─█→".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
