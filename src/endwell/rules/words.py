"""How processes, times and commands are written in messages."""

from __future__ import annotations

import json
import math
import shlex
from typing import TYPE_CHECKING

from endwell.model.durations import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from endwell.model.process import End, Process

MOST_NAMES = 4
LONGEST_COMMAND = 60
USUAL_GRACE = 10.0
# What may stand before a command in a shell, besides an operator and an assignment.
BEFORE_COMMAND = {"then", "do", "else", "if", "while", "until", "time", "exec", "{", "!"}
SEPARATORS = frozenset("();|&")


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


def ended(end: End, length: float) -> str:
    """How a process ended that nobody killed, and how much later: `ended by itself 2.8 s later`."""
    how = f"died of {end.signal}" if end.signal else "ended by itself"
    return f"{how} {seconds(max(0.0, length))} later"


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


def entrypoint(grace: float) -> str:
    """The line that puts an init in front; the grace is that of the stop, or the usual one if it has none."""
    given = grace if 0 < grace < math.inf else USUAL_GRACE
    return f'ENTRYPOINT ["endwell-init", "--grace", "{format_duration(given)}", "--"]'


def trap(programs: int) -> str:
    """A trap that tells the programs in the background and waits for them."""
    if programs == 1:
        return 'trap \'kill "$child"; wait "$child"\' TERM'
    return 'trap \'kill "$first" "$second"; wait\' TERM'


def tokens(text: str) -> tuple[str, ...]:
    """The words and operators of a shell's command; those between blanks where it cannot be read."""
    lexer = shlex.shlex(text.replace("\n", ";"), posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    try:
        return tuple(lexer)
    except ValueError:
        return tuple(text.split())


def typed(argv: Sequence[str], text: str) -> tuple[str, ...]:
    """A command line as it was written in a shell's command: of a script without the interpreter.

    To run a file that begins with `#!` the kernel puts the interpreter in front of it, so of `./app` it is
    `/usr/bin/python3 ./app` that can be seen.
    """
    written = tokens(text)
    for start in range(len(argv)):
        wanted = tuple(argv[start:])
        for at in range(len(written) - len(wanted) + 1):
            if written[at : at + len(wanted)] == wanted and _begins(written, at):
                return wanted
    return tuple(argv)


def _begins(written: Sequence[str], at: int) -> bool:
    """Whether a command begins at a word."""
    if at == 0:
        return True
    before = written[at - 1]
    assigns = before.partition("=")[0].isidentifier() and "=" in before
    return SEPARATORS.issuperset(before) or before in BEFORE_COMMAND or assigns


def script(argv: Sequence[str]) -> str:
    """The file that a shell runs; empty for `sh -c`, and for a shell that was given no file."""
    has_code, rest = _arguments(argv)
    return rest[0] if rest and not has_code else ""


def code(argv: Sequence[str]) -> str:
    """What a shell was given with -c; empty for a script."""
    has_code, rest = _arguments(argv)
    return rest[0] if rest and has_code else ""


def _arguments(argv: Sequence[str]) -> tuple[bool, Sequence[str]]:
    """Whether a shell was given -c, and what stands behind its options."""
    has_code, at = False, 2 if argv and argv[0].rpartition("/")[2] == "busybox" else 1
    while at < len(argv):
        word = argv[at]
        if not word.startswith(("-", "+")):
            break
        long = word.startswith("--")
        has_code |= not long and "c" in word
        takes_word = word in {"--rcfile", "--init-file"} if long else "o" in word.lower()  # -eo pipefail
        at += 1 + takes_word
    return has_code, argv[at:]
