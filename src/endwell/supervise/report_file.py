"""The account of a stop as JSON, to where it was asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_OUTPUTS = {"/dev/stdout": 1, "/dev/stderr": 2, "/dev/fd/1": 1, "/dev/fd/2": 2}


def write_report(path: str, report: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Write a report to a file; that it cannot be is said in one line."""
    import json  # noqa: PLC0415  at the end, if at all

    try:
        # Our own outputs are not opened anew: a file behind them would be emptied, a socket refused.
        target = os.dup(_OUTPUTS[path]) if path in _OUTPUTS else path
        with open(target, "w", encoding="utf-8") as file:  # noqa: PTH123  pathlib brings urllib along
            file.write(f"{json.dumps(report)}\n")
    except OSError as error:
        say(f"cannot write the report to {path}: {error.strerror}; name a file that can be written")
