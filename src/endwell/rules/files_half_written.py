"""A process was killed while it was writing a file, which looks unfinished.

## What happens

The file ends in the middle of a line, or still has its temporary name. Whoever
reads it next gets half a record, or an old version, or nothing.

## Why

SIGKILL gives nobody time to flush a buffer or to rename a temporary file. The
data that the program had handed to the kernel is not lost; what was still in
the program's memory is.

## See it

    endwell probe --kill -- sh -c 'exec 3>/tmp/out.csv; printf 1,2 >&3; sleep 1000'

## Mend it

Let the process end by itself: see the finding that says why it was killed.
Write files so that they are whole or absent, under another name first:

    with open("out.csv.tmp", "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace("out.csv.tmp", "out.csv")

## When it is fine

An empty file, such as a log nothing has been written to, is not named, nor one
whose last line is whole. For binary files: whether they are complete cannot be seen from outside. That
is why files that are neither text nor temporary by their names are warnings.
And for the files of a database, which repairs them with its own log when it
starts again: of those only temporary ones are named.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from endwell.model.finding import Finding, Severity
from endwell.model.programs import Kind
from endwell.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.timeline import OpenFile
    from endwell.rules.case import Case

CODE = "EW406"
NAME = "files-half-written"
SUMMARY = "a process was killed with an unfinished file open for writing"

TEMPORARY = re.compile(
    r"(\.(tmp|temp|part|partial|new|crdownload)|~)$|(^|/)(temp|tmp)[-_.][^/]*$", re.IGNORECASE
)
TEXT = re.compile(r"\.(csv|tsv|txt|log|json|jsonl|ndjson|xml|ya?ml|toml|md|html|sql)$", re.IGNORECASE)


def find(case: Case) -> Iterator[Finding]:
    """Yield a finding for such files: one for all that the same processes held when they were killed."""
    held: dict[tuple[Severity, str], list[int]] = defaultdict(list)
    latest: dict[str, OpenFile] = {}
    for index, process in enumerate(case.processes):
        if process.holding is None or process.end is None or process.end.killer is None:
            continue
        keeps_a_log = case.kind(process) is Kind.DATABASE  # and repairs its files with it, by design
        for file in {one.path: one for one in process.holding.files}.values():
            weight = _weight(file)
            if weight is None or (keeps_a_log and not TEMPORARY.search(file.path)):
                continue
            held[weight, file.path].append(index)
            latest[file.path] = file
    together: dict[tuple[Severity, tuple[int, ...]], list[str]] = defaultdict(list)
    for (weight, path), indices in held.items():
        together[weight, tuple(indices)].append(path)
    for (weight, same), paths in together.items():
        holders = [case.processes[index] for index in same]
        yield Finding(
            CODE,
            f"{words.labels(holders)} {words.be(holders)} killed and had "
            f"{' and '.join(_said(latest[path]) for path in paths[:3])}"
            + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")  # noqa: PLR2004  names enough
            + " open for writing",
            f"let {'the process end by itself' if len(holders) == 1 else 'the processes end by themselves'}; "
            "write to another name and rename when the file is complete",
            words.pids(*holders),
            weight,
        )


def _weight(file: OpenFile) -> Severity | None:
    """How sure it is that something is missing; None for a file that looks whole."""
    if TEMPORARY.search(file.path):
        return Severity.ERROR
    if file.whole is not False or file.size == 0:
        return None
    return Severity.ERROR if TEXT.search(file.path) else Severity.WARNING


def _said(file: OpenFile) -> str:
    if TEMPORARY.search(file.path):
        return f"{file.path} (a temporary name)"
    # Of a file that is no text by its name this may be as it should be, so it is not called half a line.
    return f"{file.path} ({'ends in half a line' if TEXT.search(file.path) else 'no newline at its end'})"
