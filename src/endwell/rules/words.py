"""How processes, times and commands are written in messages."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from endwell.model.process import Process

MOST_NAMES = 4
LONGEST_COMMAND = 60


def name(process: Process) -> str:
    """The name of a program: of one that gave itself a title, what stands before the colon."""
    words = process.argv[-1] if process.argv else ()
    first = words[0].strip() if words else ""
    if ": " in first:
        first = first.partition(":")[0]
    return first.split(" ")[0].rpartition("/")[2] or process.name or "?"


def label(process: Process) -> str:
    """`python3 (7)`, and `PID 1 (sh)`."""
    return f"PID 1 ({name(process)})" if process.pid == 1 else f"{name(process)} ({process.pid})"


def labels(processes: Iterable[Process]) -> str:
    """`a (2), b (3) and c (4)`; of many only the first ones are named."""
    said = [label(one) for one in processes]
    if len(said) > MOST_NAMES:
        said = [*said[: MOST_NAMES - 1], f"{len(said) - MOST_NAMES + 1} more"]
    return " and ".join(filter(None, [", ".join(said[:-1]), *said[-1:]]))


def be(processes: Sequence[object]) -> str:
    """The verb that fits."""
    return "was" if len(processes) == 1 else "were"


def they(processes: Sequence[object]) -> str:
    """The pronoun that fits."""
    return "it" if len(processes) == 1 else "they"


def pids(*processes: Process) -> tuple[int, ...]:
    """Their numbers, each once, in order."""
    return tuple(sorted({one.pid for one in processes}))


def seconds(length: float) -> str:
    """`0.39 ms`, `12 ms`, `3.2 s`, `10 s`."""
    if 0 < abs(length) < 1:
        return f"{1000 * length:.3g} ms" if abs(length) < 0.9995 else "1 s"  # noqa: PLR2004  g would write 1e+03
    return f"{length:.3g} s" if abs(length) < 1000 else f"{length:.0f} s"  # noqa: PLR2004  g would write e+03


def is_title(argv: Sequence[str]) -> bool:
    """Whether a program has replaced its command line by a title: what it was started with is not known."""
    return len([word for word in argv if word]) == 1 and " " in argv[0]


def command(argv: Sequence[str]) -> str:
    """A command line as one types it, shortened if it is long."""
    text = " ".join((argv[0] if is_title(argv) else shlex.join(argv)).split())
    return text if len(text) <= LONGEST_COMMAND else f"{text[: LONGEST_COMMAND - 3]}..."


def exec_form(argv: Sequence[str]) -> str:
    """A command line as the exec form of a Dockerfile."""
    return json.dumps(list(argv), ensure_ascii=False)


def script(argv: Sequence[str]) -> str:
    """The file that a shell runs; empty for `sh -c`, and for a shell that was given no file."""
    for word in argv[1:]:
        if not word.startswith("-"):
            return word
        if not word.startswith("--") and "c" in word:
            return ""
    return ""
