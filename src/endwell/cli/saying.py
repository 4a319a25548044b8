"""What every command says the same way: what cannot be done, and whether in color."""

import io
import os
import sys

USAGE_ERROR = 2


def has_color(stream: object) -> bool:
    """Whether to write in color: to a terminal that can, unless NO_COLOR is set (no-color.org)."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and isinstance(stream, io.TextIOBase) and stream.isatty()


def fail(program: str, message: str) -> int:
    """Say on stderr what cannot be done; returns the exit status for it."""
    print(f"{program}: {message}", file=sys.stderr)
    return USAGE_ERROR
