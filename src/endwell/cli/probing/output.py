"""What `endwell probe` prints and writes."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from endwell import render, rules
from endwell.cli.parser import USAGE_ERROR, has_color
from endwell.model.finding import Verdict
from endwell.records import replace
from endwell.render.document import document

if TYPE_CHECKING:
    import argparse

    from endwell.probe.repeat import Series

STATUS = {Verdict.WELL: 0, Verdict.BADLY: 1, Verdict.UNKNOWN: USAGE_ERROR}
# The options that name a file, and the format that goes into it.
FILES = {"html": "html", "junit": "junit", "sarif": "sarif", "trace": "chrome"}


def check_files(options: argparse.Namespace) -> None:
    """Find out before anything is stopped whether the report can be written; nothing is made by that."""
    for name in FILES:
        path = getattr(options, name)
        if path is None:
            continue
        place = Path(path)
        if place.is_dir():
            why = os.strerror(errno.EISDIR)
        elif not place.exists() and not place.parent.is_dir():
            why = os.strerror(errno.ENOENT)
        elif not os.access(place if place.exists() else place.parent, os.W_OK):
            why = os.strerror(errno.EACCES)
        else:
            continue
        raise ValueError(f"cannot write --{name} {path}: {why}; name another file")


def show(series: Series, options: argparse.Namespace) -> int:
    """Write the report in every shape that was asked for; return the exit status.

    Raises:
        ValueError: something cannot be written.
    """
    report = series.worst
    pages = {rule.code: (rule.name, rule.summary, rule.page) for rule in rules.RULES}
    said = tuple(line for line in (series.agreement, series.influence) if line)
    choice = render.Options(pages=pages, series=said)
    for name, kind in FILES.items():
        path = getattr(options, name)
        if path is not None:
            _write_file(name, path, render.render(kind, report, choice))
    if options.json:
        found = document(report)
        found["series"] = _series(series)
        write(json.dumps(found, indent=2) + "\n")
    else:
        choice = replace(
            choice,
            width=shutil.get_terminal_size().columns,
            ascii=not _speaks_unicode(),
            color=has_color(sys.stdout),
        )
        write(render.render("text", report, choice))
    return STATUS[report.verdict]


def write(text: str) -> None:
    """Print; whoever does not read the report still learns the verdict, by the exit status.

    Raises:
        ValueError: there is no room for it.
    """
    if sys.stdout is None:
        return
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        # The words of a command line may be any bytes.
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except OSError as error:
        # What is still to be written would be complained about once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            raise ValueError(
                f"cannot write the report: {error.strerror}; free space, or write elsewhere"
            ) from error


def _write_file(name: str, path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8", errors="backslashreplace")
    except BrokenPipeError:
        return
    except OSError as error:
        raise ValueError(f"cannot write --{name} {path}: {error.strerror}; name another file") from error


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
